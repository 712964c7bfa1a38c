import { StateError } from '../errors';
import type { Optimizer } from '../optim/optimizer';
import type { AnySchedule } from '../optim/schedules/schedule';
import type { Storage } from '../wasm/heap';
import type { Place } from '../wasm/place';
import { after } from './after';
import { PAUSE_EVERY } from './pause';
import { type Fault, Slices, type StepRange, type Stretch, stepsIn, tableSteps } from './slices';

/** Milliseconds of a slice on another thread: nobody waits for it but who stops or watches a training. */
const AWAY = 20;

interface CompiledOptions {
  optimizer: Optimizer;
  /** Stepped after each step of the optimizer. */
  schedule?: AnySchedule | undefined;
  /** Steps of an epoch. */
  steps: number;
  /** How many epochs may be taken at a time. Default: 1. */
  epochs?: number;
  /** Milliseconds that a slice may take. Default: PAUSE_EVERY. */
  yieldEvery?: number | undefined;
  begin?: (() => void) | undefined;
  /** Where they are taken, if not here. */
  place?: Place | undefined;
  /** What is read here of what `begin` writes. */
  reads?: readonly Storage[] | undefined;
  /** The error for a step, counted from the epoch's first, that gave something not finite. */
  diverged: (fault: Fault, step: number) => Error;
}

/** What a slice gave. */
interface Attempt {
  losses: Float32Array;
  fault: Fault | undefined;
}

/**
 * Training steps that are recorded once and replayed in slices. Nothing is checked within a slice: if one ends with a number
 * that is not finite, what it changed is put back and its steps are taken again one by one, up to the one that fails.
 */
export class Compiled {
  /** The programs. */
  readonly slices: Slices;
  private readonly capacity: number;
  private nanoseconds: number;
  /** Steps of the last slice that were kept. */
  private last = 0;
  /** Steps taken and kept. */
  taken = 0;
  /** Steps of them that have been shown. */
  private seen = 0;

  constructor(
    stretches: readonly Stretch[],
    private readonly options: CompiledOptions,
  ) {
    this.capacity = tableSteps(options.steps * (options.epochs ?? 1));
    options.optimizer.open(this.capacity, { scheduled: options.schedule !== undefined });
    try {
      const { begin, place, reads } = options;
      this.slices = new Slices(stretches, { capacity: this.capacity, place, reads, ...(begin && { begin }) });
    } catch (error) {
      options.optimizer.close();
      throw error;
    }
    this.nanoseconds = this.slices.nanoseconds;
  }

  /** The most steps that should run before a pause. */
  get steps(): number {
    const { yieldEvery = this.options.place ? AWAY : PAUSE_EVERY } = this.options;
    const wanted = (yieldEvery * 1e6) / this.nanoseconds;
    return Math.max(1, Math.min(this.capacity, Math.floor(wanted)));
  }

  /** The most whole epochs that should run before a pause. */
  get epochs(): number {
    return Math.floor(this.steps / this.options.steps);
  }

  /** Runs the steps from `first` up to `end` and returns their losses; begins an epoch where its number is given. */
  run(range: StepRange): Float32Array | Promise<Float32Array> {
    return after(this.timed(range), ({ losses, fault }) => (fault ? this.replay(range) : losses));
  }

  /** Runs whole epochs from number `epoch` on and returns the losses; undefined, and nothing has changed, where they diverge. */
  runEpochs(epoch: number, epochs: number): Float32Array | undefined | Promise<Float32Array | undefined> {
    const range = { first: 0, end: this.options.steps, epoch, epochs };
    return after(this.timed(range), ({ losses, fault }) =>
      fault ? after(this.slices.restore(), () => undefined) : losses,
    );
  }

  private timed(range: StepRange): Attempt | Promise<Attempt> {
    const started = performance.now();
    return after(this.attempt(range), (attempt) => {
      const taken = (performance.now() - started) * 1e6;
      // A clock that stands still, as in some workers, leaves the guess as it is.
      if (taken > 0) this.nanoseconds = taken / stepsIn(range);
      return attempt;
    });
  }

  /** Goes back to before the last slice and takes its steps from `first` up to `end` again. */
  async again(first: number, end: number): Promise<void> {
    await this.slices.restore();
    this.options.optimizer.advance(-this.last);
    await this.attempt({ first, end });
  }

  private attempt(range: StepRange): Attempt | Promise<Attempt> {
    const { optimizer, schedule } = this.options;
    const done = schedule?.count ?? 0;
    const count = stepsIn(range);
    optimizer.prepare({ first: range.first, count, before: schedule && ((i) => schedule.moveTo(done + i)) });
    return after(this.slices.run(range), () => {
      const losses = this.slices.lossesOf(range);
      const fault = this.slices.fault(losses);
      this.last = fault ? 0 : count;
      optimizer.advance(this.last);
      this.taken += this.last;
      schedule?.moveTo(done + this.last);
      return { losses, fault };
    });
  }

  private async replay({ first, end }: StepRange): Promise<never> {
    await this.slices.restore();
    for (let i = first; i < end; i++) {
      const { fault } = await this.attempt({ first: i, end: i + 1 });
      if (!fault) continue;
      await this.slices.restore();
      throw this.options.diverged(fault, i);
    }
    throw new StateError(
      'A slice of training was not finite and its replay was: its data were changed meanwhile. Leave them alone until fit is done.',
    );
  }

  /** Calls `fn` while what was trained is seen, wherever it was. */
  shown<T>(fn: () => T | Promise<T>): T | Promise<T> {
    if (!this.options.place) return fn();
    return this.slices.shown(() => {
      this.seen = this.taken;
      return fn();
    });
  }

  /** Lets what was trained be seen from here on. If the thread that has it is no more, the steps that were not shown are undone. */
  async end(): Promise<void> {
    if (!this.options.place || (await this.slices.end())) return;
    const { optimizer, schedule } = this.options;
    const lost = this.taken - this.seen;
    this.taken -= lost;
    optimizer.advance(-lost);
    schedule?.moveTo(schedule.count - lost);
  }

  release(): void {
    this.slices.release();
    this.options.optimizer.close();
  }
}
