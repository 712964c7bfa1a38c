import type { DataLoader } from '../data/loader';
import { OptionError, StateError } from '../errors';
import { type LossFunction, lossOf } from '../nn/loss';
import type { Module } from '../nn/module';
import type { Optimizer } from '../optim/optimizer';
import { tensor } from '../tensor/create';
import { noGrad, trace } from '../tensor/driver';
import type { Tensor } from '../tensor/tensor';
import { currentSeed, random } from '../wasm/random';
import { runtimeInfo } from '../wasm/runtime';
import { type Driver, driverOf, type Job, lossOfBatch } from './drivers';
import { evaluate } from './evaluate';
import type { History, HistoryRow } from './history';
import { checkFit, type FitOptions } from './options';
import { type Parts, restore, statesOf } from './parts';
import { Pacer } from './pause';
import { type Moment, Progress } from './progress';
import { regrouped } from './rows';
import { rateOf, stepEpoch } from './schedule';
import { inTraining, Setting } from './setting';
import { rowWeights, weighted } from './weights';

/** A training that is under way. */
interface Run {
  driver: Driver;
  job: Job;
  progress: Progress;
  /** Lets the checkpointer look. */
  visit(moment: Omit<Moment, 'rows'>): Promise<void> | void;
}

/** Runs what is left of an epoch and returns the mean loss, or undefined if it was stopped. */
async function runEpoch({ driver, job, progress, visit }: Run, pacer: Pacer): Promise<number | undefined> {
  const { batches, options } = job;
  const { length } = batches;
  const { epoch } = progress;
  if (options.signal?.aborted) return undefined;
  if (progress.batch === 0) progress.begin(batches.epoch++);
  driver.begin(progress);
  while (progress.batch < length) {
    if (options.signal?.aborted) return undefined;
    const first = progress.batch;
    const end = Math.min(length, first + (options.onBatchEnd ? 1 : driver.steps));
    const losses = driver.run(first, end);
    losses.forEach((loss, i) => {
      progress.count(loss, driver.weightOf(first + i));
    });
    progress.batch = end;
    if (options.onBatchEnd) await options.onBatchEnd({ epoch, batch: end, loss: losses[0] as number });
    await visit({ epochEnded: false, ended: false });
    await pacer.tick();
  }
  return progress.loss;
}

const valName = (name: string) => `val${name.charAt(0).toUpperCase()}${name.slice(1)}`;

/** The loss where every row counts 1. */
function evenLoss({ options, weights }: Job): LossFunction {
  if (!weights) return options.loss;
  const loss = weighted(options.loss);
  return (output, target) => loss(output, target, output.filled([target.shape[0] as number], 1));
}

/** Loss and metrics after an epoch, as they stand in the history. */
async function rowOf(job: Job, row: HistoryRow): Promise<HistoryRow> {
  const { model, loader, options } = job;
  const { metrics, validation } = options;
  const loss = evenLoss(job);
  if (metrics) {
    const { loss: _, ...values } = await evaluate(model, loader, { metrics });
    Object.assign(row, values);
  }
  if (validation) {
    const values = await evaluate(model, validation, { loss, ...(metrics && { metrics }) });
    for (const [name, value] of Object.entries(values)) row[valName(name)] = value;
  }
  return row;
}

/** Trains on until there is a reason to stop. */
async function train(run: Run): Promise<void> {
  const { job, progress, visit } = run;
  const { options } = job;
  const pacer = new Pacer(options.yieldEvery);
  const target = options.earlyStopping?.targetLoss;
  while (progress.epoch <= options.epochs) {
    const { epoch } = progress;
    const loss = await runEpoch(run, pacer);
    if (loss === undefined) {
      progress.stoppedBy = 'signal';
      await visit({ epochEnded: false, ended: true });
      return;
    }
    if (options.averaging?.per === 'epoch') options.averaging.updateParameters();
    const row = await rowOf(job, { epoch, loss, lr: rateOf(options), seconds: 0 });
    stepEpoch(options, row);
    row.seconds = progress.seconds;
    progress.add(row);
    if (options.onEpochEnd) await options.onEpochEnd(row);
    if (target !== undefined && (row.valLoss ?? loss) <= target) progress.stoppedBy = 'targetLoss';
    const stops = progress.stoppedBy !== 'epochs';
    await visit({ epochEnded: true, ended: stops || epoch === options.epochs });
    if (stops) return;
  }
}

/** All that a training needs to go on, in the order in which it is put back. */
function partsOf({ model, loader, options }: Job, progress: Progress): Parts {
  const { optimizer, scheduler, averaging } = options;
  return {
    random,
    model,
    ...(averaging && { averaging }),
    ...(scheduler && { scheduler }),
    optimizer,
    loader,
    progress,
  };
}

/** Parts that only some trainings have. */
const SOME = ['averaging', 'scheduler'];

/** Goes to where `resume` says; returns what goes back. */
function resumed(parts: Parts, { resume, epochs }: FitOptions): (() => void) | undefined {
  if (!resume) return undefined;
  const unused = SOME.find((name) => Object.hasOwn(resume, name) && !Object.hasOwn(parts, name));
  if (unused)
    throw new StateError(`The checkpoint to resume has a ${unused}, and this fit has none; give it the same.`);
  const undo = restore(parts, resume);
  const { begun } = parts.progress as Progress;
  if (begun <= epochs) return undo;
  undo();
  throw new OptionError(
    `epochs is ${epochs}, and the checkpoint to resume is in epoch ${begun}; give at least as many.`,
  );
}

/** What puts loader and optimizer back where no step was taken. */
function markOf({ loader, options }: Job): () => void {
  const { epoch } = loader;
  const forget = (options.optimizer as Optimizer).mark();
  return () => {
    forget();
    loader.epoch = epoch;
  };
}

/** Records a batch of a loader without training, so that what does not fit is found before anything is changed. */
function tryOut(loader: DataLoader, lossFunction: (batch: readonly Tensor[]) => Tensor): void {
  const order = loader.newOrder();
  try {
    trace(() => {
      const batch = loader.gather({ storage: order.storage, offset: 0 }, loader.rowsOf(0));
      noGrad(() => lossFunction(batch));
    });
  } catch (error) {
    // A model that asks for values can't be recorded; it can still be trained by the eager loop.
    if (!(error instanceof StateError)) throw error;
  }
}

/** Tries the data that the compiled driver will not have tried itself. */
function rehearse(job: Job): void {
  const { model, batches, options } = job;
  const { validation } = options;
  if (options.compiled === false) tryOut(batches, lossOfBatch(job));
  if (!validation) return;
  const loss = lossOf(evenLoss(job));
  const lossFunction = (batch: readonly Tensor[]) => loss(model.forward(...batch.slice(0, -1)), batch.at(-1) as Tensor);
  new Setting(model, { training: false }).run(() => tryOut(validation, lossFunction));
}

/**
 * Trains a model on a loader's batches: for each, the gradient of the loss with respect to all parameters, averaged over the
 * batch, and one step of the optimizer.
 *
 * All tensors of the dataset but the last go to `forward`, the last is the target. A step is recorded once and replayed: an
 * epoch, or a slice of it of about 10 ms, is one call into Wasm. `compiled: false` runs the eager loop instead, to the same
 * bits. The model is trained in train mode and left in the mode that it had.
 *
 * @param options see `FitOptions`; `loss`, `optimizer` and `epochs` are needed.
 * @returns the history; `history.epochs` has one row an epoch.
 * @throws OptionError for options that are unknown, missing or out of range; ShapeError where the model does not fit the
 * data: nothing is changed by either. DivergenceError where a number is no longer finite: the model keeps its last finite
 * parameters.
 * @example
 * const loader = new DataLoader(new TensorDataset([[0], [1], [2]], [[1], [3], [5]]), { batchSize: 3 });
 * const model = new nn.Linear(1, 1);
 * const optimizer = new optim.SGD(model.parameters(), { lr: 0.2 });
 * const history = await fit(model, loader, { loss: new nn.MSELoss(), optimizer, epochs: 200 });
 * expect(model.weight.item()).toBeCloseTo(2, 3);
 * expect(history.stoppedBy).toBe('epochs');
 */
export async function fit(model: Module, loader: DataLoader, options: FitOptions): Promise<History> {
  checkFit(model, loader, options);
  const weights = rowWeights(loader, options);
  const batches = regrouped(loader, { accumulate: options.accumulate, weights: weights && tensor(weights) });
  const job = { model, loader, options, weights, batches };
  const progress = new Progress(options.accumulate);
  const parts = partsOf(job, progress);
  let driver: Driver | undefined;
  let unresume: (() => void) | undefined;
  const trained = async (): Promise<History> => {
    rehearse(job);
    unresume = resumed(parts, options);
    const seeds = { seed: currentSeed(), loaderSeed: loader.seed };
    const undo = markOf(job);
    try {
      driver = driverOf(job);
      const visit: Run['visit'] = (moment) =>
        options.checkpoint?.visit(() => statesOf(parts), { ...moment, rows: progress.rows });
      if (progress.stoppedBy === 'epochs') await train({ driver, job, progress, visit });
    } finally {
      driver?.release();
      if (!driver?.ran) undo();
    }
    return { epochs: progress.rows, stoppedBy: progress.stoppedBy, ...seeds, build: runtimeInfo().build };
  };
  try {
    return await inTraining(model, trained);
  } catch (error) {
    if (!driver?.ran) unresume?.();
    throw error;
  }
}
