import { Kernel } from '../../assembly/kernel';
import { columnOf, type Dataset, TensorDataset } from '../data/dataset';
import { type Batch, DataLoader } from '../data/loader';
import { checkOptions, isCount, OptionError, quoted } from '../errors';
import { type LossFunction, lossOf } from '../nn/loss';
import { Module } from '../nn/module';
import { isByRows } from '../tensor/blocks';
import { tensor } from '../tensor/create';
import { emit, newStorage, noGrad, trace } from '../tensor/driver';
import type { Data } from '../tensor/literal';
import { sizeOf } from '../tensor/shape';
import { Tensor } from '../tensor/tensor';
import { checkMetrics, type Metrics, type Tally } from './metrics/metric';
import { checkLoader } from './options';
import { Pacer } from './pause';
import { Setting } from './setting';
import { placeOfTarget, rowWeights, sumOfWeights, weighted } from './weights';

/** Batches are put together again, row after row, in a tensor of their own. */
class Collector {
  private all: Tensor | undefined;
  private count = 0;

  /** @param rows as many as will come; where that is not known, it grows. */
  constructor(private readonly rows: number) {}

  add(part: Tensor): void {
    const row = part.shape.slice(1);
    const first = this.count;
    this.count += part.shape[0] as number;
    this.reserve(part);
    const to = { storage: (this.all as Tensor).storage, offset: first * sizeOf(row) * 4 };
    emit(Kernel.copyWords, part.contiguous(), to, part.size);
  }

  private reserve({ shape: [, ...row], dtype }: Tensor): void {
    const { all, count } = this;
    if (all && (all.shape[0] as number) >= count) return;
    const rows = this.rows < Number.POSITIVE_INFINITY ? this.rows : 2 * count;
    this.all = new Tensor({ storage: newStorage(rows * sizeOf(row) * 4), shape: [rows, ...row], dtype });
    if (all) emit(Kernel.copyWords, all, this.all, all.size);
    all?.dispose();
  }

  get result(): Tensor {
    const all = this.all as Tensor;
    return all.shape[0] === this.count ? all : all.slice(0, this.count);
  }
}

interface Rows {
  dataset: Dataset;
  batchSize: number;
}

/** Products of rows and parameters between two turns of others: about a millisecond. */
const WORK = 2 ** 25;
/** The fewest rows that go forward at a time, where they need not all. */
const LEAST = 256;

/** How many rows of a batch go forward at a time: if the work is long and the model treats rows alone, not all. */
function pieceOf(forward: (batch: Batch) => Tensor, { loader, size }: { loader: DataLoader; size: number }): number {
  const { batchSize } = loader;
  const piece = Math.max(LEAST, Math.floor(WORK / size / LEAST) * LEAST);
  if (loader.dataset.begin || loader.rowsOf(0) <= piece) return batchSize;
  const order = loader.newOrder();
  try {
    const rows = () => loader.gather({ storage: order.storage, offset: 0 }, loader.rowsOf(0));
    return isByRows(trace(() => forward(rows()))) ? piece : batchSize;
  } catch {
    // What can't be recorded, or does not fit, is found out by the batch itself.
    return batchSize;
  }
}

/**
 * Calls `visit` with each batch of a dataset in its own order and what the model makes of it, in eval mode and without
 * gradients.
 *
 * @param inputs the end of the batch's tensors that go forward.
 * @returns false where the pacer ended it.
 */
async function eachBatch(
  model: Module,
  { dataset, batchSize, pacer, inputs }: Rows & { pacer: Pacer; inputs: number },
  visit: (output: Tensor, batch: Batch) => void,
): Promise<boolean> {
  if (!(model instanceof Module)) throw new OptionError(`The model is ${quoted(model)}; it must be a Module.`);
  const setting = new Setting(model, { training: false });
  // Only while it computes: others may train or use the model in the pauses.
  const quietly = <T>(fn: () => T) => setting.run(() => noGrad(fn));
  const loader = new DataLoader(dataset, { batchSize, shuffle: false });
  const forward = (batch: readonly Tensor[]) => {
    const output: unknown = model.forward(...batch);
    if (output instanceof Tensor) return output;
    throw new OptionError(`The model's forward gave ${quoted(output)}; it must give a tensor.`);
  };
  const size = model.parameters().reduce((sum, p) => sum + p.size, 1);
  const piece = quietly(() => pieceOf((batch) => forward(batch.slice(0, inputs)), { loader, size }));
  const { signal } = pacer;
  for await (const batch of loader.arriving({ signal })) {
    const rows = batch[0].shape[0] as number;
    const outputs = rows > piece ? new Collector(rows) : undefined;
    for (let from = 0; outputs && from < rows; from += piece) {
      quietly(() => outputs.add(forward(batch.slice(0, inputs).map((t) => t.slice(from, from + piece)))));
      if (!(await pacer.tick())) return false;
    }
    quietly(() => visit(outputs?.result ?? forward(batch.slice(0, inputs)), batch));
    if (!(await pacer.tick())) return false;
  }
  return !pacer.stopped;
}

/** Metrics of batches that come one by one; those that can't take them so get all rows at the end. */
class Measures {
  private readonly tallies = new Map<string, Tally<unknown>>();
  private readonly outputs: Collector | undefined;
  /** The targets, where the dataset does not hold them. */
  private readonly targets: Collector | undefined;

  constructor(
    private readonly metrics: Metrics<unknown>,
    private readonly rows: { dataset: Dataset; place: number },
  ) {
    const { dataset } = rows;
    const entries = Object.entries(metrics);
    for (const [name, { start }] of entries) if (start) this.tallies.set(name, start());
    if (this.tallies.size < entries.length) this.outputs = new Collector(dataset.length);
    if (this.outputs && dataset.begin) this.targets = new Collector(dataset.length);
  }

  add(output: Tensor, target: Tensor): void {
    for (const tally of this.tallies.values()) tally.add(output, target);
    this.outputs?.add(output);
    this.targets?.add(target);
  }

  get values(): [string, unknown][] {
    const target = () => this.targets?.result ?? columnOf(this.rows.dataset, this.rows.place);
    return Object.entries(this.metrics).map(([name, metric]) => {
      const tally = this.tallies.get(name);
      return [name, tally ? tally.value() : metric((this.outputs as Collector).result, target())];
    });
  }
}

/** What is measured. */
export interface EvaluateOptions<M extends Metrics<unknown> = Metrics> {
  /** A loss, or a function `(output, target) => Tensor`. */
  loss?: LossFunction;
  /** Metrics by name; a function `(output, target) => number` of your own gets all rows at once. */
  metrics?: M;
  /**
   * 'last': the last tensor of the dataset is what each row counts in the loss, Σ w l / Σ w, and the one before it is the target.
   * Metrics count all rows alike. Default: rows count alike.
   */
  sampleWeight?: 'last';
}

/** What metrics give, by their names. */
export type Measured<M extends Metrics<unknown>> = { loss: number } & { -readonly [K in keyof M]: ReturnType<M[K]> };

/** How it is measured, and where the target stands, counted from the end. */
interface Measuring extends Pick<EvaluateOptions<Metrics<unknown>>, 'loss' | 'metrics'> {
  pacer: Pacer;
  place: number;
}

/** See `evaluate`; undefined where the pacer ended it. */
export async function measure(
  model: Module,
  { dataset, batchSize }: Rows,
  { loss, metrics = {}, pacer, place }: Measuring,
): Promise<Record<string, unknown> | undefined> {
  const isLast = place === -1;
  const lossFunction = loss && (isLast ? lossOf(loss) : weighted(loss));
  const measures = new Measures(metrics, { dataset, place });
  let [total, count] = [0, 0];
  const whole = await eachBatch(model, { dataset, batchSize, pacer, inputs: place }, (output, batch) => {
    const [target, weights] = batch.slice(place) as [Tensor, Tensor];
    const counts = isLast ? (target.shape[0] as number) : sumOfWeights(weights.toTypedArray());
    count += counts;
    if (lossFunction) total += lossFunction(output, target, weights).item() * counts;
    measures.add(output, target);
  });
  if (!whole) return undefined;
  return { ...(lossFunction && { loss: total / (count || 1) }), ...Object.fromEntries(measures.values) };
}

/**
 * The loss and the metrics of a model on all rows of a loader's dataset, in eval mode and without gradients. The loader's
 * order and its `epoch` stay as they are.
 *
 * @returns `{ loss, …metrics }`; the loss is the mean of the batches' losses, weighted by their rows.
 * @example
 * const data = new DataLoader(new TensorDataset([[1], [2]], [[1], [2]]), { batchSize: 2 });
 * const { loss, r2: explained } = await evaluate(new nn.Linear(1, 1), data, { loss: new nn.MSELoss(), metrics: { r2 } });
 * expect(loss).toBeGreaterThanOrEqual(0);
 * expect(explained).toBeLessThanOrEqual(1);
 */
export async function evaluate<M extends Metrics<unknown> = Metrics>(
  model: Module,
  loader: DataLoader,
  options: EvaluateOptions<M>,
): Promise<Measured<M>> {
  checkOptions('evaluate', options, ['loss', 'metrics', 'sampleWeight']);
  if (!(options?.loss ?? options?.metrics))
    throw new OptionError('evaluate needs a loss or metrics: { loss, metrics: { accuracy } }.');
  checkMetrics(options.metrics);
  const { sampleWeight, loss } = options;
  if (sampleWeight !== undefined && sampleWeight !== 'last')
    throw new OptionError(
      `The sampleWeight of evaluate is ${quoted(sampleWeight)}; it must be 'last': weights are the last tensor of the dataset, new TensorDataset(X, y, weights).`,
    );
  checkLoader(loader, { owner: 'evaluate', sampleWeight });
  if (loss && sampleWeight) rowWeights(loader, { sampleWeight, loss });
  return (await measure(model, loader, {
    ...options,
    pacer: new Pacer(),
    place: placeOfTarget(sampleWeight),
  })) as Measured<M>;
}

/**
 * What a model gives for rows of x, in eval mode and without gradients.
 *
 * @param x a tensor or arrays; the first dimension is rows.
 * @param options `batchSize`: rows at a time; default 1024.
 * @returns a tensor with a row for each of x's.
 * @example
 * const y = await predict(new nn.Linear(2, 1), [[1, 2], [3, 4]]);
 * expect(y.shape).toEqual([2, 1]);
 */
export async function predict(model: Module, x: Tensor | Data, options: { batchSize?: number } = {}): Promise<Tensor> {
  checkOptions('predict', options, { batchSize: isCount });
  const { batchSize = 1024 } = options;
  const dataset = new TensorDataset(x instanceof Tensor ? x : tensor(x));
  const outputs = new Collector(dataset.length);
  const rows = { dataset, batchSize, pacer: new Pacer(), inputs: 1 };
  await eachBatch(model, rows, (output) => outputs.add(output));
  return outputs.result;
}
