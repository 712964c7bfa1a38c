import type { DataLoader } from '../data/loader';
import { checkNumber, OptionError, StateError } from '../errors';
import type { Module } from '../nn/module';
import type { Optimizer } from '../optim/optimizer';
import { tensor } from '../tensor/create';
import { noGrad, trace } from '../tensor/driver';
import type { Tensor } from '../tensor/tensor';
import type { Opened } from '../wasm/place';
import { currentSeed, random } from '../wasm/random';
import { runtimeInfo } from '../wasm/runtime';
import { type Driver, type Job, lossOfBatch, Replayed } from './drivers';
import { Eager } from './eager';
import { measure } from './evaluate';
import type { History, HistoryRow } from './history';
import { checkFit, type FitOptions } from './options';
import { type Parts, restore, statesOf } from './parts';
import { Pacer } from './pause';
import { type Moment, Progress } from './progress';
import { Reporter } from './report';
import { regrouped } from './rows';
import { rateOf } from './schedule';
import { inTraining, Setting } from './setting';
import { Stopper, valName } from './stopping';
import { Streamed } from './streamed';
import { runTogether } from './together';
import { heldLoss, isWeighted, placeOfTarget, rowWeights } from './weights';

/** A training that is under way, and what goes along with it. */
export interface Run {
  job: Job;
  driver: Driver;
  progress: Progress;
  pacer: Pacer;
  stopper: Stopper;
  reporter: Reporter | undefined;
  /** Lets the checkpointer look. */
  visit(moment: Omit<Moment, 'rows'>): Promise<void> | void;
}

function reporterOf({ batches, options }: Job): Reporter | undefined {
  const { onProgress, epochs, progressEvery } = options;
  const { length, rows } = batches;
  return onProgress && new Reporter(onProgress, { epochs, batches: length, rows, every: progressEvery });
}

/** Runs what is left of an epoch and returns the mean loss, or undefined if it was stopped. */
async function runEpoch({ job, driver, progress, pacer, reporter, visit }: Run): Promise<number | undefined> {
  const { batches, options } = job;
  const { rows, batchSize } = batches;
  const { epoch } = progress;
  if (!(await pacer.tick())) return undefined;
  if (progress.batch === 0) progress.begin(batches.epoch++);
  driver.begin(progress);
  for (;;) {
    const first = progress.batch;
    const end = await driver.ready(first, first + (options.onBatchEnd ? 1 : driver.steps));
    if (end === first) break;
    const losses = await driver.run(first, end);
    if (job.place?.isOpen) pacer.rest();
    losses.forEach((loss, i) => {
      progress.count(loss, driver.weightOf(first + i));
    });
    progress.batch = end;
    const { onBatchEnd } = options;
    if (onBatchEnd) await driver.shown(() => onBatchEnd({ epoch, batch: end, loss: losses[0] as number }));
    const done = Math.min(rows, end * batchSize) - first * batchSize;
    await reporter?.note({ epoch, batch: end, loss: progress.loss, rows: done, held: pacer.held });
    await visit({ epochEnded: false, ended: false });
    if (!(await pacer.tick())) return undefined;
  }
  if (pacer.stopped) return undefined;
  if (progress.batch > 0) return progress.loss;
  throw new StateError(
    `The loader gave no batch in pass ${progress.pass}. An IterableDataset needs rows for each pass anew: new IterableDataset(() => rows).`,
  );
}

/** What an epoch brought, as it stands in the history; undefined if measuring it was stopped. */
async function rowOf({ job, progress, pacer }: Run, loss: number): Promise<HistoryRow | undefined> {
  const { model, loader, options } = job;
  const { metrics, validation, sampleWeight } = options;
  const place = placeOfTarget(sampleWeight);
  const row: HistoryRow = { epoch: progress.epoch, loss, lr: rateOf(options), seconds: 0 };
  if (metrics) {
    const values = await measure(model, loader, { metrics, pacer, place });
    if (!values) return undefined;
    for (const [name, value] of Object.entries(values)) {
      const needed = 'a number; use item() of a tensor';
      checkNumber(`What the metric ${name} gave`, value, { needed });
    }
    Object.assign(row, values);
  }
  if (validation) {
    const values = await measure(model, validation, {
      loss: heldLoss(options).loss,
      metrics: metrics ?? {},
      pacer,
      place,
    });
    if (!values) return undefined;
    for (const [name, value] of Object.entries(values)) row[valName(name)] = value as number;
  }
  return row;
}

/** Looks at the model after an epoch, goes on with all that follows from it, and says if there is a reason to stop. */
async function endEpoch(run: Run, loss: number): Promise<boolean> {
  const { job, progress, stopper, visit } = run;
  const { options } = job;
  const row = await rowOf(run, loss);
  if (row === undefined) return stopHere(run);
  if (options.averaging?.per === 'epoch') options.averaging.updateParameters();
  if (options.scheduler?.per === 'epoch') options.scheduler.epochEnded(row);
  row.seconds = progress.seconds;
  progress.add(row);
  progress.stoppedBy = stopper.note(row) ?? 'epochs';
  if (options.onEpochEnd) await options.onEpochEnd(row);
  const stops = progress.stoppedBy !== 'epochs';
  await visit({ epochEnded: true, ended: stops || row.epoch === options.epochs });
  return stops;
}

async function stopHere({ progress, visit }: Run): Promise<true> {
  progress.stoppedBy = 'signal';
  await visit({ epochEnded: false, ended: true });
  return true;
}

/** Is the model looked at after an epoch? */
function isSeen({ metrics, validation, averaging, earlyStopping, onEpochEnd }: FitOptions): boolean {
  return Boolean(metrics || validation || averaging || earlyStopping?.restoreBest || onEpochEnd);
}

/** Trains on until there is a reason to stop. */
async function train(run: Run): Promise<void> {
  const { job, driver, progress } = run;
  let stops = false;
  while (!stops && progress.epoch <= job.options.epochs) {
    if (await runTogether(run)) continue;
    const loss = await runEpoch(run);
    const end = async () => (loss === undefined ? stopHere(run) : endEpoch(run, loss));
    stops = await (isSeen(job.options) ? driver.shown(end) : end());
  }
}

/** All that a training needs to go on, in the order in which it is put back. */
function partsOf({ model, loader, options }: Job, { progress, stopper }: Pick<Run, 'progress' | 'stopper'>): Parts {
  const { optimizer, scheduler, averaging, earlyStopping } = options;
  return {
    random,
    model,
    ...(averaging && { averaging }),
    ...(scheduler && { scheduler }),
    ...(earlyStopping && { earlyStopping: stopper }),
    optimizer,
    loader,
    progress,
  };
}

/** Parts that only some trainings have. */
const SOME = ['averaging', 'scheduler', 'earlyStopping'];

/** Goes to where `resume` says; returns what goes back. */
function resumed(parts: Parts, { resume, epochs }: FitOptions): (() => void) | undefined {
  if (!resume) return undefined;
  const unused = SOME.find((name) => Object.keys(resume).includes(name) && !Object.keys(parts).includes(name));
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
  const optimizer = options.optimizer as Optimizer;
  const forget = optimizer.mark();
  return () => {
    // What another training has begun with it meanwhile is that one's.
    if (optimizer.inUse) return;
    forget();
    loader.epoch = epoch;
  };
}

const placeOf = (opened: Opened | undefined) => (opened && 'place' in opened ? opened.place : undefined);

/** What the history says of the worker that was asked for. */
function whereOf(opened: Opened | undefined): Pick<History, 'worker' | 'why'> {
  if (!opened) return {};
  if (!('place' in opened)) return opened;
  const { place, memory } = opened;
  return { worker: memory, ...(place.why !== undefined && { why: place.why }) };
}

function driverOf(job: Job): Driver {
  if (job.options.compiled === false) return new Eager(job);
  return job.loader.dataset.begin ? new Streamed(job) : new Replayed(job);
}

/** Records a batch of a loader without training, so that what does not fit is found before anything is changed. */
function tryOut(loader: DataLoader, lossFunction: (batch: readonly Tensor[]) => Tensor): void {
  // The rows of a stream are first seen in training.
  if (loader.dataset.begin) return;
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
  const { loss } = options;
  if (options.compiled === false) tryOut(batches, lossOfBatch(model, { loss, isWeighted: job.isWeighted }));
  if (!validation) return;
  const lossFunction = lossOfBatch(model, heldLoss(options));
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
  const { accumulate, sampleWeight, validation } = options;
  if (validation && sampleWeight === 'last') rowWeights(validation, { sampleWeight, loss: options.loss });
  const before = sampleWeight === 'last' ? -1 : undefined;
  const batches = regrouped(loader, { accumulate, weights: weights && tensor(weights), before });
  const job = { model, loader, options, isWeighted: isWeighted(options), weights, batches };
  const progress = new Progress(options.accumulate);
  const stopper = new Stopper(options, { model, optimizer: options.optimizer as Optimizer });
  const parts = partsOf(job, { progress, stopper });
  let driver: Driver | undefined;
  let opened: Opened | undefined;
  let unresume: (() => void) | undefined;
  const trained = async (): Promise<History> => {
    rehearse(job);
    unresume = resumed(parts, options);
    const seeds = { seed: currentSeed(), loaderSeed: loader.seed };
    const undo = markOf(job);
    const { yieldEvery: every, signal, pause } = options;
    try {
      opened = await options.worker?.open();
      driver = driverOf({ ...job, place: placeOf(opened) });
      const take = () => (driver as Driver).shown(() => statesOf(parts));
      const visit: Run['visit'] = (moment) => options.checkpoint?.visit(take, { ...moment, rows: progress.rows });
      const pacer = new Pacer({ every, signal, pause });
      const run = { job, driver, progress, pacer, stopper, reporter: reporterOf(job), visit };
      if (progress.stoppedBy === 'epochs') await train(run);
    } finally {
      await driver?.end();
      driver?.release();
      placeOf(opened)?.close();
      if (!driver?.ran) undo();
      stopper.putBack();
    }
    const { rows, stoppedBy } = progress;
    const where = whereOf(opened);
    return { epochs: rows, stoppedBy, ...stopper.bestOf(rows), ...seeds, build: runtimeInfo().build, ...where };
  };
  try {
    return await inTraining(model, trained);
  } catch (error) {
    if (!driver?.ran) unresume?.();
    throw error;
  }
}
