// @ts-check

/** erf by Taylor's series times exp(-x²), whose terms are all positive; from 6 on it is 1 in float64. */
export function erf(/** @type {number} */ x) {
  const a = Math.abs(x);
  if (!(a < 6)) return Math.sign(x);
  let sum = a;
  let term = a;
  for (let n = 1; term > sum * 2 ** -56; n++) {
    term *= (2 * a * a) / (2 * n + 1);
    sum += term;
  }
  return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * Math.exp(-a * a) * sum;
}

/**
 * float64's own functions, and formulas of them that do not cancel: their error vanishes in a float32. Node takes them from
 * fdlibm, which reduces huge angles exactly.
 * @type {Record<string, (x: number) => number>}
 */
export const ORACLES = {
  exp: Math.exp,
  log: Math.log,
  log1p: Math.log1p,
  expm1: Math.expm1,
  tanh: Math.tanh,
  sigmoid: (x) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x))),
  erf,
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  sin: Math.sin,
  cos: Math.cos,
};
