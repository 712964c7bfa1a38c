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
import { checkMetrics, type Metrics } from './metrics';
import { Pacer } from './pause';
import { Setting } from './setting';

/** Batches are put together again, row after row, in a tensor of their own. */
class Collector {
  private all: Tensor | undefined;

  constructor(private readonly rows: number) {}

  add(part: Tensor, first: number): void {
    const row = part.shape.slice(1);
    this.all ??= new Tensor({
      storage: newStorage(this.rows * sizeOf(row) * 4),
      shape: [this.rows, ...row],
      dtype: part.dtype,
    });
    emit(
      Kernel.copyWords,
      part.contiguous(),
      { storage: this.all.storage, offset: first * sizeOf(row) * 4 },
      part.size,
    );
  }

  get result(): Tensor {
    return this.all as Tensor;
  }
}

/** Calls `visit` with each batch of the loader's dataset in its own order, in eval mode and without gradients. */
async function eachBatch(
  model: Module,
  { dataset, batchSize }: { dataset: Dataset; batchSize: number },
  visit: (batch: Batch, first: number) => void,
): Promise<void> {
  const pacer = new Pacer();
  const setting = new Setting(model, { training: false });
  let first = 0;
  for (const batch of new DataLoader(dataset, { batchSize })) {
    // Only while it computes: others may train or use the model in the pauses.
    setting.run(() => noGrad(() => visit(batch, first)));
    first += batch[0].shape[0] as number;
    await pacer.tick();
  }
}

export interface EvaluateOptions {
  /** A loss, or a function `(output, target) => Tensor`. */
  loss?: LossFunction;
  /** Functions `(output, target) => number` by name; each gets all rows at once. */
  metrics?: Metrics;
}

/**
 * The loss and the metrics of a model on all rows of a loader's dataset, in eval mode and without gradients. The loader's
 * order and its `epoch` stay as they are.
 *
 * @returns `{ loss, …metrics }`; the loss is the mean of the batches' losses, weighted by their rows.
 * @example
 * const data = new DataLoader(new TensorDataset([[1], [2]], [[1], [2]]), { batchSize: 2 });
 * const { loss } = await evaluate(new nn.Linear(1, 1), data, { loss: new nn.MSELoss() });
 * expect(loss).toBeGreaterThanOrEqual(0);
 */
export async function evaluate(
  model: Module,
  loader: DataLoader,
  options: EvaluateOptions,
): Promise<{ loss: number } & Record<string, number>> {
  checkOptions('evaluate', options, ['loss', 'metrics']);
  checkMetrics(options.metrics);
  const lossFunction = options.loss && lossOf(options.loss);
  const metrics = Object.entries(options.metrics ?? {});
  const { dataset, batchSize } = loader;
  const outputs = new Collector(dataset.length);
  let total = 0;
  await eachBatch(model, { dataset, batchSize }, (batch, first) => {
    const target = batch.at(-1) as Tensor;
    const output = model.forward(...batch.slice(0, -1));
    if (lossFunction) total += lossFunction(output, target).item() * (target.shape[0] as number);
    if (metrics.length > 0) outputs.add(output, first);
  });
  const target = dataset.tensors.at(-1) as Tensor;
  const values = metrics.map(([name, metric]) => [name, metric(outputs.result, target)]);
  const loss = lossFunction ? { loss: total / dataset.length } : {};
  return { ...loss, ...Object.fromEntries(values) } as { loss: number } & Record<string, number>;
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
  await eachBatch(model, { dataset, batchSize }, ([rows], first) => outputs.add(model.forward(rows), first));
  return outputs.result;
}
