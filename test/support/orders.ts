/** The orders of summation of assembly/kernel.ts in plain loops, each operation rounded to float32. */

const f = Math.fround;
const BLOCK = 256;

type Values = ArrayLike<number>;

const at = (values: Values, i: number): number => values[i] as number;

/** Partials by index mod their number, which are folded by halves. */
function partially(count: number, n: number, term: (i: number) => number): number {
  const partials = new Array<number>(count).fill(0);
  for (let i = 0; i < n; i++) partials[i % count] = f(at(partials, i % count) + f(term(i)));
  for (let half = count / 2; half >= 1; half /= 2) {
    for (let i = 0; i < half; i++) partials[i] = f(at(partials, i) + at(partials, i + half));
  }
  return at(partials, 0);
}

/** Blocks of 256, each summed in so many partials. */
function blocked(count: number, k: number, term: (p: number) => number): number {
  let total = 0;
  for (let first = 0; first < k; first += BLOCK) {
    const sum = partially(count, Math.min(BLOCK, k - first), (p) => term(first + p));
    total = first === 0 ? sum : f(total + sum);
  }
  return total;
}

/** (a) for one output, where `term(p)` is the product number p of k; (c) for one column of several, where it is the element of row p. */
export const inBlocks = (k: number, term: (p: number) => number): number => blocked(1, k, term);

/** (c) where a row is one number. */
export const ofColumn = (m: number, term: (i: number) => number): number => blocked(4, m, term);

/** (b): 16 partials by index mod 16, folded 8, 4, 2, 1. */
export const byPartials = (n: number, term: (i: number) => number): number => partially(16, n, term);

/** Where an operand's element [row][column] stands. */
export interface Strides {
  row: number;
  column: number;
}

export interface Product {
  a: Values;
  b: Values;
  m: number;
  n: number;
  k: number;
  sa: Strides;
  sb: Strides;
  bias?: Values | undefined;
  relu?: boolean;
  /** What the product is let through by: c is 0 where this is not above 0. */
  gate?: Values | undefined;
}

/** A product whose sums are taken by `sum`, with its bias, activation and gate. */
export function productBy(sum: (k: number, term: (p: number) => number) => number, given: Product): Float32Array {
  const { a, b, m, n, k, sa, sb, bias, relu, gate } = given;
  const c = new Float32Array(m * n);
  for (let i = 0, at = 0; i < m; i++) {
    for (let j = 0; j < n; j++, at++) {
      const term = (p: number) => (a[i * sa.row + p * sa.column] as number) * (b[p * sb.row + j * sb.column] as number);
      const y = bias ? f(sum(k, term) + (bias[j] as number)) : sum(k, term);
      const open = !gate || (gate[at] as number) > 0;
      c[at] = relu ? Math.max(y, 0) : open ? y : 0;
    }
  }
  return c;
}
