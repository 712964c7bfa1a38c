import type { DataLoader } from '../data/loader';
import { DivergenceError, OptionError, ShapeError } from '../errors';
import { lossOf } from '../nn/loss';
import type { Module } from '../nn/module';
import { clipGradNorm, clipGradValue } from '../optim/clip';
import type { Optimizer } from '../optim/optimizer';
import { show } from '../tensor/shape';
import { Tensor } from '../tensor/tensor';
import type { Operand } from '../wasm/record';
import { Compiled } from './compiled';
import type { FitOptions } from './options';
import { perStep } from './schedule';
import { Setting } from './setting';
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
export interface Driver {
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
export interface Job {
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

/** The eager loop, one batch at a time. What a recorded step has read once, this keeps to as well: modes, seeds, what is trained. */
class Eager implements Driver {
  readonly steps = 1;
  ran = false;
  private readonly step: (batch: readonly Tensor[]) => Tensor;
  private batches: Iterator<readonly Tensor[]> | undefined;
  private epoch = 0;
  private readonly seed: number;

  constructor(private readonly job: Job) {
    const step = stepOf(job.model, job.options);
    const { params } = job.options.optimizer as Optimizer;
    const setting = new Setting(job.model, { training: true, params });
    this.step = (batch) => setting.run(() => step(batch));
    this.seed = job.loader.seed;
    (job.options.optimizer as Optimizer).claim();
  }

  begin(epoch: number): void {
    this.epoch = epoch;
    this.batches = this.job.loader.batches(this.seed);
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

/** The driver that a job asks for. */
export function driverOf(job: Job): Driver {
  return job.options.compiled === false ? new Eager(job) : new Replayed(job);
}
