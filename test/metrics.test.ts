import {
  accuracy,
  confusionMatrix,
  evaluate,
  f1,
  logLoss,
  mae,
  OptionError,
  precision,
  r2,
  recall,
  rmse,
  rocAuc,
  ShapeError,
  streamingMetric,
  type Tensor,
  tensor,
  topK,
  zeros,
} from 'downhill';
import { DataLoader, TensorDataset } from 'downhill/data';
import * as nn from 'downhill/nn';
import { describe, expect, it } from 'vitest';
import { any, failure, testFailures } from './support/failures';

const scores = () =>
  tensor([
    [1, 2, 3],
    [3, 2, 1],
  ]);
const labels = (...classes: number[]) => tensor(Int32Array.from(classes));
const NAN = Number.NaN;

describe('metrics refuse', () => {
  testFailures([
    failure('plain arrays', () => accuracy(any([1, 0]), any([1, 0])), OptionError, /accuracy needs two tensors/),
    failure('a missing target', () => f1(any(tensor([1]))), OptionError, /f1 needs two tensors with rows/),
    failure('no rows', () => mae(zeros([0, 2]), zeros([0, 2])), OptionError, /mae needs two tensors with rows/),
    failure('an unknown option', () => f1(any({ averge: 'macro' })), OptionError, /did you mean "average"/),
    failure('an unknown average', () => recall({ average: any('mean') }), OptionError, /average is "mean"; .*'macro'/),
    failure('an average of rocAuc', () => rocAuc({ average: any('binary') }), OptionError, /average is "binary"/),
    failure('half a truth', () => logLoss({ probabilities: any(1) }), OptionError, /probabilities is 1/),
    failure(
      'half an index',
      () => accuracy({ ignoreIndex: 0.5 }),
      OptionError,
      /ignoreIndex is 0.5; it must be a whole/,
    ),
    failure(
      'rows of which none has a class',
      () => recall({ ignoreIndex: -1 })(tensor([1, 2]), labels(-1, -1)),
      OptionError,
      /recall got no row whose target is other than -1, its ignoreIndex/,
    ),
    failure(
      'to leave out a row for one of its answers',
      () =>
        accuracy({ ignoreIndex: -1 })(
          zeros([2, 3]),
          tensor([
            [0, 1, -1],
            [1, 1, 0],
          ]),
        ),
      ShapeError,
      /a target of shape \[2, 3\]; ignoreIndex leaves out rows, so each of the 2 needs one/,
    ),
    failure(
      'another index than the one to leave out',
      () => accuracy({ ignoreIndex: -1 })(scores(), labels(0, -100)),
      OptionError,
      /accuracy got the index -100/,
    ),
    failure('other rows', () => accuracy(scores(), labels(0, 1, 2)), ShapeError, /\[2, 3\] and a target of \[3\]/),
    failure(
      'numbers of two shapes',
      () => r2(zeros([3, 1]), zeros([3])),
      ShapeError,
      /r2 got .*target\.reshape\(\[3, 1\]\)/,
    ),
    failure('scores of many columns', () => precision(zeros([2, 3]), zeros([2, 3])), ShapeError, /one for each row/),
    failure('one column for topK', () => topK(1)(tensor([1, 2]), labels(0, 1)), ShapeError, /\[rows, classes\]/),
    failure('a k of 0', () => topK(0), OptionError, /The k of topK is 0/),
    failure(
      'three classes without an average',
      () => f1(scores(), labels(0, 2)),
      OptionError,
      /f1\(\{ average: 'macro' \}\)/,
    ),
    failure(
      'a class that has no column',
      () => accuracy(scores(), labels(0, 3)),
      OptionError,
      /the index 3 at position 1/,
    ),
    failure('a target that is no class', () => f1(tensor([1, 2]), tensor([0, 0.5])), OptionError, /the index 0.5/),
    failure(
      'probabilities that are logits',
      () => logLoss({ probabilities: true })(tensor([3]), labels(1)),
      OptionError,
      /the probability 3/,
    ),
    failure('a NaN score', () => rocAuc(tensor([1, NAN, 2]), labels(0, 1, 1)), OptionError, /rocAuc got NaN in row 1/),
    failure(
      'a NaN among classes',
      () =>
        accuracy(
          tensor([
            [1, 2],
            [3, NAN],
          ]),
          labels(0, 1),
        ),
      OptionError,
      /NaN in row 1/,
    ),
    failure(
      'a NaN for topK',
      () => topK(2)(tensor([[NAN, 2, 1]]), labels(0)),
      OptionError,
      /topK\(2\) got NaN in row 0/,
    ),
    failure('a NaN loss', () => logLoss(tensor([NAN]), labels(0)), OptionError, /logLoss got NaN/),
    failure(
      'a NaN number',
      () => rmse(tensor([NAN]), tensor([1])),
      OptionError,
      /rmse got a number that is not finite/,
    ),
    failure(
      'an infinite target',
      () => r2(tensor([1]), tensor([1 / 0])),
      OptionError,
      /r2 got a number that is not finite/,
    ),
    failure(
      'one class alone',
      () => rocAuc(tensor([1, 2]), labels(1, 1)),
      OptionError,
      /no row that is not of class 1/,
    ),
    failure('a class without rows', () => rocAuc(scores(), labels(0, 1)), OptionError, /rocAuc got no row of class 2/),
    failure(
      'too many classes',
      () => confusionMatrix(labels(1e6), labels(2)),
      OptionError,
      /1000001 classes; it has room/,
    ),
    failure(
      'an unknown option of a metric of one’s own',
      () =>
        streamingMetric(
          any(() => {}),
          any({ best: 1 }),
        ),
      OptionError,
      /no option "best"/,
    ),
  ]);
});

describe('a metric', () => {
  it('of a single row is NaN for r2, as scikit-learn has it', () => {
    expect(r2(tensor([1]), tensor([1]))).toBeNaN();
  });

  it('counts a logit of 0 and a probability of a half as class 0, and infinite logits as any others', () => {
    expect(accuracy(tensor([0, 1e-30, 1 / 0, -1 / 0]), labels(0, 1, 1, 0))).toBe(1);
    expect(accuracy({ probabilities: true })(tensor([0.5, 0.6]), labels(0, 1))).toBe(1);
  });

  it('of scores that saturate as probabilities is exact by logits', () => {
    const logits = tensor([
      [0, 40],
      [0, 60],
      [0, 50],
    ]);
    expect(rocAuc(logits, labels(0, 1, 1))).toBe(1);
  });

  it('of many elements counts each, as accuracy of several yes or no answers a row', () => {
    expect(
      accuracy(
        tensor([
          [1, -1],
          [1, 1],
        ]),
        tensor([
          [1, 0],
          [0, 1],
        ]),
      ),
    ).toBe(0.75);
  });
});

class Identity extends nn.Module {
  forward(x: Tensor): Tensor {
    return x;
  }
}

describe('evaluate', () => {
  const loader = () =>
    new DataLoader(new TensorDataset([[1], [2], [3], [4], [5]], [[1], [2], [2], [4], [9]]), { batchSize: 2 });

  it('gives batches to a metric that takes them, and all rows to one that does not', async () => {
    const seen: number[] = [];
    const rows = (output: Tensor, target: Tensor) => {
      expect(output.shape).toEqual(target.shape);
      return output.shape[0] as number;
    };
    const batches = streamingMetric(() => ({ add: (o, t) => void seen.push(rows(o, t)), value: () => seen.length }));
    expect(await evaluate(new Identity(), loader(), { metrics: { batches, rows } })).toEqual({ batches: 3, rows: 5 });
    expect(seen).toEqual([2, 2, 1]);
  });

  it('begins anew each time', async () => {
    const first = await evaluate(new Identity(), loader(), { metrics: { mae, rmse } });
    expect(await evaluate(new Identity(), loader(), { metrics: { mae, rmse } })).toEqual(first);
    expect(first).toEqual({ mae: 1, rmse: Math.sqrt(17 / 5) });
  });

  it('gives a matrix for a confusion matrix', async () => {
    const data = new TensorDataset([2, -1, 3, -2], [1, 1, 0, 0]);
    const { confusionMatrix: counts } = await evaluate(new Identity(), new DataLoader(data), {
      metrics: { confusionMatrix },
    });
    expect(counts).toEqual([
      [1, 1],
      [1, 1],
    ]);
  });

  it('passes on what a metric throws after the model is in its mode again', async () => {
    const model = new Identity();
    const broken = evaluate(model, loader(), { metrics: { rocAuc } });
    await expect(broken).rejects.toThrow(/rocAuc got the index 2/);
    expect(model.training).toBe(true);
  });
});
