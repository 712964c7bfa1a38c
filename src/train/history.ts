/** What an epoch brought. */
export interface HistoryRow {
  /** Counted from 1, in what is resumed from where it first began. */
  epoch: number;
  /** The mean of the batches' losses, weighted by their rows, or by the sums of their rows' weights. */
  loss: number;
  /** The loss on the validation rows, after the epoch. */
  valLoss?: number;
  /** The learning rate. */
  lr: number;
  /** Seconds of training so far. */
  seconds: number;
  /** Metrics by name; those of the validation rows have `val` before their names. */
  [metric: string]: number | undefined;
}

/** What a training was. */
export interface History {
  /** One row an epoch. */
  epochs: HistoryRow[];
  /** Why it ended. */
  stoppedBy: 'epochs' | 'patience' | 'targetLoss' | 'signal' | 'tolerance';
  /** The epoch whose monitored value (see `EarlyStopping`; without it valLoss, or loss) was the best; of equals the first. */
  bestEpoch?: number;
  /** The seed of what had none of its own. */
  seed: number;
  /** The seed of the loader's order. */
  loaderSeed: number;
  /** The build of the kernels that ran. */
  build: string;
  /** Of a training in a worker: has it this memory, or a copy? */
  worker?: 'shared' | 'copied';
  /** Why there was no worker, where one was asked for, or not to the end. */
  why?: string;
}
