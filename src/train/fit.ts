import type { DataLoader } from '../data/loader';
import { DivergenceError, OptionError, ShapeError, StateError } from '../errors';
import { lossOf } from '../nn/loss';
import type { Module } from '../nn/module';
import { clipGradNorm, clipGradValue } from '../optim/clip';
import type { Optimizer } from '../optim/optimizer';
import { noGrad, trace } from '../tensor/driver';
import { show } from '../tensor/shape';
import { Tensor } from '../tensor/tensor';
import { currentSeed } from '../wasm/random';
import type { Operand } from '../wasm/record';
import { runtimeInfo } from '../wasm/runtime';
import { Compiled } from './compiled';
import { evaluate, inMode } from './evaluate';
import type { History, HistoryRow } from './history';
import { checkFit, type FitOptions } from './options';
import { Pacer } from './pause';
import { perStep, rateOf, stepEpoch } from './schedule';
import type { Fault, Stretch } from './slices';

/** One step of training on a batch: the same code for both drivers. */
function stepOf(
  model: Module,
  { loss, optimizer, clipGradNorm: norm, clipGradValue: most }: FitOptions,
): (batch: readonly Tensor[]) => Tensor {
  const lossFunction = lossOf(loss);
  const { params } = optimizer as Optimizer;
  return (batch) => {
    optimizer.zeroGrad();
    const output = model.forward(...batch.slice(0, -1));
    const value = lossFunction(output, batch.at(-1) as Tensor);
    if (!(value instanceof Tensor))
      throw new OptionError(`The loss of fit gave ${String(value)}; it must give a tensor of one element.`);
    if (value.size !== 1) {
      throw new ShapeError(
        `The loss of fit gave a tensor of shape ${show(value.shape)}; it must be one number. Take its mean() or sum().`,
      );
    }
    value.backward();
    if (norm !== undefined) clipGradNorm(params, norm);
    if (most !== undefined) clipGradValue(params, most);
    optimizer.step();
    return value;
  };
}

/** Runs the steps of epochs, one driver or the other. */
interface Driver {
  /** The most steps that should run before a pause. */
  readonly steps: number;
  /** Has a step been taken? */
  readonly ran: boolean;
  begin(epoch: number): void;
  /** Runs steps of the epoch and returns their losses. */
  run(first: number, end: number): ArrayLike<number>;
  release(): void;
}

/** What fit trains: the names are for errors. */
interface Job {
  model: Module;
  loader: DataLoader;
  options: FitOptions;
}

const CAUSE =
  'The likely cause is a learning rate that is too large: try a tenth of it, clipGradNorm, or standardised inputs; ' +
  'or an index that the step computes (a class, a row) is out of range';

function diverged(
  { model, options }: Job,
  fault: Fault,
  { epoch, batch }: { epoch: number; batch: number },
): DivergenceError {
  const tensors = [...model.namedParameters(), ...model.namedBuffers()];
  const named = tensors.find(([, t]) => t.storage === fault.storage)?.[0];
  const name = fault.storage ? (named ?? 'optimizer state') : 'loss';
  return new DivergenceError(
    `Training diverged in epoch ${epoch}, batch ${batch}: ${name} is not finite (lr ${options.optimizer.lr}). ${CAUSE}. ` +
      'The model keeps its last finite parameters.',
    epoch,
    batch,
    name,
  );
}

/** The stretches of an epoch: its full batches, and a last one that is not full. */
function stretchesOf({ model, loader, options }: Job, order: Operand): Stretch[] {
  const step = stepOf(model, options);
  const { batchSize, length, rows } = loader;
  const index = { ...order, stride: batchSize * 4, mask: -1 };
  const full = Math.floor(rows / batchSize);
  const stretches: Stretch[] = [];
  if (full > 0) stretches.push({ end: full, step: () => step(loader.gather(index, batchSize)) });
  if (full < length) stretches.push({ end: length, step: () => step(loader.gather(index, rows - full * batchSize)) });
  return stretches;
}

/** The compiled driver. */
class Replayed implements Driver {
  private readonly compiled: Compiled;
  private readonly order: Tensor;
  private pass: number | undefined;
  private epoch = 0;

  constructor(private readonly job: Job) {
    const { loader, options } = job;
    this.order = loader.newOrder();
    const order = { storage: this.order.storage, offset: 0 };
    const changes = loader.shuffle || loader.dataset.within;
    this.compiled = new Compiled(stretchesOf(job, order), {
      optimizer: options.optimizer as Optimizer,
      schedule: perStep(options),
      steps: loader.length,
      yieldEvery: options.yieldEvery,
      begin: changes ? () => loader.emitOrder(order) : undefined,
      diverged: (fault, step) => diverged(job, fault, { epoch: this.epoch, batch: step + 1 }),
    });
  }

  get ran(): boolean {
    return this.compiled.taken > 0;
  }

  get steps(): number {
    return this.compiled.steps;
  }

  begin(epoch: number): void {
    this.epoch = epoch;
    this.pass = this.job.loader.epoch++;
  }

  run(first: number, end: number): ArrayLike<number> {
    const epoch = this.pass;
    this.pass = undefined;
    return this.compiled.run({ first, end, epoch });
  }

  release(): void {
    this.compiled.release();
    this.order.dispose();
  }
}

/** The tensors in a model's fields: its parameters, and what `forward` may change. */
function heldBy(model: Module): Tensor[] {
  return model.modules().flatMap((m) => Object.values(m).filter((v): v is Tensor => v instanceof Tensor));
}

const allFinite = (t: Tensor) => t.toTypedArray().every(Number.isFinite);

/** The eager loop, one batch at a time. */
class Eager implements Driver {
  readonly steps = 1;
  ran = false;
  private readonly step: (batch: readonly Tensor[]) => Tensor;
  private batches: Iterator<readonly Tensor[]> | undefined;
  private epoch = 0;

  constructor(private readonly job: Job) {
    this.step = stepOf(job.model, job.options);
    (job.options.optimizer as Optimizer).claim();
  }

  begin(epoch: number): void {
    this.epoch = epoch;
    this.batches = this.job.loader[Symbol.iterator]();
  }

  run(first: number): number[] {
    const optimizer = this.job.options.optimizer as Optimizer;
    const kept = [...new Set([...optimizer.params, ...heldBy(this.job.model)])];
    const before = { values: kept.map((t) => t.clone()), state: optimizer.stateDict() };
    const loss = this.step(this.batches?.next().value as readonly Tensor[]).item();
    const broke = (t: Tensor, i: number) => !allFinite(t) && allFinite(before.values[i] as Tensor);
    const bad = Number.isFinite(loss)
      ? (kept.find(broke) ?? optimizer.changed().find((t) => !allFinite(t)))
      : undefined;
    if (Number.isFinite(loss) && !bad) {
      this.ran = true;
      perStep(this.job.options)?.step();
      return [loss];
    }
    kept.forEach((t, i) => {
      t.assign(before.values[i] as Tensor);
    });
    optimizer.restore(before.state);
    throw diverged(this.job, { storage: bad?.storage }, { epoch: this.epoch, batch: first + 1 });
  }

  release(): void {
    this.batches = undefined;
    (this.job.options.optimizer as Optimizer).close();
  }
}

/** Runs one epoch and returns the mean loss, or undefined if it was stopped. */
async function runEpoch(
  driver: Driver,
  job: Job,
  { epoch, pacer }: { epoch: number; pacer: Pacer },
): Promise<number | undefined> {
  const { loader, options } = job;
  const { length, batchSize, rows } = loader;
  if (options.signal?.aborted) return undefined;
  driver.begin(epoch);
  let sum = 0;
  for (let first = 0; first < length; ) {
    if (options.signal?.aborted) return undefined;
    const end = Math.min(length, first + (options.onBatchEnd ? 1 : driver.steps));
    const losses = driver.run(first, end);
    for (let i = 0; i < losses.length; i++)
      sum += (losses[i] as number) * Math.min(batchSize, rows - (first + i) * batchSize);
    if (options.onBatchEnd) await options.onBatchEnd({ epoch, batch: end, loss: losses[0] as number });
    first = end;
    await pacer.tick();
  }
  return sum / loader.rows;
}

const valName = (name: string) => `val${name.charAt(0).toUpperCase()}${name.slice(1)}`;

/** Loss and metrics after an epoch, as they stand in the history. */
async function rowOf({ model, loader, options }: Job, row: HistoryRow): Promise<HistoryRow> {
  const { loss, metrics, validation } = options;
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
function tryOut({ model, options }: Job, loader: DataLoader): void {
  const order = loader.newOrder();
  const lossFunction = lossOf(options.loss);
  try {
    trace(() => {
      const batch = loader.gather({ storage: order.storage, offset: 0 }, loader.rowsOf(0));
      noGrad(() => lossFunction(model.forward(...batch.slice(0, -1)), batch.at(-1) as Tensor));
    });
  } catch (error) {
    // A model that asks for values can't be recorded; it can still be trained by the eager loop.
    if (!(error instanceof StateError)) throw error;
  }
}

/** Tries the data that the compiled driver will not have tried itself. */
async function rehearse(job: Job): Promise<void> {
  const { model, loader, options } = job;
  if (options.compiled === false) await inMode(model, true, async () => tryOut(job, loader));
  const { validation } = options;
  if (validation) await inMode(model, false, async () => tryOut(job, validation));
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
  const job = { model, loader, options };
  await rehearse(job);
  const history: History = {
    epochs: [],
    stoppedBy: 'epochs',
    seed: currentSeed(),
    loaderSeed: loader.seed,
    build: runtimeInfo().build,
  };
  const undo = markOf(job);
  await inMode(model, true, async () => {
    let driver: Driver | undefined;
    try {
      driver = options.compiled === false ? new Eager(job) : new Replayed(job);
      await train(driver, job, history);
    } finally {
      driver?.release();
      if (!driver?.ran) undo();
    }
  });
  return history;
}
