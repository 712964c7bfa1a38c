import { checkNumber, checkValues, isCount, isOneOf, isRate, OptionError } from '../../errors';
import { cosinePi } from '../exact';
import { type AnyOptimizer, Schedule, type ScheduleOptions } from './schedule';

/** What CosineAnnealingLR takes. */
export interface CosineAnnealingLROptions extends ScheduleOptions {
  /** Steps from the first rate to the lowest. */
  tMax: number;
  /** The lowest rate. Default: 0. */
  etaMin?: number;
}

/** From `high` at x = 0 to `low` at x = 1 along half a cosine. */
function anneal(high: number, low: number, x: number): number {
  return low + ((high - low) * (1 + cosinePi(x))) / 2;
}

/** How a schedule goes from one value to another: along half a cosine or a straight line. */
export type AnnealStrategy = 'cos' | 'linear';

export const isStrategy = () => isOneOf('cos', 'linear');

/** The value after a share x of the way between two. */
export function annealedBy(strategy: AnnealStrategy, [from, to]: readonly [number, number], x: number): number {
  return strategy === 'cos' ? anneal(from, to, x) : from + (to - from) * x;
}

/** Throws unless rates are one for all groups, or one for each. */
export function checkRates(name: string, rates: number | readonly number[], groups: readonly unknown[]): void {
  if (Array.isArray(rates) && rates.length !== groups.length)
    throw new OptionError(`${name} has ${rates.length} rates; the optimizer has ${groups.length} groups.`);
  for (const rate of [rates].flat()) checkNumber(name, rate, isRate);
}

/**
 * A rate along a cosine (Loshchilov and Hutter 2017): lr = etaMin + (first - etaMin) (1 + cos(π count / tMax)) / 2.
 *
 * As https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CosineAnnealingLR.html. After tMax steps it rises again.
 *
 * @param optimizer whose groups' rates it sets.
 * @param options `tMax`; `etaMin` 0, `per` 'epoch'.
 * @throws OptionError for options that are unknown, missing or out of range.
 * @example
 * const optimizer = new optim.SGD([parameter([1])], { lr: 0.5 });
 * const schedule = new optim.CosineAnnealingLR(optimizer, { tMax: 2 });
 * schedule.step();
 * expect(optimizer.lr).toBeCloseTo(0.25);
 */
export class CosineAnnealingLR extends Schedule<CosineAnnealingLROptions> {
  constructor(optimizer: AnyOptimizer, options: CosineAnnealingLROptions) {
    super(optimizer, options, { tMax: undefined, etaMin: 0, per: 'epoch' });
  }

  protected check(options: Required<CosineAnnealingLROptions>): void {
    checkValues(options, { tMax: isCount, etaMin: isRate });
  }

  protected rate(first: number, count: number): number {
    return anneal(first, this.options.etaMin, count / this.options.tMax);
  }
}

/** What CosineAnnealingWarmRestarts takes. */
export interface CosineAnnealingWarmRestartsOptions extends ScheduleOptions {
  /** Steps to the first restart. */
  t0: number;
  /** How many times longer each period is than the one before it. Default: 1. */
  tMult?: number;
  /** The lowest rate. Default: 0. */
  etaMin?: number;
}

/**
 * A rate along a cosine that begins anew (Loshchilov and Hutter 2017): lr = etaMin + (first - etaMin) (1 + cos(π t / T)) / 2,
 * t steps after the last restart, in a period of T steps: t0, t0 tMult, t0 tMult², …
 *
 * As https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CosineAnnealingWarmRestarts.html.
 *
 * @param optimizer whose groups' rates it sets.
 * @param options `t0`; `tMult` 1, `etaMin` 0, `per` 'epoch'.
 * @throws OptionError for options that are unknown, missing or out of range.
 * @example
 * const optimizer = new optim.SGD([parameter([1])], { lr: 0.5 });
 * const schedule = new optim.CosineAnnealingWarmRestarts(optimizer, { t0: 2 });
 * schedule.step();
 * expect(optimizer.lr).toBeCloseTo(0.25);
 * schedule.step();
 * expect(optimizer.lr).toBe(0.5);
 */
export class CosineAnnealingWarmRestarts extends Schedule<CosineAnnealingWarmRestartsOptions> {
  constructor(optimizer: AnyOptimizer, options: CosineAnnealingWarmRestartsOptions) {
    super(optimizer, options, { t0: undefined, tMult: 1, etaMin: 0, per: 'epoch' });
  }

  protected check(options: Required<CosineAnnealingWarmRestartsOptions>): void {
    checkValues(options, { t0: isCount, tMult: isCount, etaMin: isRate });
  }

  protected rate(first: number, count: number): number {
    const { t0, tMult, etaMin } = this.options;
    let [t, period] = [tMult === 1 ? count % t0 : count, t0];
    for (; t >= period; period *= tMult) t -= period;
    return anneal(first, etaMin, t / period);
  }
}
