import type { DataLoader } from '../data/loader';
import { StateError } from '../errors';
import { type LossFunction, lossOf } from '../nn/loss';
import type { Module } from '../nn/module';
import type { Optimizer } from '../optim/optimizer';
import { tensor } from '../tensor/create';
import { noGrad, trace } from '../tensor/driver';
import type { Tensor } from '../tensor/tensor';
import { currentSeed } from '../wasm/random';
import { runtimeInfo } from '../wasm/runtime';
import { type Driver, driverOf, type Job, lossOfBatch } from './drivers';
import { measure } from './evaluate';
import type { History, HistoryRow } from './history';
import { checkFit, type FitOptions } from './options';
import { Pacer } from './pause';
import { Reporter } from './progress';
import { regrouped } from './rows';
import { rateOf, stepEpoch } from './schedule';
import { inTraining, Setting } from './setting';
import { Stopper, valName } from './stopping';
import { rowWeights, weighted } from './weights';

/** A training, and what goes along with it. */
interface Run {
  job: Job;
  driver: Driver;
  pacer: Pacer;
  stopper: Stopper;
  reporter: Reporter | undefined;
}

function companyOf({ model, batches, options }: Job): Pick<Run, 'pacer' | 'stopper' | 'reporter'> {
  const { yieldEvery, signal, pause, onProgress, epochs, progressEvery } = options;
  const { length, rows } = batches;
  return {
    pacer: new Pacer({ every: yieldEvery, signal, pause }),
    stopper: new Stopper(options, { model, optimizer: options.optimizer as Optimizer }),
    reporter: onProgress && new Reporter(onProgress, { epochs, batches: length, rows, every: progressEvery }),
  };
}

/** Runs one epoch and returns the mean loss, or undefined if it was stopped. */
async function runEpoch({ job, driver, pacer, reporter }: Run, epoch: number): Promise<number | undefined> {
  const { batches, options } = job;
  const { length, rows, batchSize } = batches;
  if (!(await pacer.tick())) return undefined;
  driver.begin(epoch);
  let [sum, weight] = [0, 0];
  const mean = () => (weight === 0 ? 0 : sum / weight);
  for (let first = 0; first < length; ) {
    const end = Math.min(length, first + (options.onBatchEnd ? 1 : driver.steps));
    const losses = driver.run(first, end);
    for (let i = 0; i < losses.length; i++) {
      const own = driver.weightOf(first + i);
      sum += (losses[i] as number) * own;
      weight += own;
    }
    if (options.onBatchEnd) await options.onBatchEnd({ epoch, batch: end, loss: losses[0] as number });
    const done = Math.min(rows, end * batchSize) - first * batchSize;
    await reporter?.note({ epoch, batch: end, loss: mean(), rows: done, held: pacer.held });
    first = end;
    if (!(await pacer.tick())) return undefined;
  }
  return mean();
}

/** The loss where every row counts 1. */
function evenLoss({ options, weights }: Job): LossFunction {
  if (!weights) return options.loss;
  const loss = weighted(options.loss);
  return (output, target) => loss(output, target, output.filled([target.shape[0] as number], 1));
}

/** Loss and metrics after an epoch, as they stand in the history; undefined if measuring them was stopped. */
async function rowOf({ job, pacer }: Run, row: HistoryRow): Promise<HistoryRow | undefined> {
  const { model, loader, options } = job;
  const { metrics, validation } = options;
  if (metrics) {
    const values = await measure(model, loader, { metrics, pacer });
    if (!values) return undefined;
    Object.assign(row, values);
  }
  if (validation) {
    const values = await measure(model, validation, { loss: evenLoss(job), metrics: metrics ?? {}, pacer });
    if (!values) return undefined;
    for (const [name, value] of Object.entries(values)) row[valName(name)] = value as number;
  }
  return row;
}

async function train(run: Run, history: History): Promise<History['stoppedBy']> {
  const { stopper } = run;
  const { options } = run.job;
  const began = performance.now();
  for (let epoch = 1; epoch <= options.epochs; epoch++) {
    const loss = await runEpoch(run, epoch);
    if (loss === undefined) return 'signal';
    if (options.averaging?.per === 'epoch') options.averaging.updateParameters();
    const row = await rowOf(run, { epoch, loss, lr: rateOf(options), seconds: 0 });
    if (row === undefined) return 'signal';
    stepEpoch(options, row);
    row.seconds = (performance.now() - began) / 1000;
    history.epochs.push(row);
    const enough = stopper.note(row);
    if (stopper.bestEpoch !== undefined) history.bestEpoch = stopper.bestEpoch;
    if (options.onEpochEnd) await options.onEpochEnd(row);
    if (enough) return enough;
  }
  return 'epochs';
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
  const history: History = {
    epochs: [],
    stoppedBy: 'epochs',
    seed: currentSeed(),
    loaderSeed: loader.seed,
    build: runtimeInfo().build,
  };
  await inTraining(model, async () => {
    rehearse(job);
    const undo = markOf(job);
    const company = companyOf(job);
    let driver: Driver | undefined;
    try {
      driver = driverOf(job);
      history.stoppedBy = await train({ job, driver, ...company }, history);
    } finally {
      driver?.release();
      if (!driver?.ran) undo();
      company.stopper.putBack();
    }
  });
  return history;
}
