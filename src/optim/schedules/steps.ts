import { checkNumber, checkValues, isCount, isRate, OptionError } from '../../errors';
import { isShare } from '../checks';
import { integerPower } from '../exact';
import { type AnyOptimizer, groupsOf, Schedule, type ScheduleOptions } from './schedule';

/** What StepLR takes. */
export interface StepLROptions extends ScheduleOptions {
  /** Steps from one reduction to the next. */
  stepSize: number;
  /** What the rate is multiplied by. Default: 0.1. */
  gamma?: number;
}

/**
 * A rate that falls in steps: lr = first gamma^⌊count / stepSize⌋.
 *
 * As https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.StepLR.html.
 *
 * @param optimizer whose groups' rates it sets.
 * @param options `stepSize`; `gamma` 0.1, `per` 'epoch'.
 * @throws OptionError for options that are unknown, missing or out of range.
 * @example
 * const optimizer = new optim.SGD([parameter([1])], { lr: 0.5 });
 * const schedule = new optim.StepLR(optimizer, { stepSize: 2, gamma: 0.5 });
 * const rates = [1, 2, 3, 4].map(() => (schedule.step(), optimizer.lr));
 * expect(rates).toEqual([0.5, 0.25, 0.25, 0.125]);
 */
export class StepLR extends Schedule<StepLROptions> {
  constructor(optimizer: AnyOptimizer, options: StepLROptions) {
    super(optimizer, options, { stepSize: undefined, gamma: 0.1, per: 'epoch' });
  }

  protected check(options: Required<StepLROptions>): void {
    checkValues(options, { stepSize: isCount, gamma: isRate });
  }

  protected rate(first: number, count: number): number {
    return first * integerPower(this.options.gamma, Math.floor(count / this.options.stepSize));
  }
}

/** What MultiStepLR takes. */
export interface MultiStepLROptions extends ScheduleOptions {
  /** The counts of steps at which the rate is reduced. */
  milestones: readonly number[];
  /** What the rate is multiplied by. Default: 0.1. */
  gamma?: number;
}

export function checkMilestones(milestones: unknown): void {
  if (!Array.isArray(milestones))
    throw new OptionError(`milestones is ${String(milestones)}; it must be counts of steps, such as [30, 80].`);
  for (const milestone of milestones) checkNumber('Each of milestones', milestone, isCount);
}

/**
 * A rate that falls at milestones: lr = first gamma^(milestones reached).
 *
 * As https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.MultiStepLR.html.
 *
 * @param optimizer whose groups' rates it sets.
 * @param options `milestones`; `gamma` 0.1, `per` 'epoch'.
 * @throws OptionError for options that are unknown, missing or out of range.
 * @example
 * const optimizer = new optim.SGD([parameter([1])], { lr: 0.5 });
 * const schedule = new optim.MultiStepLR(optimizer, { milestones: [1, 3], gamma: 0.5 });
 * const rates = [1, 2, 3].map(() => (schedule.step(), optimizer.lr));
 * expect(rates).toEqual([0.25, 0.25, 0.125]);
 */
export class MultiStepLR extends Schedule<MultiStepLROptions> {
  constructor(optimizer: AnyOptimizer, options: MultiStepLROptions) {
    super(optimizer, options, { milestones: undefined, gamma: 0.1, per: 'epoch' });
  }

  protected check({ milestones, gamma }: Required<MultiStepLROptions>): void {
    checkMilestones(milestones);
    checkNumber('gamma', gamma, isRate);
  }

  protected rate(first: number, count: number): number {
    const { milestones, gamma } = this.options;
    return first * integerPower(gamma, milestones.filter((milestone) => milestone <= count).length);
  }
}

/** What ExponentialLR takes. */
export interface ExponentialLROptions extends ScheduleOptions {
  /** What the rate is multiplied by in each step. */
  gamma: number;
}

/**
 * A rate that falls by the same factor in each step: lr = first gamma^count.
 *
 * As https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ExponentialLR.html.
 *
 * @param optimizer whose groups' rates it sets.
 * @param options `gamma`; `per` 'epoch'.
 * @throws OptionError for options that are unknown, missing or out of range.
 * @example
 * const optimizer = new optim.SGD([parameter([1])], { lr: 0.5 });
 * const schedule = new optim.ExponentialLR(optimizer, { gamma: 0.5 });
 * schedule.step();
 * expect(optimizer.lr).toBe(0.25);
 */
export class ExponentialLR extends Schedule<ExponentialLROptions> {
  constructor(optimizer: AnyOptimizer, options: ExponentialLROptions) {
    super(optimizer, options, { gamma: undefined, per: 'epoch' });
  }

  protected check({ gamma }: ExponentialLROptions): void {
    checkNumber('gamma', gamma, isRate);
  }

  protected rate(first: number, count: number): number {
    return first * integerPower(this.options.gamma, count);
  }
}

/** What LinearLR takes. */
export interface LinearLROptions extends ScheduleOptions {
  /** What the first rate is multiplied by at the start. Default: 1/3. */
  startFactor?: number;
  /** And at the end. Default: 1. */
  endFactor?: number;
  /** Steps from the one to the other. Default: 5. */
  totalIters?: number;
}

/**
 * A rate on a straight line, such as a warm-up: lr = first (startFactor + (endFactor - startFactor) min(1, count / totalIters)).
 *
 * As https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.LinearLR.html.
 *
 * @param optimizer whose groups' rates it sets.
 * @param options `startFactor` 1/3, `endFactor` 1, `totalIters` 5, `per` 'epoch'.
 * @throws OptionError for options that are unknown or out of range.
 * @example
 * const optimizer = new optim.SGD([parameter([1])], { lr: 0.5 });
 * const schedule = new optim.LinearLR(optimizer, { startFactor: 0.5, totalIters: 2 });
 * const rates = [1, 2, 3].map(() => (schedule.step(), optimizer.lr));
 * expect(rates).toEqual([0.375, 0.5, 0.5]);
 */
export class LinearLR extends Schedule<LinearLROptions> {
  constructor(optimizer: AnyOptimizer, options: LinearLROptions = {}) {
    super(optimizer, options, { startFactor: 1 / 3, endFactor: 1, totalIters: 5, per: 'epoch' });
  }

  protected check(options: Required<LinearLROptions>): void {
    checkValues(options, { startFactor: isShare, endFactor: isShare, totalIters: isCount });
  }

  protected rate(first: number, count: number): number {
    const { startFactor, endFactor, totalIters } = this.options;
    return first * (startFactor + ((endFactor - startFactor) * Math.min(count, totalIters)) / totalIters);
  }
}

type Factor = (count: number) => number;

/** What LambdaLR takes. */
export interface LambdaLROptions extends ScheduleOptions {
  /** What the first rate is multiplied by after `count` steps; one function for all groups, or one for each. */
  lrLambda: Factor | readonly Factor[];
}

/**
 * A rate of one's own: lr = first lrLambda(count). The function may be called ahead, and more than once for the same count.
 *
 * As https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.LambdaLR.html. Functions are not in `stateDict()`.
 *
 * @param optimizer whose groups' rates it sets.
 * @param options `lrLambda`; `per` 'epoch'.
 * @throws OptionError for options that are unknown or missing, and for a factor that is no finite number of at least 0.
 * @example
 * const optimizer = new optim.SGD([parameter([1])], { lr: 0.5 });
 * const schedule = new optim.LambdaLR(optimizer, { lrLambda: (count) => 1 / (1 + count) });
 * schedule.step();
 * expect(optimizer.lr).toBe(0.25);
 */
export class LambdaLR extends Schedule<LambdaLROptions> {
  constructor(optimizer: AnyOptimizer, options: LambdaLROptions) {
    super(optimizer, options, { lrLambda: undefined, per: 'epoch' });
  }

  protected check({ lrLambda }: LambdaLROptions): void {
    const list = Array.isArray(lrLambda) ? lrLambda : [lrLambda];
    const groups = groupsOf(this.optimizer).length;
    if (!list.every((f) => typeof f === 'function'))
      throw new OptionError(
        `lrLambda is ${String(lrLambda)}; it must be a function of the steps so far, or a list of them.`,
      );
    if (Array.isArray(lrLambda) && list.length !== groups)
      throw new OptionError(`lrLambda has ${list.length} functions; the optimizer has ${groups} groups.`);
  }

  protected rate(first: number, count: number, group: number): number {
    const { lrLambda } = this.options;
    const factor = (typeof lrLambda === 'function' ? lrLambda : (lrLambda[group] as Factor))(count);
    checkNumber(`lrLambda(${count})`, factor, isRate);
    return first * factor;
  }
}
