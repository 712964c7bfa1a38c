import {
  checkNumber,
  checkOptions,
  checkValues,
  isIndex,
  isOneOf,
  isRate,
  OptionError,
  quoted,
  StateError,
} from '../../errors';
import type { Optimizer } from '../optimizer';

/** An optimizer whatever its options are. */
export type AnyOptimizer = Optimizer<never> | Optimizer;

/** What all schedules take. */
export interface ScheduleOptions {
  /** When `fit` steps it: after each epoch, or after each step of the optimizer. Default: 'epoch'. */
  per?: 'epoch' | 'step';
}

/** What `stateDict()` gives. */
export interface ScheduleState {
  /** Steps so far. */
  count: number;
  /** What each group's rate is derived from. */
  rates: number[];
  /** Those of the schedules within. */
  schedules?: ScheduleState[];
}

/** What an epoch brought, by name. */
export type Measured = Readonly<Record<string, number | undefined>>;

/** What a schedule may set of a group. */
export type GroupOptions = { lr: number; momentum?: number; betas?: readonly [number, number] };

/** The rate that a group had when its first schedule was made: all schedules of an optimizer start from it. */
const firstRates = new WeakMap<object, number>();

export function groupsOf(optimizer: AnyOptimizer): GroupOptions[] {
  return (optimizer as Optimizer).groups.map((group) => group.options);
}

export function checkOptimizer(owner: string, optimizer: AnyOptimizer): void {
  if (Array.isArray((optimizer as Optimizer | undefined)?.groups)) return;
  throw new OptionError(`${owner} got ${quoted(optimizer)} for its optimizer; give one such as new SGD(…).`);
}

function firstRate(options: GroupOptions): number {
  const rate = firstRates.get(options) ?? options.lr;
  firstRates.set(options, rate);
  return rate;
}

/** What schedules have in common: the rates are a function of the steps so far, so that they can be known ahead. */
export abstract class Schedule<O extends ScheduleOptions = ScheduleOptions> {
  /** When `fit` steps it. */
  readonly per: 'epoch' | 'step';
  /** @internal */
  readonly options: Required<O>;
  protected rates: number[];
  /** @internal Steps so far. */
  count = 0;

  constructor(
    /** Whose rates it sets. */
    readonly optimizer: AnyOptimizer,
    given: O,
    defaults: { [K in keyof O]-?: O[K] | undefined } & { per: 'epoch' | 'step' },
  ) {
    const owner = this.constructor.name;
    checkOptimizer(owner, optimizer);
    checkOptions(owner, given, Object.keys(defaults));
    this.options = { ...defaults, ...given } as Required<O>;
    this.per = this.options.per as 'epoch' | 'step';
    checkValues(this.options, { per: isOneOf('epoch', 'step') });
    this.check(this.options);
    this.rates = groupsOf(optimizer).map(firstRate);
    this.moveTo(0);
  }

  /** Throws for options that are missing or out of range. */
  protected abstract check(options: Required<O>): void;

  /** The rate after `count` steps of group number `group`, whose first rate is `first`. */
  protected abstract rate(first: number, count: number, group: number): number;

  /** @internal The rates after `count` steps. */
  ratesAt(count: number): number[] {
    return this.rates.map((first, group) => this.rate(first, count, group));
  }

  /** @internal Puts the optimizer where it is after `count` steps. */
  moveTo(count: number): void {
    this.count = count;
    const rates = this.ratesAt(count);
    groupsOf(this.optimizer).forEach((options, group) => {
      options.lr = rates[group] as number;
    });
  }

  /** Sets the rate of every group for what comes next. */
  step(): void {
    this.moveTo(this.count + 1);
  }

  /** @internal An epoch of `fit` has ended with these values in its row. */
  epochEnded(_row: Measured): void {
    this.step();
  }

  /** What a checkpoint keeps. */
  stateDict(): ScheduleState {
    return { count: this.count, rates: [...this.rates] };
  }

  /**
   * Puts a state of `stateDict()` in place, and the optimizer's rates with it.
   *
   * @throws StateError for another number of groups.
   */
  loadStateDict(state: ScheduleState): void {
    this.take(state);
    this.moveTo(this.count);
  }

  /** @internal */
  take(state: ScheduleState): void {
    const { count, rates } = state ?? {};
    checkNumber('count', count, isIndex);
    if (rates?.length !== this.rates.length) {
      throw new StateError(
        `loadStateDict got rates of ${rates?.length ?? 0} groups; the optimizer has ${this.rates.length} groups.`,
      );
    }
    for (const rate of rates) checkNumber('Each of rates', rate, isRate);
    this.count = count;
    this.rates = [...rates];
  }
}

/** A schedule whatever its options are. */
export type AnySchedule = Pick<Schedule, keyof Schedule>;
