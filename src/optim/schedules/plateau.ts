import {
  checkNumber,
  checkOptions,
  checkValues,
  isFraction,
  isIndex,
  isOneOf,
  isRate,
  OptionError,
  StateError,
} from '../../errors';
import { type AnyOptimizer, checkOptimizer, groupsOf, type Measured } from './schedule';

/** What ReduceLROnPlateau takes. */
export interface ReduceLROnPlateauOptions {
  /** Is a smaller metric better, or a larger one? Default: 'min'. */
  mode?: 'min' | 'max';
  /** What the rates are multiplied by. Default: 0.1. */
  factor?: number;
  /** Steps without an improvement that are put up with. Default: 10. */
  patience?: number;
  /** What counts as an improvement. Default: 1e-4. */
  threshold?: number;
  /** Is the threshold a share of the best metric, or a difference to it? Default: 'rel'. */
  thresholdMode?: 'rel' | 'abs';
  /** Steps after a reduction in which nothing is counted. Default: 0. */
  cooldown?: number;
  /** The lowest rate. Default: 0. */
  minLr?: number;
  /** Rates change only by more than this. Default: 1e-8. */
  eps?: number;
  /** What `fit` looks at: a name in the history's rows. Default: 'valLoss' where there is one, else 'loss'. */
  monitor?: string;
  /** After an epoch: there is nothing else to look at. */
  per?: 'epoch';
}

/** What `stateDict()` gives. */
export interface PlateauState {
  /** Missing before the first step. */
  best?: number | undefined;
  /** Steps since the best value. */
  badSteps: number;
  /** Steps of the cooldown that are left. */
  cooling: number;
  /** The groups' rates. */
  rates: number[];
}

const DEFAULTS = {
  mode: 'min',
  factor: 0.1,
  patience: 10,
  threshold: 1e-4,
  thresholdMode: 'rel',
  cooldown: 0,
  minLr: 0,
  eps: 1e-8,
  monitor: '',
  per: 'epoch',
} as const;

/**
 * Multiplies the rates by `factor` when a metric has not improved for more than `patience` steps.
 *
 * As https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ReduceLROnPlateau.html.
 *
 * @param optimizer whose groups' rates it sets.
 * @param options `mode` 'min', `factor` 0.1, `patience` 10, `threshold` 1e-4, `thresholdMode` 'rel', `cooldown` 0, `minLr` 0,
 * `eps` 1e-8; `monitor` for `fit`: valLoss where there is one, else loss.
 * @throws OptionError for options that are unknown or out of range.
 * @example
 * const optimizer = new optim.SGD([parameter([1])], { lr: 0.5 });
 * const schedule = new optim.ReduceLROnPlateau(optimizer, { factor: 0.5, patience: 1 });
 * const rates = [3, 2, 2, 2].map((loss) => (schedule.step(loss), optimizer.lr));
 * expect(rates).toEqual([0.5, 0.5, 0.5, 0.25]);
 */
export class ReduceLROnPlateau {
  /** When `fit` steps it. */
  readonly per = 'epoch';
  /** @internal */
  readonly options: Required<ReduceLROnPlateauOptions>;
  private best: number | undefined;
  private badSteps = 0;
  private cooling = 0;

  constructor(
    /** Whose rates it sets. */
    readonly optimizer: AnyOptimizer,
    options: ReduceLROnPlateauOptions = {},
  ) {
    checkOptimizer('ReduceLROnPlateau', optimizer);
    checkOptions('ReduceLROnPlateau', options, Object.keys(DEFAULTS));
    this.options = { ...DEFAULTS, ...options };
    const rates = { threshold: isRate, minLr: isRate, eps: isRate };
    const words = { mode: isOneOf('min', 'max'), thresholdMode: isOneOf('rel', 'abs'), per: isOneOf('epoch') };
    checkValues(this.options, { ...words, factor: isFraction, patience: isIndex, cooldown: isIndex, ...rates });
  }

  /** @internal An epoch of `fit` has ended with these values in its row. */
  epochEnded(row: Measured): void {
    const name = this.options.monitor || ('valLoss' in row ? 'valLoss' : 'loss');
    const metric = row[name];
    if (metric === undefined)
      throw new OptionError(
        `ReduceLROnPlateau looks at ${name}, which is not there; there are ${Object.keys(row).join(', ')}.`,
      );
    this.step(metric);
  }

  private improves(metric: number): boolean {
    const { best } = this;
    const { mode, threshold, thresholdMode } = this.options;
    if (best === undefined) return Number.isFinite(metric);
    if (mode === 'min') return metric < (thresholdMode === 'rel' ? best * (1 - threshold) : best - threshold);
    return metric > (thresholdMode === 'rel' ? best * (1 + threshold) : best + threshold);
  }

  private reduce(): void {
    const { factor, minLr, eps } = this.options;
    for (const group of groupsOf(this.optimizer)) {
      const rate = Math.max(group.lr * factor, minLr);
      if (group.lr - rate > eps) group.lr = rate;
    }
  }

  /**
   * Looks at a metric, and reduces the rates where it has been on a plateau for too long.
   *
   * @throws OptionError for what is no number.
   */
  step(metric: number): void {
    checkNumber('The metric', metric, { needed: 'a number', holds: () => true });
    const better = this.improves(metric);
    if (better) this.best = metric;
    this.badSteps = better || this.cooling > 0 ? 0 : this.badSteps + 1;
    if (this.cooling > 0) this.cooling--;
    if (this.badSteps <= this.options.patience) return;
    this.reduce();
    this.cooling = this.options.cooldown;
    this.badSteps = 0;
  }

  /** What a checkpoint keeps. */
  stateDict(): PlateauState {
    const { best, badSteps, cooling } = this;
    return { best, badSteps, cooling, rates: groupsOf(this.optimizer).map((group) => group.lr) };
  }

  /**
   * Puts a state of `stateDict()` in place, and the optimizer's rates with it.
   *
   * @throws StateError for another number of groups; OptionError for what is no count, or no rate.
   */
  loadStateDict(state: PlateauState): void {
    const { best, badSteps, cooling, rates } = state ?? {};
    const groups = groupsOf(this.optimizer);
    if (rates?.length !== groups.length)
      throw new StateError(
        `loadStateDict got rates of ${rates?.length ?? 0} groups; the optimizer has ${groups.length} groups.`,
      );
    for (const rate of rates) checkNumber('Each of rates', rate, isRate);
    checkValues({ badSteps, cooling }, { badSteps: isIndex, cooling: isIndex });
    Object.assign(this, { best, badSteps, cooling });
    groups.forEach((group, i) => {
      group.lr = rates[i] as number;
    });
  }
}
