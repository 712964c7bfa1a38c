import { Kernel } from '../../assembly/kernel';
import { type Dataset, TensorDataset } from '../data/dataset';
import { type Batch, DataLoader } from '../data/loader';
import { checkNumber, checkOptions, isCount } from '../errors';
import { type LossFunction, lossOf } from '../nn/loss';
import type { Module } from '../nn/module';
import { tensor } from '../tensor/create';
import { emit, newStorage, noGrad } from '../tensor/driver';
import type { Data } from '../tensor/literal';
import { sizeOf } from '../tensor/shape';
import { Tensor } from '../tensor/tensor';
import { checkMetrics, type Metrics, type Tally } from './metrics/metric';
import { Pacer } from './pause';
import { Setting } from './setting';

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

/**
 * Calls `visit` with each batch of a dataset in its own order, in eval mode and without gradients.
 *
 * @returns false where the pacer ended it.
 */
async function eachBatch(
  model: Module,
  { dataset, batchSize, pacer }: Rows & { pacer: Pacer },
  visit: (batch: Batch) => void,
): Promise<boolean> {
  const setting = new Setting(model, { training: false });
  const { signal } = pacer;
  for await (const batch of new DataLoader(dataset, { batchSize, shuffle: false }).arriving({ signal })) {
    // Only while it computes: others may train or use the model in the pauses.
    setting.run(() => noGrad(() => visit(batch)));
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
    private readonly dataset: Dataset,
  ) {
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
    const target = () => this.targets?.result ?? (this.dataset.tensors.at(-1) as Tensor);
    return Object.entries(this.metrics).map(([name, metric]) => {
      const tally = this.tallies.get(name);
      return [name, tally ? tally.value() : metric((this.outputs as Collector).result, target())];
    });
  }
}

export interface EvaluateOptions<M extends Metrics<unknown> = Metrics> {
  /** A loss, or a function `(output, target) => Tensor`. */
  loss?: LossFunction;
  /** Metrics by name; a function `(output, target) => number` of your own gets all rows at once. */
  metrics?: M;
}

/** What metrics give, by their names. */
export type Measured<M extends Metrics<unknown>> = { loss: number } & { -readonly [K in keyof M]: ReturnType<M[K]> };

/** See `evaluate`; undefined where the pacer ended it. */
export async function measure(
  model: Module,
  { dataset, batchSize }: Rows,
  { loss, metrics = {}, pacer }: EvaluateOptions<Metrics<unknown>> & { pacer: Pacer },
): Promise<Record<string, unknown> | undefined> {
  const lossFunction = loss && lossOf(loss);
  const measures = new Measures(metrics, dataset);
  let [total, rows] = [0, 0];
  const whole = await eachBatch(model, { dataset, batchSize, pacer }, (batch) => {
    const target = batch.at(-1) as Tensor;
    rows += batch[0].shape[0] as number;
    const output = model.forward(...batch.slice(0, -1));
    if (lossFunction) total += lossFunction(output, target).item() * (target.shape[0] as number);
    measures.add(output, target);
  });
  if (!whole) return undefined;
  return { ...(lossFunction && { loss: total / rows }), ...Object.fromEntries(measures.values) };
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
  checkOptions('evaluate', options, ['loss', 'metrics']);
  checkMetrics(options.metrics);
  return (await measure(model, loader, { ...options, pacer: new Pacer() })) as Measured<M>;
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
  checkOptions('predict', options, ['batchSize']);
  const batchSize = options.batchSize ?? 1024;
  checkNumber('batchSize', batchSize, isCount);
  const dataset = new TensorDataset(x instanceof Tensor ? x : tensor(x));
  const outputs = new Collector(dataset.length);
  await eachBatch(model, { dataset, batchSize, pacer: new Pacer() }, ([rows]) => outputs.add(model.forward(rows)));
  return outputs.result;
}
