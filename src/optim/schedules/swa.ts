import { checkValues, isIndex } from '../../errors';
import { type AnnealStrategy, annealedBy, checkRates, isStrategy } from './cosine';
import { type AnyOptimizer, groupsOf, Schedule, type ScheduleOptions } from './schedule';

/** What SWALR takes. */
export interface SWALROptions extends ScheduleOptions {
  /** The rate at the end, of all groups or of each. */
  swaLr: number | readonly number[];
  /** Steps from the rate that is found to that one; 0 is at once. Default: 10. */
  annealEpochs?: number;
  /** Along half a cosine or a straight line. Default: 'cos'. */
  annealStrategy?: AnnealStrategy;
}

/**
 * The rate for averaging weights (Izmailov et al. 2018): from that of the optimizer when it is first stepped to swaLr, where it
 * stays: lr = found (1 - a) + swaLr a, with a = (1 - cos(π x)) / 2 or x, and x = count / annealEpochs up to 1.
 *
 * As https://pytorch.org/docs/stable/optim.html#torch.optim.swa_utils.SWALR. Make it before the training, beside the schedule
 * that it takes over from.
 *
 * @param optimizer whose groups' rates it sets.
 * @param options `swaLr`; `annealEpochs` 10, `annealStrategy` 'cos', `per` 'epoch'.
 * @throws OptionError for options that are unknown, missing or out of range.
 * @example
 * const optimizer = new optim.SGD([parameter([1])], { lr: 0.5 });
 * const schedule = new optim.SWALR(optimizer, { swaLr: 0.1, annealEpochs: 2 });
 * const rates = [1, 2, 3].map(() => (schedule.step(), optimizer.lr));
 * expect(rates[0]).toBeCloseTo(0.3);
 * expect(rates.slice(1)).toEqual([0.1, 0.1]);
 */
export class SWALR extends Schedule<SWALROptions> {
  constructor(optimizer: AnyOptimizer, options: SWALROptions) {
    super(optimizer, options, { swaLr: undefined, annealEpochs: 10, annealStrategy: 'cos', per: 'epoch' });
  }

  protected check(options: Required<SWALROptions>): void {
    checkRates('swaLr', options.swaLr, groupsOf(this.optimizer));
    checkValues(options, { annealEpochs: isIndex, annealStrategy: isStrategy() });
  }

  /** @internal It goes on from the rates that are there when it begins. */
  override moveTo(count: number): void {
    const own = this.ratesAt(0);
    const found = groupsOf(this.optimizer).map((options) => options.lr);
    if (this.count === 0 && found.some((rate, group) => rate !== own[group])) this.rates = found;
    super.moveTo(count);
  }

  protected rate(first: number, count: number, group: number): number {
    const { swaLr, annealEpochs, annealStrategy } = this.options;
    const last = typeof swaLr === 'number' ? swaLr : (swaLr[group] as number);
    return annealedBy(annealStrategy, [first, last], annealEpochs === 0 ? 1 : Math.min(1, count / annealEpochs));
  }
}
