// @ts-check
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);
const NUMERIC = /** @type {const} */ (['Cylinders', 'Displacement', 'Horsepower', 'Weight_in_lbs', 'Acceleration']);
export const ORIGINS = ['USA', 'Europe', 'Japan'];
/** The columns of `features`, in order. */
export const FEATURES = [...NUMERIC, 'Year', ...ORIGINS];

/**
 * The cars of vega-datasets: features (origin as one column a place, 0 or 1) and miles per gallon. Rows with a missing
 * value are left out and listed.
 */
export async function readCars() {
  const entry = require.resolve('vega-datasets');
  /** @type {Record<string, string | number | null>[]} */
  const rows = JSON.parse(await readFile(join(dirname(entry), '../data/cars.json'), 'utf8'));
  const isComplete = (/** @type {typeof rows[number]} */ row) => Object.values(row).every((value) => value !== null);
  const complete = rows.filter(isComplete);
  return {
    features: complete.map(toFeatures),
    milesPerGallon: complete.map((row) => [Number(row.Miles_per_Gallon)]),
    dropped: rows.filter((row) => !isComplete(row)),
    total: rows.length,
  };
}

/** @param {Record<string, string | number | null>} row */
function toFeatures(row) {
  const year = Number(String(row.Year).slice(0, 4));
  return [...NUMERIC.map((name) => Number(row[name])), year, ...ORIGINS.map((origin) => Number(row.Origin === origin))];
}
