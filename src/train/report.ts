/** How far a training is. */
export interface Progress {
  /** Counted from 1. */
  epoch: number;
  /** Epochs that there will be. */
  epochs: number;
  /** Batches of the epoch that are done. */
  batch: number;
  /** Batches in an epoch. */
  batches: number;
  /** The mean of the epoch's losses so far, weighted as in the history. */
  loss: number;
  /** Rows trained on, by the seconds since fit began without pauses. */
  rowsPerSecond: number;
  /** How long the rest of the epochs takes at that rate. */
  secondsLeft: number;
}

/** Milliseconds between two reports. */
const REPORT_EVERY = 50;

interface Whole {
  /** Epochs that there will be. */
  epochs: number;
  batches: number;
  /** In an epoch. */
  rows: number;
  every?: number | undefined;
}

interface Slice {
  epoch: number;
  batch: number;
  loss: number;
  rows: number;
  held: number;
}

/** Tells somebody how far a training is, from time to time and at its end. */
export class Reporter {
  private readonly began = performance.now();
  private last = this.began;
  /** Rows trained on. */
  private trained = 0;

  constructor(
    private readonly tell: (progress: Progress) => unknown,
    private readonly whole: Whole,
  ) {}

  /** After a slice of so many rows: `held` are the milliseconds of pauses so far. */
  async note({ rows: more, held, ...done }: Slice): Promise<void> {
    this.trained += more;
    const { epochs, batches, rows, every = REPORT_EVERY } = this.whole;
    const now = performance.now();
    const ends = done.epoch === epochs && done.batch === batches;
    if (now - this.last < every && !ends) return;
    this.last = now;
    const seconds = (now - this.began - held) / 1000;
    const rowsPerSecond = seconds > 0 ? this.trained / seconds : 0;
    const rowsLeft = (epochs - done.epoch + 1 - done.batch / batches) * rows;
    const secondsLeft = rowsPerSecond > 0 ? rowsLeft / rowsPerSecond : 0;
    await this.tell({ ...done, epochs, batches, rowsPerSecond, secondsLeft });
  }
}
