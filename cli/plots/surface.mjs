// @ts-check
import { COLOURS } from './svg.mjs';

/** @typedef {import('../data/cost-surface.mjs').CostSurface} CostSurface */
/** @typedef {import('../data/line.mjs').Line} Line */
/** @typedef {{ name: string, batchSize: number, path: Line[] }} Method */
/** @typedef {{ w: [number, number], b: [number, number] }} Domain */

const CONTOURS = [1.01, 2, 5, 10, 20, 50, 100];
/** Wide and pale below, thin and dark above, so that paths that coincide are all seen. */
const PATHS = [
  { color: COLOURS.sky, width: 5 },
  { color: COLOURS.ink, width: 1.2 },
  { color: COLOURS.orange, width: 0.8 },
];

/** @param {Domain} domain */
const axes = ({ w, b }) => ({
  x: { field: 'w', type: 'quantitative', title: 'slope w', scale: { domain: w, nice: false }, axis: { tickCount: 6 } },
  y: {
    field: 'b',
    type: 'quantitative',
    title: 'intercept b',
    scale: { domain: b, nice: false },
    axis: { tickCount: 6 },
  },
});

/**
 * Contours as closed lines, the highest first, so that lower ones are painted over it.
 * @param {CostSurface} surface
 * @param {number[]} costs
 */
const contours = (surface, costs) =>
  costs
    .toSorted((a, b) => b - a)
    .flatMap((cost) => surface.contour(cost).map((point, order) => ({ ...point, cost, order })));

/** @param {CostSurface} surface */
const minimumMark = ({ optimum }) => ({
  data: { values: [{ ...optimum, text: 'minimum' }] },
  layer: [
    { mark: { type: 'point', shape: 'cross', filled: true, size: 90, opacity: 1, color: '#fff', stroke: COLOURS.ink } },
    { mark: { type: 'text', dx: 8, dy: -12, align: 'left', fontSize: 12 }, encoding: { text: { field: 'text' } } },
  ],
});

/**
 * The cost over w and b as filled contours, each twice as high as the one inside it.
 * @param {CostSurface} surface
 */
export function surfacePlot(surface) {
  const { optimum, minimum } = surface;
  const costs = Array.from({ length: 9 }, (_, i) => minimum * 2 ** (i + 1));
  return /** @type {import('./svg.mjs').Spec} */ ({
    title: {
      text: 'The cost surface of a line through 1000 points',
      subtitle: [
        'C(w, b) is half the mean squared error; it doubles from line to line.',
        `Minimum: ${minimum.toFixed(3)} at w = ${optimum.w.toFixed(2)}, b = ${optimum.b.toFixed(2)}.`,
      ],
    },
    width: 520,
    height: 420,
    encoding: axes({ w: [-1, 8], b: [-3.5, 6] }),
    layer: [
      {
        data: { values: contours(surface, costs) },
        mark: { type: 'line', filled: true, strokeWidth: 0.8, stroke: '#fff', clip: true },
        encoding: {
          order: { field: 'order', type: 'quantitative' },
          detail: { field: 'cost' },
          fill: {
            field: 'cost',
            type: 'ordinal',
            scale: { scheme: 'viridis', reverse: true },
            legend: { title: 'cost below', format: '.2f', symbolType: 'square', symbolSize: 200, symbolStrokeWidth: 0 },
          },
        },
      },
      minimumMark(surface),
    ],
  });
}

/**
 * The ways of the methods across the contours, one point an update: whole, and enlarged near the minimum.
 * @param {CostSurface} surface
 * @param {Method[]} methods
 */
export function pathsPlot(surface, methods) {
  const { w, b } = surface.optimum;
  const updates = (methods[0]?.path.length ?? 1) - 1;
  return /** @type {import('./svg.mjs').Spec} */ ({
    title: {
      text: 'Three ways down the cost surface',
      subtitle: [
        `${updates} updates each from w = 0, b = 0, at the same learning rate.`,
        `Contours of C(w, b) at ${CONTOURS.join(', ')} times its minimum.`,
      ],
    },
    hconcat: [
      panel(surface, methods, { title: 'the whole way', domain: { w: [-0.25, 4.75], b: [-0.25, 4.75] } }),
      panel(surface, methods, { title: 'near the minimum', domain: { w: [w - 0.5, w + 0.3], b: [b - 0.3, b + 0.5] } }),
    ],
  });
}

/**
 * @param {CostSurface} surface
 * @param {Method[]} methods
 * @param {{ title: string, domain: Domain }} options
 */
function panel(surface, methods, { title, domain }) {
  const costs = CONTOURS.map((times) => times * surface.minimum);
  const names = methods.map(({ name, batchSize }) => `${name} (${batchSize})`);
  const order = { field: 'order', type: 'quantitative' };
  const color = {
    field: 'name',
    scale: { domain: names, range: PATHS.map(({ color }) => color) },
    legend: {
      title: 'method (rows an update)',
      orient: 'bottom',
      titleLimit: 300,
      symbolSize: 400,
      symbolStrokeWidth: 3,
    },
  };
  const layers = methods.map(({ path }, i) => ({
    data: { values: path.map((point, order) => ({ ...point, order, name: names[i] })) },
    mark: { type: 'line', clip: true, strokeJoin: 'round', strokeWidth: PATHS[i]?.width },
    encoding: { order, color },
  }));
  const lines = {
    data: { values: contours(surface, costs) },
    mark: { type: 'line', strokeWidth: 1, color: COLOURS.faint, clip: true },
    encoding: { order, detail: { field: 'cost' } },
  };
  const [batch, miniBatch, stochastic] = layers;
  const layer = [lines, stochastic, batch, miniBatch, minimumMark(surface)];
  return { title: { text: title, fontSize: 13 }, width: 380, height: 380, encoding: axes(domain), layer };
}
