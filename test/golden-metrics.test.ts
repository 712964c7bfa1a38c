import {
  accuracy,
  confusionMatrix,
  evaluate,
  f1,
  logLoss,
  type Metric,
  mae,
  precision,
  r2,
  recall,
  rmse,
  rocAuc,
  type Tensor,
  tensor,
  topK,
} from 'downhill';
import { DataLoader, TensorDataset } from 'downhill/data';
import * as nn from 'downhill/nn';
import { describe, expect, it } from 'vitest';
import { constant, expectClose, readGolden, type Stated, valuesOf } from './golden/read.js';

interface Case {
  data: string;
  metric: string;
  options: object | number | null;
  value: number | number[][];
}

interface Golden {
  data: Record<string, { output: Stated; target: Stated }>;
  cases: Case[];
}

const golden = readGolden<Golden>('metrics');

const METRICS: Record<string, (options: never) => Metric<unknown>> = {
  accuracy,
  confusionMatrix,
  precision,
  recall,
  f1,
  logLoss,
  rocAuc,
  topK,
};
const PLAIN: Record<string, Metric<unknown>> = { accuracy, confusionMatrix, precision, recall, f1, logLoss, rocAuc };

function metricOf({ metric, options }: Case): Metric<unknown> {
  if (options === null) return PLAIN[metric] ?? ({ mae, rmse, r2 }[metric] as Metric);
  return (METRICS[metric] as (typeof METRICS)[string])(options as never);
}

/** The output and the target of a case; the target has the shape of a column where the output is one. */
function tensorsOf({ data }: Case): [Tensor, Tensor] {
  const { output, target } = golden.data[data] as Golden['data'][string];
  const integers = (stated: Stated) => tensor(Int32Array.from(valuesOf(stated)), { shape: stated.shape });
  if (data.startsWith('classes')) return [integers(output), integers(target)];
  return [constant(output), data.startsWith('numbers') ? constant(target) : integers(target)];
}

/** What it was given. */
class Identity extends nn.Module {
  forward(x: Tensor): Tensor {
    return x;
  }
}

async function inBatches(c: Case, batchSize: number): Promise<unknown> {
  const loader = new DataLoader(new TensorDataset(...tensorsOf(c)), { batchSize });
  const { value } = await evaluate(new Identity(), loader, { metrics: { value: metricOf(c) } });
  return value;
}

const flat = (value: unknown) => [value].flat(2) as number[];

describe('metrics have scikit-learn’s values', () => {
  it.each(golden.cases)('$metric of $data with $options', async (c) => {
    const value = metricOf(c)(...tensorsOf(c));
    expectClose(c.metric, flat(value), flat(c.value), (v) => 2e-6 * (1 + Math.abs(v)));
    for (const batchSize of [1, 7, 1000]) expect(await inBatches(c, batchSize)).toEqual(value);
  });

  const ofClasses = golden.cases.filter(({ data }) => !data.startsWith('numbers'));
  it.each(ofClasses)('$metric of $data with $options, with rows between that ignoreIndex leaves out', async (c) => {
    const [output, target] = tensorsOf(c);
    const rows = target.shape[0] as number;
    // Each row twice, the second time without a class.
    const twice = Array.from({ length: 2 * rows }, (_, i) => i >> 1);
    const labels = target.toTypedArray();
    const holed = tensor(
      Int32Array.from(twice, (row, i) => (i % 2 === 0 ? (labels[row] as number) : -100)),
      { shape: [2 * rows, ...target.shape.slice(1)] },
    );
    const options = typeof c.options === 'number' ? undefined : { ...(c.options as object), ignoreIndex: -100 };
    const metric = options
      ? (METRICS[c.metric] as (o: object) => Metric<unknown>)(options)
      : topK(c.options as number, { ignoreIndex: -100 });
    const value = metricOf(c)(output, target);
    expect(metric(output.gather(twice), holed)).toEqual(value);
    const loader = new DataLoader(new TensorDataset(output.gather(twice), holed), { batchSize: 1 });
    expect((await evaluate(new Identity(), loader, { metrics: { metric } })).metric).toEqual(value);
  });

  it('where targets are given as a column, as numbers, or as floats, too', () => {
    const [scores, labels] = [tensor([[1], [-2], [3]]), [1, 1, 0]];
    for (const target of [tensor(labels), tensor(labels, { shape: [3, 1] }), tensor(labels, { dtype: 'int32' })])
      expect([accuracy(scores, target), recall(scores, target), rocAuc(scores, target)]).toEqual([1 / 3, 0.5, 0]);
  });
});
