/** The orders of summation of assembly/kernel.ts in plain loops, each operation rounded to float32. */

const f = Math.fround;
const BLOCK = 256;
const PARTIALS = 16;

type Values = ArrayLike<number>;

const at = (values: Values, i: number): number => values[i] as number;

/** (a) for one output, where `term(p)` is the product number p of k; (c) for one column, where it is the element of row p. */
export function inBlocks(k: number, term: (p: number) => number): number {
  let total = 0;
  for (let first = 0; first < k; first += BLOCK) {
    let sum = 0;
    for (let p = first; p < Math.min(first + BLOCK, k); p++) sum = f(sum + f(term(p)));
    total = first === 0 ? sum : f(total + sum);
  }
  return total;
}

/** (b): 16 partials by index mod 16, folded 8, 4, 2, 1. */
export function byPartials(n: number, term: (i: number) => number): number {
  const partials = new Array<number>(PARTIALS).fill(0);
  for (let i = 0; i < n; i++) partials[i % PARTIALS] = f(at(partials, i % PARTIALS) + f(term(i)));
  for (let half = PARTIALS / 2; half >= 1; half /= 2) {
    for (let i = 0; i < half; i++) partials[i] = f(at(partials, i) + at(partials, i + half));
  }
  return at(partials, 0);
}

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
