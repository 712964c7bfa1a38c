import { readFileSync } from 'node:fs';
import { OneHotEncoder } from 'downhill/data';
import { readCars } from '../../cli/data/cars.mjs';
import { PIXELS, readDigits } from '../../cli/data/digits.mjs';

/** Features and targets as a user has them: nothing is scaled, labels are words or numbers. */
export interface Table {
  X: number[][];
  y: (number | string)[];
}

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

/** A table of scikit-learn's, as test/fixtures/generate.py wrote it. */
function fixture(name: string): Table {
  const [, ...lines] = read(`../fixtures/${name}.csv`).trim().split('\n');
  const rows = lines.map((line) => line.split(','));
  const y = rows.map((row) => row.at(-1) as string);
  return { X: rows.map((row) => row.slice(0, -1).map(Number)), y: name === 'diabetes' ? y.map(Number) : y };
}

async function cars(): Promise<Table> {
  const { features, milesPerGallon } = await readCars();
  return { X: features, y: milesPerGallon.flat() };
}

/** Measures of penguins, and their island and sex as columns of 0 and 1. Rows with a missing value are left out. */
function penguins(): Table {
  const all: Record<string, string | number | null>[] = JSON.parse(
    read('../../node_modules/vega-datasets/data/penguins.json'),
  );
  const rows = all.filter((row) => Object.values(row).every((value) => value !== null));
  const numbers = ['Beak Length (mm)', 'Beak Depth (mm)', 'Flipper Length (mm)', 'Body Mass (g)'];
  const words = rows.map(({ Island, Sex }) => [String(Island), String(Sex)]);
  const hot = new OneHotEncoder().fitTransform(words).toArray() as number[][];
  return {
    X: rows.map((row, i) => [...numbers.map((name) => Number(row[name])), ...(hot[i] as number[])]),
    y: rows.map(({ Species }) => String(Species)),
  };
}

const OF_EACH_DIGIT = 100;

/** The first hundred images of each digit. */
async function digits(): Promise<Table> {
  const { images, labels } = await readDigits();
  const rows = Array.from({ length: 10 }, (_, digit) => labels.indexOf(digit)).flatMap((first) =>
    Array.from({ length: OF_EACH_DIGIT }, (_, i) => first + i),
  );
  return {
    X: rows.map((i) => Array.from(images.subarray(i * PIXELS, (i + 1) * PIXELS))),
    y: rows.map((i) => labels[i] as number),
  };
}

export const TABLES: Record<string, () => Table | Promise<Table>> = {
  diabetes: () => fixture('diabetes'),
  wine: () => fixture('wine'),
  'breast-cancer': () => fixture('breast-cancer'),
  cars,
  penguins,
  digits,
};
