// @ts-check
import { describe, expect, test } from 'vitest';
import { FEATURES, readCars } from '../data/cars.mjs';
import { CostSurface } from '../data/cost-surface.mjs';
import { deskew, PIXELS, readDigits, SIDE } from '../data/digits.mjs';
import { readPenguins } from '../data/penguins.mjs';

describe('CostSurface', () => {
  const x = [0, 0.5, 1, 1.5, 2, 2.5];
  const y = [1.1, 3.2, 4.4, 6.7, 8.1, 10.3];
  const cost = (/** @type {{ w: number, b: number }} */ { w, b }) =>
    x.reduce((sum, xi, i) => sum + (w * xi + b - (y[i] ?? 0)) ** 2, 0) / x.length / 2;
  const surface = new CostSurface(x, y);
  const line = { w: 1.3, b: -0.7 };

  test('has its minimum where the cost rises in every direction', () => {
    const { w, b } = surface.optimum;
    expect(surface.minimum).toBeCloseTo(cost({ w, b }), 12);
    for (const [dw, db] of /** @type {const} */ ([
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
      [1, -1],
      [-1, 1],
    ])) {
      expect(cost({ w: w + dw * 1e-3, b: b + db * 1e-3 })).toBeGreaterThan(surface.minimum);
    }
  });

  test('has the cost that the points have', () => {
    expect(surface.cost(line)).toBeCloseTo(cost(line), 12);
  });

  test('has the slope that central differences give', () => {
    const h = 1e-4;
    const { w, b } = surface.gradient(line);
    expect(w).toBeCloseTo((cost({ ...line, w: line.w + h }) - cost({ ...line, w: line.w - h })) / (2 * h), 8);
    expect(b).toBeCloseTo((cost({ ...line, b: line.b + h }) - cost({ ...line, b: line.b - h })) / (2 * h), 8);
  });

  test('has contours on which the cost is what was asked for', () => {
    for (const point of surface.contour(3)) expect(cost(point)).toBeCloseTo(3, 10);
  });

  test('has curvatures with the sum and the product of the second derivatives', () => {
    const { steepest, flattest } = surface.curvatures();
    const [xx, x1] = [x.reduce((sum, v) => sum + v * v, 0) / x.length, x.reduce((sum, v) => sum + v, 0) / x.length];
    expect(steepest + flattest).toBeCloseTo(xx + 1, 12);
    expect(steepest * flattest).toBeCloseTo(xx - x1 * x1, 12);
  });
});

test('readCars gives 392 complete cars of 406', async () => {
  const { features, milesPerGallon, dropped, total } = await readCars();
  expect([total, features.length, milesPerGallon.length, dropped.length]).toEqual([406, 392, 392, 14]);
  expect(features[0]).toEqual([8, 307, 130, 3504, 12, 1970, 1, 0, 0]);
  expect(milesPerGallon[0]).toEqual([18]);
  for (const row of features) {
    expect(row).toHaveLength(FEATURES.length);
    expect(row.every(Number.isFinite)).toBe(true);
    expect(row.slice(-3).reduce((a, b) => a + b)).toBe(1);
  }
});

test('readPenguins gives the 342 penguins of 344 that were measured', async () => {
  const { measures, species, dropped } = await readPenguins();
  expect([measures.length, dropped]).toEqual([342, 2]);
  expect(measures[0]).toEqual([39.1, 18.7, 181, 3750]);
  expect(measures.flat().every((value) => value > 0)).toBe(true);
  expect([0, 1, 2].map((s) => species.filter((other) => other === s).length)).toEqual([151, 68, 123]);
});

test('readDigits gives all 10,000 images, with brightnesses from 0 to 1', async () => {
  const { images, labels } = await readDigits();
  expect([images.length, labels.length]).toEqual([10_000 * PIXELS, 10_000]);
  const counts = new Array(10).fill(0);
  for (const label of labels) counts[label]++;
  expect(counts).toEqual([1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]);
  expect(images.reduce((a, b) => Math.min(a, b))).toBe(0);
  expect(images.reduce((a, b) => Math.max(a, b))).toBe(1);
});

test('deskew makes a slanted stroke upright and central', () => {
  const image = new Float32Array(PIXELS);
  for (let row = 6; row < 20; row++) image[row * SIDE + 20 - Math.floor(row / 2)] = 1;
  const straight = deskew(image);
  const columns = Array.from({ length: SIDE }, (_, column) => {
    let sum = 0;
    for (let row = 0; row < SIDE; row++) sum += straight[row * SIDE + column] ?? 0;
    return sum;
  });
  const mass = columns.reduce((a, b) => a + b);
  const middle = columns.reduce((sum, value, column) => sum + value * column, 0) / mass;
  expect(middle).toBeCloseTo((SIDE - 1) / 2, 1);
  expect(columns.slice(12, 16).reduce((a, b) => a + b) / mass).toBeGreaterThan(0.95);
});
