import type { DataLoader } from '../data/loader';
import { checkNumber, checkOptions, isCount, isRate, OptionError } from '../errors';
import type { LossFunction } from '../nn/loss';
import { Optimizer } from '../optim/optimizer';
import type { ReduceLROnPlateau } from '../optim/schedules/plateau';
import type { AnySchedule } from '../optim/schedules/schedule';
import type { HistoryRow } from './history';
import type { Metrics } from './metrics';

export interface EarlyStopping {
  /** Stop after the first epoch whose loss (valLoss, where there is a validation set) is not above this. */
  targetLoss?: number;
}

export interface BatchRow {
  /** Counted from 1. */
  epoch: number;
  /** Counted from 1 in the epoch. */
  batch: number;
  loss: number;
}

export interface FitOptions {
  /** A loss, or a function `(output, target) => Tensor` of one element. */
  loss: LossFunction;
  optimizer: Optimizer<never> | Optimizer;
  /** Passes over the data. */
  epochs: number;
  /** Evaluated after each epoch: valLoss, and the metrics with `val` before their names. */
  validation?: DataLoader;
  /** Functions `(output, target) => number` by name, of the training rows after each epoch. */
  metrics?: Metrics;
  /** Scales the gradients of a step so that their norm is at most this. */
  clipGradNorm?: number;
  /** Brings the elements of the gradients of a step into [-clipGradValue, clipGradValue], after `clipGradNorm`. */
  clipGradValue?: number;
  /** Sets the optimizer's rates: after each step, or after each epoch, as its `per` says. */
  scheduler?: AnySchedule | ReduceLROnPlateau;
  earlyStopping?: EarlyStopping;
  /** Called after each epoch; a promise is awaited. */
  onEpochEnd?: (row: HistoryRow) => unknown;
  /** Called after each batch: then every step is a call of its own. A promise is awaited. */
  onBatchEnd?: (row: BatchRow) => unknown;
  /** Stops the training between two slices; what was learned stays. */
  signal?: AbortSignal;
  /** Milliseconds between two pauses in which a page can answer. Default: 10. */
  yieldEvery?: number;
  /** Record a step once and replay it in Wasm; false runs the eager loop, with the same bits. Default: true. */
  compiled?: boolean;
}

const NAMES = [
  'loss',
  'optimizer',
  'epochs',
  'validation',
  'metrics',
  'clipGradNorm',
  'clipGradValue',
  'scheduler',
  'earlyStopping',
  'onEpochEnd',
  'onBatchEnd',
  'signal',
  'yieldEvery',
  'compiled',
] as const;

/** Throws for options of `fit` that are unknown, missing or out of range, before anything is touched. */
export function checkFitOptions(options: FitOptions): void {
  checkOptions('fit', options, NAMES);
  if (!(options?.optimizer instanceof Optimizer)) {
    throw new OptionError(
      `fit got ${String(options?.optimizer)} for its optimizer; give one such as new SGD(model.parameters(), { lr: 0.01 }).`,
    );
  }
  checkNumber('epochs', options.epochs, isCount);
  for (const name of ['clipGradNorm', 'clipGradValue'] as const) {
    if (options[name] === undefined) continue;
    checkNumber(name, options[name], { needed: 'a number above 0', holds: (n) => n > 0 });
  }
  if (options.yieldEvery !== undefined) checkNumber('yieldEvery', options.yieldEvery, isRate);
  if (options.scheduler !== undefined && options.scheduler?.optimizer !== options.optimizer) {
    throw new OptionError(
      'scheduler is not one of this optimizer; give one such as new StepLR(optimizer, { stepSize: 10 }).',
    );
  }
  checkOptions('earlyStopping', options.earlyStopping, ['targetLoss']);
  for (const name of ['onEpochEnd', 'onBatchEnd'] as const) {
    if (options[name] !== undefined && typeof options[name] !== 'function') {
      throw new OptionError(`${name} is ${String(options[name])}; it must be a function.`);
    }
  }
}
