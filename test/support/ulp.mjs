// @ts-check
const LARGEST = 3.4028234663852886e38;
/** From here on a number rounds to infinity. */
const OVERFLOW = LARGEST + 2 ** 103;
const LEAST_NORMAL = 2 ** -126;

/**
 * The distance between float32 neighbours at a number.
 * @param {number} exact
 */
function ulpAt(exact) {
  const size = Math.max(Math.abs(exact), LEAST_NORMAL);
  let exponent = Math.floor(Math.log2(size));
  if (2 ** exponent > size) exponent--;
  if (2 ** (exponent + 1) <= size) exponent++;
  return 2 ** (exponent - 23);
}

/**
 * How far a float32 is from an exact value, in units of the last place; Infinity where only one of them is finite.
 * @param {number} actual
 * @param {number} exact
 */
export function ulpsOff(actual, exact) {
  if (Number.isNaN(exact)) return Number.isNaN(actual) ? 0 : Number.POSITIVE_INFINITY;
  if (Math.abs(exact) >= OVERFLOW)
    return actual === Math.sign(exact) * Number.POSITIVE_INFINITY ? 0 : Number.POSITIVE_INFINITY;
  const off = Math.abs(actual - exact) / ulpAt(exact);
  return Number.isNaN(off) ? Number.POSITIVE_INFINITY : off;
}

/**
 * The worst of some results; `name` says which one it was.
 * @param {ArrayLike<number>} actual
 * @param {ArrayLike<number>} exact
 * @param {(i: number) => string} name
 * @returns {{ ulps: number, at: string }}
 */
export function worstOf(actual, exact, name) {
  let worst = -1;
  let which = 0;
  for (let i = 0; i < exact.length; i++) {
    const ulps = ulpsOff(/** @type {number} */ (actual[i]), /** @type {number} */ (exact[i]));
    if (ulps > worst) [worst, which] = [ulps, i];
  }
  return { ulps: worst, at: `${name(which)} is ${actual[which]} and should be ${exact[which]}` };
}
