// @ts-check
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);
export const MEASURES = ['Beak Length (mm)', 'Beak Depth (mm)', 'Flipper Length (mm)', 'Body Mass (g)'];
export const SPECIES = ['Adelie', 'Chinstrap', 'Gentoo'];

/** The penguins of vega-datasets: four measures of each and its species, a number. Rows without measures are left out. */
export async function readPenguins() {
  const entry = require.resolve('vega-datasets');
  /** @type {Record<string, string | number | null>[]} */
  const rows = JSON.parse(await readFile(join(dirname(entry), '../data/penguins.json'), 'utf8'));
  const complete = rows.filter((row) => MEASURES.every((name) => row[name] !== null));
  return {
    measures: complete.map((row) => MEASURES.map((name) => Number(row[name]))),
    species: complete.map((row) => SPECIES.indexOf(String(row.Species))),
    dropped: rows.length - complete.length,
  };
}
