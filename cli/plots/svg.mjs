// @ts-check
import { writeFile } from 'node:fs/promises';

/** @typedef {import('vega-lite').TopLevelSpec} Spec */
/** @typedef {Extract<Spec, { layer: unknown }>['layer'][number]} Layer */

/** Colours that stay apart for colour-blind readers (Okabe and Ito 2008). */
export const COLOURS = {
  blue: '#0072b2',
  orange: '#e69f00',
  green: '#009e73',
  red: '#d55e00',
  sky: '#56b4e9',
  ink: '#333333',
  faint: '#b4b4b4',
};

/** @type {import('vega-lite').Config} */
const THEME = {
  background: '#ffffff',
  padding: 16,
  font: 'Helvetica, Arial, sans-serif',
  title: { fontSize: 16, fontWeight: 600, subtitleFontSize: 12, subtitleColor: '#666666', anchor: 'start', offset: 14 },
  axis: {
    labelFontSize: 11,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    titlePadding: 8,
    gridColor: '#ececec',
    domainColor: '#888888',
    tickColor: '#888888',
  },
  legend: { labelFontSize: 11, titleFontSize: 12, titleFontWeight: 'normal', symbolOpacity: 1, labelLimit: 300 },
  view: { stroke: null },
};

/**
 * Draws a Vega-Lite specification into a file. Vega is loaded here, at the first picture, so that no other work waits
 * for it.
 * @param {string} path
 * @param {Spec} spec
 */
export async function saveSvg(path, spec) {
  const [{ compile }, { parse, resetSVGDefIds, View }] = await Promise.all([import('vega-lite'), import('vega')]);
  const view = new View(parse(compile(spec, { config: THEME }).spec), { renderer: 'none' });
  // Names in a picture are counted from 1, whatever was drawn before.
  resetSVGDefIds();
  await writeFile(path, await view.toSVG());
  view.finalize();
}
