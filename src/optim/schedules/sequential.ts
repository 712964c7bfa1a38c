import { OptionError, StateError } from '../../errors';
import { type AnyOptimizer, type AnySchedule, Schedule, type ScheduleOptions, type ScheduleState } from './schedule';
import { checkMilestones } from './steps';

/** What SequentialLR takes. */
export interface SequentialLROptions extends ScheduleOptions {
  /** One after the other; all of the same optimizer. */
  schedulers: readonly AnySchedule[];
  /** The counts of steps at which the next one begins: one fewer than there are schedules. */
  milestones: readonly number[];
}

/**
 * Schedules one after the other, such as a warm-up and what follows it: from milestone i on, schedule i + 1 counts from 0.
 *
 * As https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.SequentialLR.html. All start from the rates that the
 * optimizer had when the first of them was made, and `per` is that of the sequence.
 *
 * @param optimizer whose groups' rates it sets.
 * @param options `schedulers`, `milestones`; `per` 'epoch'.
 * @throws OptionError for options that are unknown or missing, and for schedules of another optimizer.
 * @example
 * const optimizer = new optim.SGD([parameter([1])], { lr: 0.5 });
 * const warm = new optim.LinearLR(optimizer, { startFactor: 0.5, totalIters: 2 });
 * const fall = new optim.ExponentialLR(optimizer, { gamma: 0.5 });
 * const schedule = new optim.SequentialLR(optimizer, { schedulers: [warm, fall], milestones: [2] });
 * const rates = [1, 2, 3].map(() => (schedule.step(), optimizer.lr));
 * expect(rates).toEqual([0.375, 0.5, 0.25]);
 */
export class SequentialLR extends Schedule<SequentialLROptions> {
  constructor(optimizer: AnyOptimizer, options: SequentialLROptions) {
    super(optimizer, options, { schedulers: undefined, milestones: undefined, per: 'epoch' });
  }

  protected check({ schedulers, milestones }: SequentialLROptions): void {
    checkMilestones(milestones);
    if (!Array.isArray(schedulers) || schedulers.length !== milestones.length + 1)
      throw new OptionError(
        `SequentialLR got ${schedulers?.length ?? 0} schedulers and ${milestones.length} milestones; it needs one milestone fewer than schedulers.`,
      );
    if (milestones.some((milestone, i) => milestone <= (milestones[i - 1] ?? 0)))
      throw new OptionError(`milestones are ${milestones.join(', ')}; they must rise.`);
    if (!schedulers.every((s) => s instanceof Schedule && s.optimizer === this.optimizer))
      throw new OptionError(
        'SequentialLR got a schedule of another optimizer, or one that needs a metric; give schedules of its own.',
      );
  }

  /** The schedule that is on after `count` steps, and how many of them are its own. */
  private at(count: number): { schedule: AnySchedule; own: number } {
    const { schedulers, milestones } = this.options;
    const i = milestones.filter((milestone) => milestone <= count).length;
    return { schedule: schedulers[i] as AnySchedule, own: count - (milestones[i - 1] ?? 0) };
  }

  protected rate(_first: number, count: number, group: number): number {
    return this.ratesAt(count)[group] as number;
  }

  /** @internal */
  override ratesAt(count: number): number[] {
    const { schedule, own } = this.at(count);
    return schedule.ratesAt(own);
  }

  /** @internal */
  override moveTo(count: number): void {
    this.count = count;
    const { schedule, own } = this.at(count);
    schedule.moveTo(own);
  }

  /** What a checkpoint keeps: its own state and those of its schedules. */
  override stateDict(): ScheduleState {
    return { ...super.stateDict(), schedules: this.options.schedulers.map((s) => s.stateDict()) };
  }

  /** @internal */
  override take(state: ScheduleState): void {
    const { schedulers } = this.options;
    if (state?.schedules?.length !== schedulers.length)
      throw new StateError(
        `loadStateDict got the states of ${state?.schedules?.length ?? 0} schedules; there are ${schedulers.length}.`,
      );
    super.take(state);
    schedulers.forEach((s, i) => {
      s.take(state.schedules?.[i] as ScheduleState);
    });
  }
}
