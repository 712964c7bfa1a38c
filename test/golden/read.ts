import { readFileSync } from 'node:fs';
import { parameter, type Tensor, tensor } from 'downhill';
import { expect } from 'vitest';

/** An array as the files state it: its values in full, or what `hashed` makes them of. */
export interface Stated {
  shape: number[];
  data?: number[];
  hash?: [seed: number, first: number, count: number, per: number];
}

export function readGolden<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`./${name}.json`, import.meta.url), 'utf8'));
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, n) => size * n, 1);
}

export function valuesOf({ shape, data, hash }: Stated): Float32Array {
  if (data) return Float32Array.from(data);
  if (!hash) throw new Error('An array in a golden file has neither data nor hash.');
  return hashed(sizeOf(shape), hash);
}

/** Multiples of 1/per between two ends by a 32-bit hash of the index; `hashed` in common.py is the same function. */
function hashed(size: number, [seed, first, count, per]: NonNullable<Stated['hash']>): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => {
    let h = Math.imul(i + seed * 65537, 2654435761);
    h = Math.imul(h ^ (h >>> 15), 2246822519);
    h ^= h >>> 13;
    return (first + ((h >>> 8) % count)) / per;
  });
}

export function constant(stated: Stated): Tensor {
  return tensor(valuesOf(stated), { shape: stated.shape });
}

export function variable(stated: Stated): Tensor {
  return parameter(valuesOf(stated), { shape: stated.shape });
}

/** Class indices. */
export function labels(stated: Stated): Tensor {
  return tensor(Int32Array.from(valuesOf(stated)), { shape: stated.shape });
}

export function gradientOf(what: string, { grad }: Tensor): Tensor {
  if (!grad) throw new Error(`${what} has no gradient.`);
  return grad;
}

/** What is allowed to a float32 result beside its float64 oracle. */
function relative(expected: number): number {
  return 5e-6 * (1 + Math.abs(expected));
}

/** Compares every element and names the worst one. */
export function expectClose(
  what: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  allowed: (expected: number) => number = relative,
): void {
  expect(actual.length, `${what}: number of elements`).toBe(expected.length);
  const excess = Array.from(expected, (b, i) => excessOf(actual[i] ?? Number.NaN, b, allowed(b)));
  const worst = excess.reduce((at, e, i) => (e > (excess[at] ?? 0) ? i : at), 0);
  const [a, b] = [actual[worst] ?? Number.NaN, expected[worst] ?? Number.NaN];
  if ((excess[worst] ?? 0) <= 1) return;
  expect.fail(
    `${what}: element ${worst} of ${expected.length} is ${a} and should be ${b}; off by ${Math.abs(a - b)}, allowed ${allowed(b)}.`,
  );
}

/** The error as a multiple of what is allowed; a NaN exceeds everything. */
function excessOf(actual: number, expected: number, allowed: number): number {
  const excess = Math.abs(actual - expected) / allowed;
  return Number.isNaN(excess) ? Number.POSITIVE_INFINITY : excess;
}

export function expectTensorClose(what: string, actual: Tensor, expected: { shape: number[]; data: number[] }): void {
  expect([...actual.shape], `${what}: shape`).toEqual(expected.shape);
  expectClose(what, actual.toTypedArray(), expected.data);
}
