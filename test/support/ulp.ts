const LARGEST = 3.4028234663852886e38;
/** From here on a number rounds to infinity. */
const OVERFLOW = LARGEST + 2 ** 103;
const LEAST_NORMAL = 2 ** -126;

/** The distance between float32 neighbours at a number. */
function ulpAt(exact: number): number {
  const size = Math.max(Math.abs(exact), LEAST_NORMAL);
  let exponent = Math.floor(Math.log2(size));
  if (2 ** exponent > size) exponent--;
  if (2 ** (exponent + 1) <= size) exponent++;
  return 2 ** (exponent - 23);
}

/** How far a float32 is from an exact value, in units of the last place; Infinity where only one of them is finite. */
function ulpsOff(actual: number, exact: number): number {
  if (Number.isNaN(exact)) return Number.isNaN(actual) ? 0 : Number.POSITIVE_INFINITY;
  if (Math.abs(exact) >= OVERFLOW)
    return actual === Math.sign(exact) * Number.POSITIVE_INFINITY ? 0 : Number.POSITIVE_INFINITY;
  const off = Math.abs(actual - exact) / ulpAt(exact);
  return Number.isNaN(off) ? Number.POSITIVE_INFINITY : off;
}

export interface Worst {
  ulps: number;
  /** Where, in words. */
  at: string;
}

/** The worst of some results; `name` says which one it was. */
export function worstOf(actual: ArrayLike<number>, exact: ArrayLike<number>, name: (i: number) => string): Worst {
  let worst = -1;
  let which = 0;
  for (let i = 0; i < exact.length; i++) {
    const ulps = ulpsOff(actual[i] as number, exact[i] as number);
    if (ulps > worst) [worst, which] = [ulps, i];
  }
  return { ulps: worst, at: `${name(which)} is ${actual[which]} and should be ${exact[which]}` };
}
