import { checkNumber, checkValues, isCount, isFlag, isFraction, isPositive, OptionError } from '../../errors';
import { isShare } from '../checks';
import { type AnnealStrategy, annealedBy, checkRates, isStrategy } from './cosine';
import { type AnyOptimizer, groupsOf, Schedule, type ScheduleOptions } from './schedule';

/** What OneCycleLR takes. */
export interface OneCycleLROptions extends ScheduleOptions {
  /** The highest rate, of all groups or of each. */
  maxLr: number | readonly number[];
  /** Steps of the cycle. Default: epochs × stepsPerEpoch. */
  totalSteps?: number;
  /** Passes of the whole cycle, instead of `totalSteps`. */
  epochs?: number;
  /** Steps of a pass, instead of `totalSteps`. */
  stepsPerEpoch?: number;
  /** The share of the steps in which the rate rises. Default: 0.3. */
  pctStart?: number;
  /** Along half a cosine or a straight line. Default: 'cos'. */
  annealStrategy?: AnnealStrategy;
  /** Let the momentum (β₁ where there are betas) fall while the rate rises, and back. Default: true. */
  cycleMomentum?: boolean;
  /** The lowest momentum. Default: 0.85. */
  baseMomentum?: number;
  /** The highest momentum. Default: 0.95. */
  maxMomentum?: number;
  /** The first rate is maxLr / divFactor. Default: 25. */
  divFactor?: number;
  /** The last rate is the first one / finalDivFactor. Default: 10000. */
  finalDivFactor?: number;
  /** Back to the first rate as fast as up from it, and then to the last. Default: false. */
  threePhase?: boolean;
  /** When `fit` steps it. Default: 'step'. */
  per?: 'epoch' | 'step';
}

const DEFAULTS = {
  maxLr: undefined,
  totalSteps: undefined,
  epochs: undefined,
  stepsPerEpoch: undefined,
  pctStart: 0.3,
  annealStrategy: 'cos',
  cycleMomentum: true,
  baseMomentum: 0.85,
  maxMomentum: 0.95,
  divFactor: 25,
  finalDivFactor: 1e4,
  threePhase: false,
  per: 'step',
} as const;

/** Where a count of steps lies: in which phase, and how far through it. */
interface Position {
  phase: number;
  x: number;
}

/**
 * One cycle (Smith and Topin 2019): for pctStart of totalSteps the rate rises from maxLr / divFactor to maxLr, then it falls to
 * maxLr / divFactor / finalDivFactor, where it stays; the momentum falls from maxMomentum to baseMomentum and rises again.
 *
 * As https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.OneCycleLR.html.
 *
 * @param optimizer whose groups' rates and momenta it sets.
 * @param options `maxLr`, and `totalSteps` or `epochs` and `stepsPerEpoch`; `pctStart` 0.3, `annealStrategy` 'cos',
 * `cycleMomentum` true, `baseMomentum` 0.85, `maxMomentum` 0.95, `divFactor` 25, `finalDivFactor` 10000, `threePhase` false,
 * `per` 'step'.
 * @throws OptionError for options that are unknown, missing or out of range, and for `cycleMomentum` without a momentum.
 * @example
 * const optimizer = new optim.SGD([parameter([1])], { lr: 0.1, momentum: 0.9 });
 * const schedule = new optim.OneCycleLR(optimizer, { maxLr: 0.5, totalSteps: 10 });
 * schedule.step();
 * schedule.step();
 * expect(optimizer.lr).toBeCloseTo(0.5);
 * expect(optimizer.groups[0].options.momentum).toBeCloseTo(0.85);
 */
export class OneCycleLR extends Schedule<OneCycleLROptions> {
  constructor(optimizer: AnyOptimizer, options: OneCycleLROptions) {
    super(optimizer, options, DEFAULTS);
  }

  protected check(options: Required<OneCycleLROptions>): void {
    const groups = groupsOf(this.optimizer);
    const { maxLr, epochs, stepsPerEpoch } = options;
    checkRates('maxLr', maxLr, groups);
    if (options.totalSteps === undefined && epochs !== undefined && stepsPerEpoch !== undefined)
      options.totalSteps = epochs * stepsPerEpoch;
    checkNumber('totalSteps (or epochs × stepsPerEpoch)', options.totalSteps, isCount);
    checkValues(options, {
      annealStrategy: isStrategy(),
      pctStart: isShare,
      divFactor: isPositive,
      finalDivFactor: isPositive,
      baseMomentum: isFraction,
      maxMomentum: isFraction,
      threePhase: isFlag,
      cycleMomentum: isFlag,
    });
    if (options.cycleMomentum && !groups.every((group) => 'momentum' in group || 'betas' in group))
      throw new OptionError(
        'The optimizer has neither momentum nor betas to cycle; give OneCycleLR cycleMomentum: false.',
      );
  }

  private position(count: number): Position {
    const { totalSteps, pctStart, threePhase } = this.options;
    const top = pctStart * totalSteps - 1;
    const ends = threePhase ? [top, 2 * pctStart * totalSteps - 2, totalSteps - 1] : [top, totalSteps - 1];
    let start = 0;
    let phase = 0;
    for (; phase < ends.length - 1 && count > (ends[phase] as number); phase++) start = ends[phase] as number;
    const length = (ends[phase] as number) - start;
    return { phase, x: length > 0 ? Math.min(1, (count - start) / length) : 1 };
  }

  /** The value at a count of steps, where `corners` are the values between which each phase goes. */
  private between(count: number, corners: readonly number[]): number {
    const { phase, x } = this.position(count);
    return annealedBy(this.options.annealStrategy, [corners[phase] as number, corners[phase + 1] as number], x);
  }

  protected rate(_first: number, count: number, group: number): number {
    const { maxLr, divFactor, finalDivFactor, threePhase } = this.options;
    const top = typeof maxLr === 'number' ? maxLr : (maxLr[group] as number);
    const low = top / divFactor;
    return this.between(count, threePhase ? [low, top, low, low / finalDivFactor] : [low, top, low / finalDivFactor]);
  }

  /** @internal */
  override moveTo(count: number): void {
    super.moveTo(count);
    const { cycleMomentum, baseMomentum, maxMomentum } = this.options;
    if (!cycleMomentum) return;
    const momentum = this.between(count, [maxMomentum, baseMomentum, maxMomentum, maxMomentum]);
    for (const group of groupsOf(this.optimizer)) {
      if (group.betas) group.betas = [momentum, group.betas[1]];
      else group.momentum = momentum;
    }
  }
}
