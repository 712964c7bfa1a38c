import {
  DivergenceError,
  LinearRegression,
  LogisticRegression,
  MLPClassifier,
  MLPRegressor,
  OptionError,
  ShapeError,
  StateError,
  tensor,
} from 'downhill';
import { describe } from 'vitest';
import { any, failure, testFailures } from './support/failures';

const X = [
  [1, 2],
  [3, 4],
  [5, 7],
  [2, 9],
];
const y = [1, 2, 3, 5];
const labels = ['a', 'b', 'b', 'a'];
const linear = () => new LinearRegression();
const logistic = () => new LogisticRegression();
const network = (options: object = {}) => new MLPRegressor({ hiddenLayerSizes: [4], maxIter: 3, seed: 1, ...options });
const fitted = () => linear().fit(X, y);

describe('what estimators are given to learn from', () => {
  testFailures([
    failure(
      'X and y in the wrong order',
      () => linear().fit(y, X),
      ShapeError,
      /X got data of shape \[4\]; it must be \[rows, columns\]/,
    ),
    failure('a flat typed array', () => linear().fit(new Float64Array(4), y), ShapeError, /shape \[4\].*One column/),
    failure('a tensor of three dimensions', () => linear().fit(tensor([X]), y), ShapeError, /shape \[1, 4, 2\]/),
    failure('nothing', () => linear().fit(any(undefined), y), OptionError, /X.*undefined/),
    failure('no rows', () => linear().fit([], []), ShapeError, /no rows/),
    failure('rows of nothing', () => linear().fit([[], []], [1, 2]), ShapeError, /no features/),
    failure('ragged rows', () => linear().fit([[1, 2], [3]], [1, 2]), ShapeError, /row 1 has 1 elements/),
    failure(
      'NaN',
      () =>
        linear().fit(
          [
            [1, 2],
            [3, Number.NaN],
          ],
          [1, 2],
        ),
      OptionError,
      /row 1, column 1 has NaN; drop such rows/,
    ),
    failure(
      'an infinity',
      () => logistic().fit([[1], [Number.POSITIVE_INFINITY]], ['a', 'b']),
      OptionError,
      /row 1, column 0 has Infinity/,
    ),
    failure(
      'a missing value',
      () => linear().fit([[1], [any(null)]], [1, 2]),
      OptionError,
      /element 1, 0 is null; it must be a number/,
    ),
    failure(
      'words for features',
      () => network().fit([[any('x')], [any('z')]], [1, 2]),
      OptionError,
      /element 0, 0 is "x"/,
    ),
    failure(
      'unscaled features beyond float32',
      () =>
        linear()
          .fit([[1e-150], [1e150]], [1, 2])
          .then(() => network({ scale: false }).fit([[1], [1e150]], [1, 2])),
      OptionError,
      /row 1, column 0 is 1e\+150 after scaling/,
    ),
    failure(
      'features so far apart that doubles do not hold their variance',
      () => linear().fit([[1e-300], [1e300]], [1, 2]),
      OptionError,
      /StandardScaler: the variance of column 0 is more than a double holds; divide the column/,
    ),
    failure('fewer targets than rows', () => linear().fit(X, [1, 2]), ShapeError, /X has 4 rows and y has 2/),
    failure('one number as targets', () => linear().fit(X, 5), ShapeError, /X has 4 rows and y has 0/),
    failure(
      'words to predict by a regression',
      () => linear().fit(X, any(labels)),
      OptionError,
      /y: row 0 is "a"; it must be a number/,
    ),
    failure('NaN to predict', () => network().fit(X, [1, 2, Number.NaN, 4]), OptionError, /y: row 2, column 0 has NaN/),
    failure(
      'targets of three dimensions',
      () => linear().fit(X, tensor([[[1]], [[2]], [[3]], [[4]]])),
      ShapeError,
      /y has shape \[4, 1, 1\]/,
    ),
    failure('one class', () => logistic().fit(X, ['a', 'a', 'a', 'a']), OptionError, /one class only, "a"/),
    failure(
      'labels of two types',
      () => logistic().fit(X, ['a', 1, 'b', 2]),
      OptionError,
      /row 1 has 1 and row 0 has "a"/,
    ),
    failure(
      'a missing label',
      () => logistic().fit(X, ['a', any(undefined), 'b', 'b']),
      OptionError,
      /row 1 has undefined/,
    ),
    failure(
      'a word for all labels',
      () => logistic().fit(X, any('abba')),
      ShapeError,
      /y is string; it must be a list/,
    ),
    failure('fewer labels than rows', () => logistic().fit(X, ['a', 'b']), ShapeError, /X has 4 rows and y has 2/),
    failure(
      'too few rows to hold some back',
      () => new MLPRegressor({ earlyStopping: true }).fit([[1]], [2]),
      OptionError,
      /1 rows and would hold 1 back/,
    ),
    failure(
      'more targets a row than before',
      async () => (await fitted()).partialFit(X, X),
      ShapeError,
      /y has 2 numbers a row; it must have 1/,
    ),
    failure(
      'a label that came later',
      async () => (await logistic().fit(X, labels)).partialFit(X, ['a', 'c', 'a', 'b']),
      OptionError,
      /"c", which was not among the labels/,
    ),
    failure('one class to begin with', () => logistic().partialFit([[1]], ['a']), OptionError, /one class only/),
    failure(
      'fewer weights than rows',
      () => linear().fit(X, y, { sampleWeight: [1, 2] }),
      ShapeError,
      /LinearRegression: sampleWeight has shape \[2\]; it must be \[4\], one for each row of X/,
    ),
    failure(
      'a table of weights',
      () => linear().fit(X, y, { sampleWeight: X }),
      ShapeError,
      /sampleWeight has shape \[4, 2\]/,
    ),
    failure(
      'a negative weight',
      () => network().fit(X, y, { sampleWeight: [1, -1, 1, 1] }),
      OptionError,
      /sampleWeight has -1 in row 1; weights must be finite and not below 0/,
    ),
    failure(
      'a weight of NaN',
      () => logistic().partialFit(X, labels, { sampleWeight: [1, 1, 1, Number.NaN] }),
      OptionError,
      /sampleWeight has NaN in row 3/,
    ),
    failure(
      'nothing but weights of 0',
      () => logistic().fit(X, labels, { sampleWeight: [0, 0, 0, 0] }),
      OptionError,
      /sampleWeight gives every row the weight 0/,
    ),
    failure(
      'a misspelt option of fit',
      () => linear().fit(X, y, any({ sampleWeights: y })),
      OptionError,
      /no option "sampleWeights"; did you mean "sampleWeight"/,
    ),
    failure(
      'a class weight for no class',
      () => new LogisticRegression({ classWeight: { c: 2 } }).fit(X, labels),
      OptionError,
      /classWeight of LogisticRegression has "c", which is no label of y; these are a, b/,
    ),
    failure(
      'class weights of 0',
      () => new MLPClassifier({ classWeight: { a: 0, b: 0 } }).fit(X, labels),
      OptionError,
      /classWeight of MLPClassifier gives every row the weight 0/,
    ),
    failure(
      'a balance of rows that are to come',
      () => new LogisticRegression({ classWeight: 'balanced' }).partialFit(X, labels),
      OptionError,
      /'balanced', and in partialFit more rows may come; give weights by label/,
    ),
    ...[
      ['lopsided', /is "lopsided"; it must be 'balanced', or weights by label/] as const,
      [[1, 2], /is an array/] as const,
      [{ a: -1 }, /for "a" is -1; it must be a finite number of at least 0/] as const,
      [{ a: '1' }, /for "a" is "1"/] as const,
    ].map(([classWeight, says]) =>
      failure(
        `a classWeight ${JSON.stringify(classWeight)}`,
        () => new LogisticRegression({ classWeight: any(classWeight) }),
        OptionError,
        says,
      ),
    ),
    failure(
      'a classWeight of a regression',
      () => new MLPRegressor(any({ classWeight: 'balanced' })),
      OptionError,
      /no option "classWeight"/,
    ),
    failure(
      'a rate beyond all bounds',
      () => network({ learningRate: 1e30 }).fit(X, y),
      DivergenceError,
      /Training diverged/,
    ),
  ]);
});

describe('what estimators are asked for', () => {
  testFailures([
    failure(
      'a prediction before a fit',
      () => linear().predict(X),
      StateError,
      /LinearRegression.predict needs a model that was fitted; await fit/,
    ),
    failure(
      'probabilities before a fit',
      () => new MLPClassifier().predictProba(X),
      StateError,
      /MLPClassifier.predictProba/,
    ),
    failure('a score before a fit', () => network().score(X, y), StateError, /score needs a model/),
    failure('coefficients before a fit', () => linear().coef, StateError, /coef needs a model/),
    failure('classes before a fit', () => logistic().classes, StateError, /classes needs a model/),
    failure(
      'a prediction for other features',
      async () => (await fitted()).predict([[1]]),
      ShapeError,
      /X has 1 features a row; the model was fitted on 2/,
    ),
    failure(
      'a prediction for one row that is no list',
      async () => (await fitted()).predict([1, 2]),
      ShapeError,
      /shape \[2\]/,
    ),
    failure(
      'a prediction for NaN',
      async () => (await fitted()).predict([[1, Number.NaN]]),
      OptionError,
      /row 0, column 1 has NaN/,
    ),
    failure(
      'a second training before the first is done',
      () => {
        const model = linear();
        return Promise.all([model.fit(X, y), model.fit(X, y)]);
      },
      StateError,
      /is being trained; await that first/,
    ),
  ]);
});
