/** Functions in f64 of + - * / alone, which every engine rounds alike; Math.pow, Math.exp and Math.cos differ. */

/** beta^t by squaring. */
export function integerPower(beta: number, t: number): number {
  let y = 1;
  for (let square = beta, n = t; n > 0; n = Math.floor(n / 2), square *= square) if (n % 2 === 1) y *= square;
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
