import { checkNumber, isIndex, isReal, StateError } from '../errors';
import type { History, HistoryRow } from './history';
import type { Part, States } from './parts';

/** When a training can be kept. */
export interface Moment {
  /** One row for each epoch so far. */
  rows: readonly HistoryRow[];
  /** The last of them has just been added. */
  epochEnded: boolean;
  /** There will be no other moment. */
  ended: boolean;
}

/** What keeps trainings: `checkpointTo` of downhill/io makes one. */
export interface Checkpointer {
  /**
   * Called between two slices of steps, after each epoch and at the end; training goes on when it is done.
   *
   * @param take gives copies of all that the training needs to go on from here; a promise of them where it is in a worker.
   */
  visit(take: () => States | Promise<States>, moment: Moment): Promise<void> | void;
}

interface ProgressState {
  epoch: number;
  batch: number;
  pass: number;
  sum: number;
  weight: number;
  seconds: number;
  accumulate: number;
  rows: HistoryRow[];
  stoppedBy: History['stoppedBy'];
}

/** Where a training is. */
export class Progress implements Part {
  /** The epoch that comes or goes on, counted from 1. */
  epoch = 1;
  /** Batches of it that are done. */
  batch = 0;
  /** The loader's number of its pass. */
  pass = 0;
  /** The losses of its batches so far, times their weights, and the sum of these. */
  private sum = 0;
  private weight = 0;
  rows: HistoryRow[] = [];
  stoppedBy: History['stoppedBy'] = 'epochs';
  private began = performance.now();

  constructor(private readonly accumulate = 1) {}

  /** Epochs begun. */
  get begun(): number {
    return this.batch > 0 ? this.epoch : this.epoch - 1;
  }

  /** Seconds of training so far. */
  get seconds(): number {
    return (performance.now() - this.began) / 1000;
  }

  /** The mean of the losses of the epoch's batches so far. */
  get loss(): number {
    return this.weight === 0 ? 0 : this.sum / this.weight;
  }

  /** Begins an epoch. */
  begin(pass: number): void {
    this.pass = pass;
    this.sum = 0;
    this.weight = 0;
  }

  /** Counts the loss of a batch. */
  count(loss: number, weight: number): void {
    this.sum += loss * weight;
    this.weight += weight;
  }

  /** Counts the losses of a whole epoch, which stand from place `from` on. */
  countAll(
    losses: ArrayLike<number>,
    { from, rows, batchSize }: { from: number; rows: number; batchSize: number },
  ): void {
    let sum = 0;
    for (let i = from, left = rows; left > 0; i++, left -= batchSize)
      sum += (losses[i] as number) * Math.min(left, batchSize);
    this.sum += sum;
    this.weight += rows;
  }

  /** Ends an epoch. */
  add(row: HistoryRow): void {
    this.rows.push(row);
    this.epoch++;
    this.batch = 0;
  }

  stateDict(): ProgressState {
    const { epoch, batch, pass, sum, weight, seconds, accumulate, stoppedBy } = this;
    const rows = this.rows.map((row) => ({ ...row }));
    return { epoch, batch, pass, sum, weight, seconds, accumulate, rows, stoppedBy };
  }

  loadStateDict({ accumulate, seconds, stoppedBy, rows, ...place }: ProgressState): void {
    if (accumulate !== this.accumulate)
      throw new StateError(
        `The training was one with accumulate ${accumulate}; this one has ${this.accumulate}. Give the same.`,
      );
    for (const name of ['epoch', 'batch', 'pass'] as const)
      checkNumber(`The ${name} of the progress`, place[name], isIndex);
    for (const name of ['sum', 'weight'] as const) checkNumber(`The ${name} of the progress`, place[name], isReal);
    if (!Array.isArray(rows) || rows.length !== place.epoch - 1)
      throw new StateError(
        `The progress has ${rows?.length} rows; in epoch ${place.epoch} it must have one for each before.`,
      );
    const { epoch, batch, pass, sum, weight } = place;
    Object.assign(this, { epoch, batch, pass, sum, weight, rows: rows.map((row) => ({ ...row })) });
    // Who resumes what a signal stopped wants to go on.
    this.stoppedBy = stoppedBy === 'signal' ? 'epochs' : stoppedBy;
    this.began = performance.now() - seconds * 1000;
  }
}
