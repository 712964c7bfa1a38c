import { DataLoader } from '../data/loader';
import {
  checkNumber,
  checkOptions,
  isAboveZero,
  isCount,
  isFlag,
  isFunction,
  isRate,
  isSignal,
  OptionError,
  quoted,
  type Rules,
} from '../errors';
import { type LossFunction, lossOf } from '../nn/loss';
import { Module } from '../nn/module';
import { Optimizer } from '../optim/optimizer';
import type { ReduceLROnPlateau } from '../optim/schedules/plateau';
import type { AnySchedule } from '../optim/schedules/schedule';
import type { Data } from '../tensor/literal';
import type { Tensor } from '../tensor/tensor';
import type { Elsewhere } from '../wasm/place';
import type { HistoryRow } from './history';
import { checkMetrics, type Metrics } from './metrics/metric';
import type { Part, States } from './parts';
import type { Pause } from './pause';
import type { Checkpointer } from './progress';
import type { Progress } from './report';
import { checkStopping, type EarlyStopping } from './stopping';
import { placeOfTarget } from './weights';

/** What keeps averages of a model's parameters: an `AveragedModel`. */
export interface Averaging extends Part {
  /** The model whose parameters it averages. */
  readonly model: Module;
  /** When the averages go on. */
  readonly per: 'epoch' | 'step';
  /** Takes the parameters as they are into the averages. */
  updateParameters(): void;
  /** @internal */
  changed(): Tensor[];
}

/** What a batch brought. */
export interface BatchRow {
  /** Counted from 1. */
  epoch: number;
  /** Counted from 1 in the epoch. */
  batch: number;
  /** The loss of the batch, before its step. */
  loss: number;
}

/** What `fit` takes. */
export interface FitOptions {
  /** A loss, or a function `(output, target) => Tensor` of one element (of [rows, …] where rows are weighted). */
  loss: LossFunction;
  /** What takes the steps: one of the model's parameters. */
  optimizer: Optimizer<never> | Optimizer;
  /** Passes over the data. */
  epochs: number;
  /** Evaluated after each epoch: valLoss, and the metrics with `val` before their names. */
  validation?: DataLoader;
  /** `accuracy` and the like, or functions `(output, target) => number`, by name: of the training rows after each epoch. */
  metrics?: Metrics;
  /** Scales the gradients of a step so that their norm is at most this. */
  clipGradNorm?: number;
  /** Brings the elements of the gradients of a step into [-clipGradValue, clipGradValue], after `clipGradNorm`. */
  clipGradValue?: number;
  /**
   * Makes one batch of this many of the loader's, which follow one another: the same bits as a batchSize that many times as
   * large, for every model. Where rows do not depend on each other, a step's memory does not grow with it. Default: 1.
   */
  accumulate?: number;
  /**
   * What each row of the loader's dataset counts, none below 0: a tensor or array of [rows]. A batch's loss is Σ w l / Σ w over
   * its rows, with l the mean of a row's losses (Σ w l for 'sum'); a loss that is a function returns [rows, …], the losses of
   * each row. A batch whose weights are all 0 has loss and gradients 0. `loss` and `valLoss` in the history are Σ w l / Σ w and
   * the unweighted mean. 'last': the weights are the last tensor of the loader's dataset, (X, y, weights), or of the rows of a
   * stream, and of `validation`, whose rows count so too; metrics count all rows alike. Default: 1.
   */
  sampleWeight?: Tensor | Data | 'last';
  /**
   * What rows count by their class index: [classes], or 'balanced', which is rows / (classes × rows of the class) as in
   * scikit-learn. Multiplies `sampleWeight`. Default: 1.
   */
  classWeight?: Tensor | Data | 'balanced';
  /** Sets the optimizer's rates: after each step, or after each epoch, as its `per` says. */
  scheduler?: AnySchedule | ReduceLROnPlateau;
  /** An AveragedModel of the model: its averages go on after each step, or after each epoch, as its `per` says. */
  averaging?: Averaging;
  /** When to stop before the last epoch, and whether to put the best epoch's parameters back. */
  earlyStopping?: EarlyStopping;
  /** Called after each epoch; a promise is awaited. */
  onEpochEnd?: (row: HistoryRow) => unknown;
  /** Called after each batch: then every step is a call of its own. A promise is awaited. */
  onBatchEnd?: (row: BatchRow) => unknown;
  /** Called between slices, and at the end: how far the training is. It does not slow training down; a promise is awaited. */
  onProgress?: (progress: Progress) => unknown;
  /** Milliseconds from one `onProgress` to the next. Default: 50. */
  progressEvery?: number;
  /** Holds the training up while it is pressed: `const button = new Pause()`, `button.pause()`, `button.resume()`. */
  pause?: Pause;
  /** Stops the training between two slices, also of an evaluation; what was learned stays. */
  signal?: AbortSignal;
  /** Keeps the training as it goes: `checkpointTo(target)` of downhill/io. */
  checkpoint?: Checkpointer;
  /** Goes on where a kept training was, as `loadCheckpoint(target)` of downhill/io gives it; undefined begins anew. */
  resume?: States | undefined;
  /** Milliseconds between two pauses in which a page can answer. Default: 10. */
  yieldEvery?: number;
  /**
   * `worker` of downhill/worker: the steps are taken on a thread of their own, to the same bits. Until fit is done the model is
   * seen as it was before, but for callbacks, metrics and checkpoints. Default: none, they are taken here.
   */
  worker?: Elsewhere;
  /** Record a step once and replay it in Wasm; false runs the eager loop, with the same bits. Default: true. */
  compiled?: boolean;
}

/** Does somebody look at the model at the end of each epoch, or change how the next one is? */
export function isWatched(options: FitOptions): boolean {
  const { validation, metrics, scheduler, averaging, earlyStopping, onEpochEnd, onBatchEnd, checkpoint } = options;
  const looks = validation ?? metrics ?? earlyStopping ?? onEpochEnd ?? onBatchEnd ?? checkpoint ?? scheduler;
  return looks !== undefined || averaging?.per === 'epoch';
}

const RULES: Rules<keyof FitOptions> = {
  loss: undefined,
  optimizer: undefined,
  epochs: isCount,
  validation: undefined,
  metrics: undefined,
  clipGradNorm: isAboveZero,
  clipGradValue: isAboveZero,
  accumulate: isCount,
  sampleWeight: undefined,
  classWeight: undefined,
  scheduler: undefined,
  averaging: undefined,
  earlyStopping: undefined,
  onEpochEnd: isFunction,
  onBatchEnd: isFunction,
  onProgress: isFunction,
  progressEvery: isRate,
  pause: {
    needed: 'a new Pause(), of which you call pause() and resume()',
    type: 'object',
    holds: (pause: Pause | null) => typeof pause?.over === 'function',
  },
  signal: isSignal,
  checkpoint: {
    needed: 'checkpointTo(target) of downhill/io',
    type: 'object',
    holds: (checkpoint: Checkpointer | null) => typeof checkpoint?.visit === 'function',
  },
  resume: {
    needed: 'await loadCheckpoint(target) of downhill/io',
    type: 'object',
    holds: (states: object | null) => states !== null && !(states instanceof Promise),
  },
  yieldEvery: isRate,
  worker: {
    needed: "what `import { worker } from 'downhill/worker'` gives",
    type: 'object',
    holds: (worker: Elsewhere | null) => typeof worker?.open === 'function',
  },
  compiled: isFlag,
};

/** Throws for what is no loader of inputs, a target and, where they are to come last, weights. */
export function checkLoader(
  loader: unknown,
  { owner, what = 'loader', sampleWeight }: { owner: string; what?: string; sampleWeight?: unknown },
): asserts loader is DataLoader {
  if (!(loader instanceof DataLoader)) {
    throw new OptionError(
      `${owner} got ${quoted(loader)} for its ${what}; give a DataLoader, such as new DataLoader(dataset, { batchSize: 32 }).`,
    );
  }
  if (loader.dataset.begin) return;
  const columns = (loader.dataset.within?.tensors ?? loader.dataset.tensors).length;
  if (columns > -placeOfTarget(sampleWeight)) return;
  const needed =
    sampleWeight === 'last'
      ? 'inputs, a target and, last, weights: new TensorDataset(X, y, weights)'
      : 'inputs and, last, a target: new TensorDataset(X, y)';
  throw new OptionError(
    `The dataset of ${owner}'s ${what} has ${columns} tensor${columns > 1 ? 's' : ''}; it needs ${needed}.`,
  );
}

/** Throws for arguments of `fit` that are unknown, missing or out of range, before anything is touched. */
export function checkFit(model: unknown, loader: unknown, options: FitOptions): void {
  checkOptions('fit', options, RULES);
  if (!(options?.optimizer instanceof Optimizer)) {
    throw new OptionError(
      `fit got ${quoted(options?.optimizer)} for its optimizer; give one such as new SGD(model.parameters(), { lr: 0.01 }).`,
    );
  }
  if (!(model instanceof Module))
    throw new OptionError(
      'fit needs a model that is a Module, such as new Linear(1, 1); a class of your own extends Module.',
    );
  const { sampleWeight } = options;
  checkLoader(loader, { owner: 'fit', sampleWeight });
  if (options.validation !== undefined)
    checkLoader(options.validation, { owner: 'fit', what: 'validation', sampleWeight });
  checkMetrics(options.metrics);
  lossOf(options.loss);
  checkNumber('epochs', options.epochs, isCount);
  if (options.scheduler !== undefined && options.scheduler?.optimizer !== options.optimizer) {
    throw new OptionError(
      'scheduler is not one of this optimizer; give one such as new StepLR(optimizer, { stepSize: 10 }).',
    );
  }
  if (options.averaging !== undefined && options.averaging?.model !== model) {
    throw new OptionError('averaging is not of this model; give new AveragedModel(model).');
  }
  checkStopping(options);
  if (options.worker && options.compiled === false)
    throw new OptionError(
      'compiled is false, and worker needs compiled steps: it runs records in memory, and none of your code; leave one of them out.',
    );
}
