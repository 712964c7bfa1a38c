import { evaluate, OptionError, ones, predict, ShapeError, StateError, tensor } from 'downhill';
import {
  DataLoader,
  IterableDataset,
  kFold,
  randomSplit,
  StandardScaler,
  Subset,
  TensorDataset,
  WeightedRandomSampler,
} from 'downhill/data';
import { loadCheckpoint, saveCheckpoint, toSafetensors } from 'downhill/io';
import * as nn from 'downhill/nn';
import { describe } from 'vitest';
import { any, data, failure, loader, model, testFailures } from './support/failures';

const ce = (output: number[][], target: unknown) => () =>
  new nn.CrossEntropyLoss().forward(tensor(output), tensor(any(target)));

const forwards = [
  failure(
    'another width, naming the layer',
    () => new nn.Linear(4, 3).forward(ones([32, 5])),
    ShapeError,
    /Linear\(4 -> 3\) got x of shape \[32, 5\]; its last dimension must be 4\./,
  ),
  failure(
    'another width inside a Sequential',
    () => new nn.Sequential(new nn.Linear(2, 3), new nn.Linear(4, 1)).forward(ones([3, 2])),
    ShapeError,
    /Linear\(4 -> 1\) got x of shape \[3, 3\]/,
  ),
  failure('one number', () => model().forward(tensor(1)), ShapeError, /Linear\(2 -> 1\) got x of shape \[\]/),
  failure(
    'a column against a list',
    () => new nn.MSELoss().forward(ones([3, 1]), ones([3])),
    ShapeError,
    /MSELoss got an output of shape \[3, 1\] and a target of \[3\].*target\.reshape\(\[3, 1\]\)/,
  ),
  failure(
    'other rows',
    () => new nn.BCEWithLogitsLoss().forward(ones([3]), ones([2])),
    ShapeError,
    /BCEWithLogitsLoss got .* \[3\] and a target of \[2\]; they must be equal\.$/,
  ),
  failure(
    'classes in no rows',
    () => new nn.CrossEntropyLoss().forward(ones([3]), ones([3])),
    ShapeError,
    /CrossEntropyLoss got an output of shape \[3\]; it must be \[rows, classes\]/,
  ),
  failure(
    'labels in a column',
    ce(
      [
        [1, 2],
        [3, 4],
      ],
      [[0], [1]],
    ),
    ShapeError,
    /target of shape \[2, 1\].*target\.reshape\(\[2\]\)/,
  ),
  failure(
    'a label too few',
    ce(
      [
        [1, 2],
        [3, 4],
      ],
      [0],
    ),
    ShapeError,
    /target of shape \[1\]; it must be \[2\]/,
  ),
  failure(
    'a label too large',
    ce(
      [
        [1, 2],
        [3, 4],
      ],
      [0, 2],
    ),
    OptionError,
    /the index 2 at position 1; with 2 to choose from it must be a whole number from 0 to 1/,
  ),
  failure('a negative label', ce([[1, 2]], [-1]), OptionError, /the index -1 at position 0/),
  failure('half a label', ce([[1, 2]], [0.5]), OptionError, /the index 0.5 at position 0/),
  failure('a label that is NaN', ce([[1, 2]], [Number.NaN]), OptionError, /the index NaN at position 0/),
];

const sets = [
  failure('nothing', () => new TensorDataset(), OptionError, /TensorDataset got nothing/),
  failure('no rows', () => new TensorDataset([]), ShapeError, /TensorDataset got no rows/),
  failure('one number', () => new TensorDataset(5), ShapeError, /tensor 0 is one number; it must have rows/),
  failure('other counts of rows', () => new TensorDataset([[1], [2]], [1]), ShapeError, /tensors of 2 and 1 rows/),
  failure(
    'ragged rows',
    () => new TensorDataset([[1, 2], [3]], [1, 2]),
    ShapeError,
    /row 1 has 1 elements; it must be 2/,
  ),
  failure(
    'NaN',
    () =>
      new TensorDataset(
        [
          [1, 2],
          [3, Number.NaN],
        ],
        [1, 2],
      ),
    OptionError,
    /tensor 0 has NaN in row 1, column 1; drop such rows/,
  ),
  failure(
    'infinity',
    () => new TensorDataset([[1], [2]], [1, Number.NEGATIVE_INFINITY]),
    OptionError,
    /tensor 1 has -Infinity in row 1, column 0/,
  ),
  failure(
    'NaN in a transposed view',
    () =>
      new TensorDataset(
        tensor([
          [1, 2, 3],
          [4, 5, Number.NaN],
        ]).transpose(),
      ),
    OptionError,
    /NaN in row 2, column 1/,
  ),
  failure(
    'a batch of 0',
    () => new DataLoader(data(), { batchSize: 0 }),
    OptionError,
    /batchSize is 0; it must be a whole number of at least 1/,
  ),
  failure('half a batch', () => new DataLoader(data(), { batchSize: 1.5 }), OptionError, /batchSize is 1.5/),
  failure(
    'a batch that is a string',
    () => new DataLoader(data(), { batchSize: any('8') }),
    OptionError,
    /batchSize is "8"/,
  ),
  failure(
    'no dataset',
    () => new DataLoader(any(undefined)),
    OptionError,
    /DataLoader got no dataset; give it new TensorDataset/,
  ),
  failure(
    'a word for shuffle',
    () => new DataLoader(data(), { shuffle: any('no') }),
    OptionError,
    /shuffle is "no".*true/,
  ),
  failure(
    'a word for dropLast',
    () => new DataLoader(data(), { dropLast: any('no') }),
    OptionError,
    /dropLast is "no"/,
  ),
  failure(
    'no rows for a part',
    () => new Subset(data(), any(undefined)),
    OptionError,
    /Subset got undefined .*\[0, 2\]/,
  ),
  failure('one share', () => randomSplit(data(), any(0.2)), OptionError, /randomSplit got \[0.2\] .* sum to 1/),
  failure('arrays for a dataset', () => new DataLoader(any([[1], [2]])), OptionError, /DataLoader got no dataset/),
  failure('a tensor for a dataset', () => new DataLoader(any(ones([2]))), OptionError, /DataLoader got no dataset/),
  failure(
    'no batch at all',
    () => new DataLoader(data(), { batchSize: 4, dropLast: true }),
    OptionError,
    /no batches: 3 rows, batchSize 4, dropLast true/,
  ),
  failure('batches of an empty part', () => new DataLoader(new Subset(data(), [])), OptionError, /no batches: 0 rows/),
  failure('a negative seed', () => new DataLoader(data(), { seed: -1 }), OptionError, /The seed of DataLoader is -1/),
  failure(
    'a pass beyond the last that can be counted',
    () => Object.assign(loader(), { epoch: 2 ** 31 - 1 }),
    OptionError,
    /epoch is 2147483647/,
  ),
  failure('a pass before the first', () => Object.assign(loader(), { epoch: -1 }), OptionError, /epoch is -1/),
  failure(
    'a row beyond the last',
    () => new Subset(data(), [3]),
    OptionError,
    /position in Subset is 3; it must be a row from 0 to 2/,
  ),
  failure('parts that do not sum up', () => randomSplit(data(), [1, 1]), OptionError, /\[1, 1\] for 3 rows/),
  failure(
    'fractions that do not sum up',
    () => randomSplit(data(), [0.5, 0.4]),
    OptionError,
    /\[0.5, 0.4\] for 3 rows/,
  ),
  failure('a negative part', () => randomSplit(data(), [4, -1]), OptionError, /\[4, -1\] for 3 rows/),
  failure('a part of nothing', () => new Subset(any([1]), [0]), OptionError, /Subset got no dataset/),
  failure('a split of nothing', () => randomSplit(any(undefined), [1]), OptionError, /randomSplit got no dataset/),
  failure(
    'labels for some rows alone',
    () => randomSplit(data(), [2, 1], { stratify: ['a', 'b'] }),
    ShapeError,
    /randomSplit got 2 labels to stratify 3 rows by/,
  ),
  failure(
    'a class of one row',
    () => randomSplit(data(), [2, 1], { stratify: ['a', 'b', 'a'] }),
    OptionError,
    /a class of one row to stratify by, that of row 1/,
  ),
  failure('folds of nothing', () => kFold(any(1), 2), OptionError, /kFold got no dataset/),
  failure('one fold', () => kFold(data(), 1), OptionError, /k of kFold is 1; .* from 2 to 3, the rows\./),
  failure('more folds than rows', () => kFold(data(), 4), OptionError, /k of kFold is 4/),
  failure(
    'more folds than rows of a class',
    () => kFold(data(), 3, { stratify: ['a', 'b', 'a'] }),
    OptionError,
    /k of kFold is 3; .* from 2 to 2, the rows of the largest class/,
  ),
  failure(
    'rows instead of a function that gives them',
    () => new IterableDataset(any([[[1], 2]])),
    OptionError,
    /give a function that makes the rows anew for each pass: new IterableDataset\(\(\) => rows\)/,
  ),
  failure(
    'a buffer of no rows',
    () => new IterableDataset(() => [], { shuffleBuffer: 0 }),
    OptionError,
    /shuffleBuffer is 0/,
  ),
  failure('no rows ahead', () => new IterableDataset(() => [], { prefetch: 0 }), OptionError, /prefetch is 0/),
  failure('no time', () => new IterableDataset(() => [], { timeout: 0 }), OptionError, /timeout is 0; .* milliseconds/),
  failure(
    'a function that gives no iterable',
    () => new DataLoader(new IterableDataset(any(() => 5)))[Symbol.asyncIterator]().next(),
    OptionError,
    /IterableDataset's function gave 5; it must give an iterable/,
  ),
  failure(
    'a function whose promise is broken',
    () =>
      new DataLoader(new IterableDataset(() => Promise.reject(new Error('no file'))))[Symbol.asyncIterator]().next(),
    StateError,
    /The iterable of IterableDataset threw at row 0 of pass 0: no file/,
  ),
  failure(
    'a block of unequal columns',
    () =>
      new DataLoader(new IterableDataset(() => [[[[1], [2]], [1]]], { blocks: true }))[Symbol.asyncIterator]().next(),
    ShapeError,
    /the block at row 0 has tensors of 2 and 1 rows/,
  ),
  failure(
    'a split of a stream',
    () => randomSplit(new IterableDataset(() => []), [1]),
    StateError,
    /no rows to choose from/,
  ),
  failure(
    'a sampler for a stream',
    () => new DataLoader(new IterableDataset(() => []), { sampler: { length: 1, order: () => [0] } }),
    StateError,
    /no rows to choose from/,
  ),
  failure('no weights', () => new WeightedRandomSampler([]), OptionError, /WeightedRandomSampler got no weights/),
  failure('a negative weight', () => new WeightedRandomSampler([1, -1]), OptionError, /weight 1 is -1/),
  failure('a weight that is NaN', () => new WeightedRandomSampler([Number.NaN]), OptionError, /weight 0 is NaN/),
  failure('weights of 0', () => new WeightedRandomSampler([0, 0]), OptionError, /the weights sum to 0/),
  failure(
    'weights whose sum overflows',
    () => new WeightedRandomSampler([1e308, 1e308]),
    OptionError,
    /the weights sum to Infinity/,
  ),
  failure(
    'more rows than can be drawn once each',
    () => new WeightedRandomSampler([1, 0, 1], { replacement: false }),
    OptionError,
    /can't draw 3 rows without replacement: 2 have a weight above 0/,
  ),
  failure('a count of 0', () => new WeightedRandomSampler([1], { count: 0 }), OptionError, /count of .* is 0/),
  failure(
    'weights for other rows',
    () => new DataLoader(data(), { sampler: new WeightedRandomSampler([1, 1]) }),
    OptionError,
    /sampler chooses among 2 rows; the dataset has 3/,
  ),
  failure(
    'a list for a sampler',
    () => new DataLoader(data(), { sampler: any([0, 1]) }),
    OptionError,
    /sampler is an array; give a WeightedRandomSampler/,
  ),
  failure(
    'a sampler and shuffle',
    () => new DataLoader(data(), { sampler: new WeightedRandomSampler([1, 1, 1]), shuffle: true }),
    OptionError,
    /a sampler, which gives the order, and shuffle or seed/,
  ),
  failure(
    'a sampler whose rows are not there',
    () => [...new DataLoader(data(), { sampler: { length: 2, order: () => [0, 3] } })],
    OptionError,
    /sampler gave row 3 at position 1 of pass 0; rows are 0 to 2/,
  ),
  failure(
    'a sampler that gives too few',
    () => [...new DataLoader(data(), { sampler: { length: 2, order: () => [0] } })],
    OptionError,
    /sampler gave 1 rows for pass 0; its length is 2/,
  ),
  failure(
    'to go on beyond the last batch',
    () => [...loader().from(3)],
    OptionError,
    /The first batch is 3; it must be a whole number from 0 to 2/,
  ),
  failure('a scaler that was not fitted', () => new StandardScaler().transform([[1]]), StateError, /was not fitted/),
  failure(
    'other columns to a scaler',
    () => new StandardScaler().fit([[1, 2]]).transform([[1]]),
    ShapeError,
    /1 columns; it was fitted on 2/,
  ),
  failure(
    'a list to a scaler',
    () => new StandardScaler().fit([1, 2]),
    ShapeError,
    /shape \[2\]; it must be \[rows, columns\]/,
  ),
  failure('NaN to a scaler', () => new StandardScaler().fit([[1, Number.NaN]]), OptionError, /row 0, column 1 has NaN/),
  failure(
    'predictions in batches of 0',
    () => predict(model(), [[1, 2]], { batchSize: 0 }),
    OptionError,
    /batchSize is 0/,
  ),
  ...[undefined, 3, [[1]]].map((output) => {
    class Odd extends nn.Module {
      forward(): never {
        return any(output);
      }
    }
    return failure(
      `predictions of a model that gives ${String(output)}`,
      () => predict(new Odd(), [[1, 2]]),
      OptionError,
      /The model's forward gave (undefined|3|an array); it must give a tensor/,
    );
  }),
  ...[new nn.MSELoss(), new nn.CrossEntropyLoss(), new nn.NLLLoss()].map((loss) =>
    failure(
      `arrays for ${loss.constructor.name}`,
      () => loss.forward(ones([1, 2]), any([0])),
      OptionError,
      /Loss got an array, which is no tensor/,
    ),
  ),
  failure(
    'an evaluation of nothing',
    () => evaluate(model(), loader(), any(undefined)),
    OptionError,
    /evaluate needs a loss or metrics/,
  ),
  failure(
    'an evaluation of a dataset',
    () => evaluate(model(), any(data()), { loss: new nn.MSELoss() }),
    OptionError,
    /for its loader; give a DataLoader/,
  ),
  failure(
    'predictions of no model',
    () => predict(any(undefined), [[1]]),
    OptionError,
    /The model is undefined; .* Module/,
  ),
  failure(
    'predictions of a function',
    () =>
      predict(
        any((x: never) => x),
        [[1]],
      ),
    OptionError,
    /Module/,
  ),
  failure(
    'a model for the parts to keep',
    () => saveCheckpoint('x', any(model())),
    OptionError,
    /got Linear\(2 -> 1\) for its parts; .*\{ model/,
  ),
  failure('no parts to keep', () => saveCheckpoint('x', any(undefined)), OptionError, /got undefined for its parts/),
  failure(
    'a model to put back',
    () => loadCheckpoint('x', any(model())),
    OptionError,
    /got Linear\(2 -> 1\) for its parts/,
  ),
  failure(
    'a model for its tensors',
    () => toSafetensors(any(model())),
    OptionError,
    /got Linear\(2 -> 1\); .*stateDict\(\)/,
  ),
  failure('arrays for a layer', () => model().forward(any([[1, 2]])), OptionError, /Linear got an array, which is no/),
  failure('nothing for a layer', () => new nn.Flatten().forward(any(undefined)), OptionError, /Flatten got undefined/),
  failure(
    'predictions for other columns',
    () => predict(model(), [[1]]),
    ShapeError,
    /Linear\(2 -> 1\) got x of shape \[1, 1\]/,
  ),
  failure(
    'a metric that is no function',
    () => evaluate(model(), loader(), { metrics: { accuracy: any(1) } }),
    OptionError,
    /The metric accuracy is 1/,
  ),
];

describe('a forward pass refuses', () => {
  testFailures(forwards);
});

describe('the data room refuses', () => {
  testFailures(sets);
});
