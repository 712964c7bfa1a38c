import type { DataLoader } from '../data/loader';
import { DivergenceError, OptionError, quoted, ShapeError } from '../errors';
import { lossOf } from '../nn/loss';
import type { Module } from '../nn/module';
import { clipGradNorm, clipGradValue } from '../optim/clip';
import type { Optimizer } from '../optim/optimizer';
import { show } from '../tensor/shape';
import { Tensor } from '../tensor/tensor';
import type { Place } from '../wasm/place';
import type { Operand } from '../wasm/record';
import { Compiled } from './compiled';
import { type FitOptions, isWatched } from './options';
import { perStep } from './schedule';
import type { Fault, Stretch } from './slices';
import type { Together } from './together';
import { type Losing, sumOfWeights, weighted } from './weights';

/** The loss of a batch: inputs, the target, and weights where there are some. */
export function lossOfBatch(model: Module, { loss, isWeighted }: Losing): (batch: readonly Tensor[]) => Tensor {
  const constants = isWeighted ? 2 : 1;
  const lossFunction = isWeighted ? weighted(loss) : lossOf(loss);
  return (batch) => {
    if (batch.length <= constants)
      throw new OptionError(
        `The rows of the loader are lists of ${batch.length}; fit needs inputs and, last, ${isWeighted ? 'a target and a weight: [x, y, weight]' : 'a target: [x, y]'}.`,
      );
    const output = model.forward(...batch.slice(0, -constants));
    const [target, ownWeights] = batch.slice(-constants) as [Tensor, Tensor];
    return lossFunction(output, target, ownWeights);
  };
}

/** One step of training on a batch: the same code for both drivers. */
export function stepOf(job: Job): (batch: readonly Tensor[]) => Tensor {
  const { loss, optimizer, clipGradNorm: norm, clipGradValue: most, averaging } = job.options;
  const lossFunction = lossOfBatch(job.model, { loss, isWeighted: job.isWeighted });
  const { params } = optimizer as Optimizer;
  return (batch) => {
    optimizer.zeroGrad();
    const value = lossFunction(batch);
    if (!(value instanceof Tensor))
      throw new OptionError(`The loss of fit gave ${quoted(value)}; it must give a tensor of one element.`);
    if (value.size !== 1) {
      throw new ShapeError(
        `The loss of fit gave a tensor of shape ${show(value.shape)}; it must be one number. Take its mean() or sum().`,
      );
    }
    value.backward();
    if (!params.some((p) => p.gradient))
      throw new OptionError(
        "The loss depends on none of the optimizer's parameters; give it those of this model: model.parameters().",
      );
    if (norm !== undefined) clipGradNorm(params, norm);
    if (most !== undefined) clipGradValue(params, most);
    optimizer.step();
    if (averaging?.per === 'step') averaging.updateParameters();
    return value;
  };
}

/** A place in a training: the epoch, the loader's number of its pass, and the batches of it that are done. */
export interface At {
  readonly epoch: number;
  readonly pass: number;
  readonly batch: number;
}

type Losses = Float32Array | number[];

/** Runs the steps of epochs, one driver or the other. */
export interface Driver {
  /** Where nobody looks in between, epochs run together. */
  together?: Together | undefined;
  /** The most steps that should run before a pause. */
  readonly steps: number;
  /** Has a step been taken? */
  readonly ran: boolean;
  /** Begins an epoch, or goes on with one after some of its batches. */
  begin(at: At): void;
  /** The step up to which the epoch's batches are there, `end` at most; `first`, where it has no more. */
  ready(first: number, end: number): number | Promise<number>;
  /** Runs steps of the epoch that are ready and returns their losses. */
  run(first: number, end: number): Losses | Promise<Losses>;
  /** What a batch that has been run counts in the mean of its epoch's losses: its rows, or the sum of their weights. */
  weightOf(batch: number): number;
  /** Calls `fn` while the model is seen as it was trained so far. */
  shown<T>(fn: () => T | Promise<T>): T | Promise<T>;
  /** The model is seen so from here on. */
  end(): Promise<void> | void;
  release(): void;
}

/** What fit trains. */
export interface Job {
  model: Module;
  loader: DataLoader;
  options: FitOptions;
  /** Is the last column of `batches` what each row counts? */
  isWeighted: boolean;
  /** What each row of the dataset counts, where that is known beforehand. */
  weights: Float32Array | undefined;
  /** The loader's passes as they are trained on: in batches of one step each, with weights as the last column if there are some. */
  batches: DataLoader;
  /** Where the steps are taken, if not here. */
  place?: Place | undefined;
}

const CAUSE =
  'The likely cause is a learning rate that is too large: try a tenth of it, clipGradNorm, or standardised inputs; ' +
  'or an index that the step computes (a class, a row) is out of range, or the loss ignores all rows of the batch';

export function diverged(
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
function stretchesOf(job: Job, order: Operand): Stretch[] {
  const step = stepOf(job);
  const { batches } = job;
  const { batchSize, length, rows } = batches;
  const index = { ...order, stride: batchSize * 4, mask: -1 };
  const full = Math.floor(rows / batchSize);
  const stretches: Stretch[] = [];
  if (full > 0) stretches.push({ end: full, step: () => step(batches.gather(index, batchSize)) });
  if (full < length) stretches.push({ end: length, step: () => step(batches.gather(index, rows - full * batchSize)) });
  return stretches;
}

/** The compiled driver. */
export class Replayed implements Driver {
  together: Together | undefined;
  private readonly compiled: Compiled;
  private readonly order: Tensor;
  private pass: number | undefined;
  /** The weights in the order of this pass. */
  private weights: Float32Array | undefined;
  private epoch = 0;

  constructor(private readonly job: Job) {
    const { batches, options, weights } = job;
    this.order = batches.newOrder();
    const order = { storage: this.order.storage, offset: 0 };
    const isAlone = weights || batches.sampler || isWatched(options);
    this.compiled = new Compiled(stretchesOf(job, order), {
      optimizer: options.optimizer as Optimizer,
      schedule: perStep(options),
      steps: batches.length,
      epochs: isAlone ? 1 : options.epochs,
      yieldEvery: options.yieldEvery,
      begin: batches.emitsOrder ? () => batches.emitOrder(order) : undefined,
      place: job.place,
      reads: job.weights && [order.storage],
      diverged: (fault, step) => diverged(job, fault, { epoch: this.epoch, batch: step + 1 }),
    });
    if (!isAlone) this.together = this.compiled;
  }

  get ran(): boolean {
    return this.compiled.taken > 0;
  }

  get steps(): number {
    return this.compiled.steps;
  }

  begin({ epoch, pass }: At): void {
    this.epoch = epoch;
    this.pass = pass;
    this.job.batches.drawOrder(this.order, pass);
    this.weights = undefined;
  }

  ready(_: number, end: number): number {
    return Math.min(this.job.batches.length, end);
  }

  run(first: number, end: number): Float32Array | Promise<Float32Array> {
    const epoch = this.pass;
    this.pass = undefined;
    return this.compiled.run({ first, end, epoch });
  }

  weightOf(batch: number): number {
    const { batches, weights } = this.job;
    const rows = batches.rowsOf(batch);
    if (!weights) return rows;
    this.weights ??= Float32Array.from(this.order.toTypedArray(), (row) => weights[row] as number);
    const first = batch * batches.batchSize;
    return sumOfWeights(this.weights.subarray(first, first + rows));
  }

  shown<T>(fn: () => T | Promise<T>): T | Promise<T> {
    return this.compiled.shown(fn);
  }

  end(): Promise<void> {
    return this.compiled.end();
  }

  release(): void {
    this.compiled.release();
    this.order.dispose();
  }
}
