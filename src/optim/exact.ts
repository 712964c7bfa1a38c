/** Functions in f64 of + - * / alone, which every engine rounds alike; Math.pow, Math.exp and Math.cos differ. */

/** beta^t by squaring, t at most 2^32 - 1: the halves of integers are faster than those of doubles. */
export function integerPower(beta: number, t: number): number {
  let y = 1;
  for (let square = beta, n = Math.min(t, 2 ** 32 - 1); n > 0; n >>>= 1, square *= square) if (n & 1) y *= square;
  return y;
}

/** With |x| at most 1/64, the terms of the exponential's series that follow are below 2^-60. */
const SMALL = 1 / 64;
const TERMS = 8;

/** e^x: x is halved until it is small, summed by Taylor's series, and the result squared as often. */
export function exponential(x: number): number {
  let [small, squarings] = [x, 0];
  for (; Math.abs(small) > SMALL; squarings++) small /= 2;
  let y = 1;
  for (let i = TERMS; i > 0; i--) y = 1 + (y * small) / i;
  for (; squarings > 0; squarings--) y *= y;
  return y;
}

/** The next term of the cosine's series, at π / 2, is below 2^-55. */
const COSINE_TERMS = 11;

/** cos(π x): by symmetry from x in [0, 1/2], where it is summed by Taylor's series. */
export function cosinePi(x: number): number {
  const turn = Math.abs(x) % 2;
  const half = turn > 1 ? 2 - turn : turn;
  if (half > 0.5) return -cosinePi(1 - half);
  const square = Math.PI * half * (Math.PI * half);
  let y = 1;
  for (let i = COSINE_TERMS; i > 0; i--) y = 1 - (y * square) / ((2 * i - 1) * (2 * i));
  return y;
}
