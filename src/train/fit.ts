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
import { evaluate } from './evaluate';
import type { History, HistoryRow } from './history';
import { checkFit, type FitOptions } from './options';
import { Pacer } from './pause';
import { regrouped } from './rows';
import { rateOf, stepEpoch } from './schedule';
import { inTraining, Setting } from './setting';
import { rowWeights, weighted } from './weights';

/** Runs one epoch and returns the mean loss, or undefined if it was stopped. */
async function runEpoch(
  driver: Driver,
  job: Job,
  { epoch, pacer }: { epoch: number; pacer: Pacer },
): Promise<number | undefined> {
  const { batches, options } = job;
  const { length } = batches;
  if (options.signal?.aborted) return undefined;
  driver.begin(epoch);
  let [sum, weight] = [0, 0];
  for (let first = 0; first < length; ) {
    if (options.signal?.aborted) return undefined;
    const end = Math.min(length, first + (options.onBatchEnd ? 1 : driver.steps));
    const losses = driver.run(first, end);
    for (let i = 0; i < losses.length; i++) {
      const own = driver.weightOf(first + i);
      sum += (losses[i] as number) * own;
      weight += own;
    }
    if (options.onBatchEnd) await options.onBatchEnd({ epoch, batch: end, loss: losses[0] as number });
    first = end;
    await pacer.tick();
  }
  return weight === 0 ? 0 : sum / weight;
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

async function train(driver: Driver, job: Job, history: History): Promise<void> {
  const { options } = job;
  const began = performance.now();
  const pacer = new Pacer(options.yieldEvery);
  const target = options.earlyStopping?.targetLoss;
  for (let epoch = 1; epoch <= options.epochs; epoch++) {
    const loss = await runEpoch(driver, job, { epoch, pacer });
    if (loss === undefined) {
      history.stoppedBy = 'signal';
      return;
    }
    if (options.averaging?.per === 'epoch') options.averaging.updateParameters();
    const row = await rowOf(job, { epoch, loss, lr: rateOf(options), seconds: 0 });
    stepEpoch(options, row);
    row.seconds = (performance.now() - began) / 1000;
    history.epochs.push(row);
    if (options.onEpochEnd) await options.onEpochEnd(row);
    if (target !== undefined && (row.valLoss ?? loss) <= target) {
      history.stoppedBy = 'targetLoss';
      return;
    }
  }
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
    let driver: Driver | undefined;
    try {
      driver = driverOf(job);
      await train(driver, job, history);
    } finally {
      driver?.release();
      if (!driver?.ran) undo();
    }
  });
  return history;
}
