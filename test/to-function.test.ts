import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  LinearRegression,
  LogisticRegression,
  OptionError,
  ones,
  parameter,
  predict,
  randn,
  ShapeError,
  StateError,
  type Tensor,
  tensor,
} from 'downhill';
import { StandardScaler } from 'downhill/data';
import { type Fitted, toFunction } from 'downhill/io';
import * as nn from 'downhill/nn';
import { describe, expect, it } from 'vitest';
import { expectClose } from './golden/read';
import { CLASSIFIERS, modelCases, REGRESSORS, ROWS_OF_ESTIMATORS as X } from './support/exported';
import { any, failure, testFailures } from './support/failures';

type Rows = readonly unknown[];

interface Exported {
  predict: (rows: Rows) => unknown[];
  predictProba: (rows: Rows) => number[][];
  classes: unknown[];
}

/** What a source exports. */
const imported = (source: string): Promise<Exported> =>
  import(`data:text/javascript;base64,${Buffer.from(source).toString('base64')}`);

const flat = (rows: Rows) => rows.flat(Number.POSITIVE_INFINITY as 1) as number[];

/** What float32 rounds off on the way. */
const rounding = (expected: number) => 2e-6 * (1 + Math.abs(expected));

describe('toFunction gives the source of a function that agrees with predict', () => {
  it.each(modelCases())('for $name', async ({ name, model, x }) => {
    const { predict: own } = await imported(toFunction(model, x));
    const expected = await predict(model, x);
    const given = own(x.toArray() as Rows);
    expect(tensor(given as number[]).shape).toEqual(expected.shape);
    expectClose(name, flat(given), expected.toTypedArray(), rounding);
    expect(model.training).toBe(true);
  });

  it.each(REGRESSORS)('for $name', async ({ name, make, y }) => {
    const model = await make().fit(X, any(y));
    const { predict: own } = await imported(toFunction(model));
    const given = own(X);
    const expected = model.predict(X) as Rows;
    expect(Array.isArray(given[0])).toBe(Array.isArray(expected[0]));
    expectClose(name, flat(given), flat(expected), rounding);
  });

  it.each(CLASSIFIERS)('for $name', async ({ name, make, y }) => {
    const model = await make().fit(X, any(y));
    const own = await imported(toFunction(model));
    expect(own.classes).toEqual(model.classes);
    expect(own.predict(X)).toEqual(model.predict(X));
    expectClose(name, flat(own.predictProba(X)), flat(model.predictProba(X)), rounding);
  });
});

it('the weights in it are those of the model, bit by bit', async () => {
  const weights = [1e-45, -0, 1 / 3, -123456.789, 3.4028235e38, 1.17549435e-38, 16777217, 1e-7].map(Math.fround);
  const model = new nn.Linear(1, 8, { bias: false });
  model.weight.assign(new Float32Array(weights));
  const { predict: own } = await imported(toFunction(model, [[1]]));
  // The sum that begins at 0 makes 0 of -0.
  expect(own([[1]])).toEqual([weights.map((w) => w + 0)]);
});

it('rows may be typed arrays, and a batch of none gives none', async () => {
  const model = new nn.Linear(2, 1);
  model.weight.assign([[2, 3]]);
  model.bias?.assign([1]);
  const { predict: own } = await imported(toFunction(model, [[0, 0]]));
  expect(own([new Float32Array([1, 2]), new Float64Array([0, 0])])).toEqual([[9], [1]]);
  expect(own([])).toEqual([]);
});

it('it runs in a process that has nothing else and makes no code of strings', () => {
  const folder = mkdtempSync(join(tmpdir(), 'downhill-function-'));
  const model = new nn.Sequential(new nn.Linear(2, 2), new nn.GELU(), new nn.Softmax());
  model.parameters().forEach((p, i) => {
    p.assign(ones(p.shape).mul(i));
  });
  writeFileSync(join(folder, 'model.mjs'), toFunction(model, [[1, 2]]));
  const use = `import { predict } from './model.mjs'; console.log(JSON.stringify(predict([[1, 2]])));`;
  writeFileSync(join(folder, 'use.mjs'), use);
  const args = ['--disallow-code-generation-from-strings', 'use.mjs'];
  expect(execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })).toBe('[[0.5,0.5]]\n');
  rmSync(folder, { recursive: true });
});

describe('the function says what is wrong with a row', () => {
  it.each([
    ['of another length', [[1]], 'A row has 1 numbers; it must have 2.'],
    ['with a gap', [[1, Number.NaN]], 'Number 1 of a row is NaN; it must be a whole number.'],
    ['with an index that is none', [[1, 10]], 'The index is 10; it must be a whole number from 0 to 9.'],
    ['with half an index', [[1.5, 1]], 'Number 0 of a row is 1.5; it must be a whole number.'],
  ])('of indices %s', async (_, row, says) => {
    const source = toFunction(new nn.Embedding(10, 1), tensor(new Int32Array([1, 2]), { shape: [1, 2] }));
    const { predict: own } = await imported(source);
    expect(() => own(row)).toThrow(new RangeError(says));
  });

  it('of numbers with an infinity', async () => {
    const { predict: own } = await imported(toFunction(new nn.ReLU(), [[1, 2]]));
    const says = 'Number 1 of a row is Infinity; it must be a finite number.';
    expect(() => own([[1, Number.POSITIVE_INFINITY]])).toThrow(new RangeError(says));
  });
});

/** A module whose forward is this. */
function moduleOf(forward: (x: Tensor, factor: Tensor) => unknown): nn.Module {
  class Own extends nn.Module {
    readonly factor = parameter([1]);
    forward(x: Tensor): Tensor {
      return any(forward(x, this.factor));
    }
  }
  return new Own();
}

const x = randn([3, 2]);
const centred = (rows: Tensor) => rows.sub(rows.mean({ axis: 0 }));

it('what a module compares is float32, as in predict', async () => {
  const model = moduleOf((r) => r.eq(0.1).add(r.lt(0.1)));
  const { predict: own } = await imported(toFunction(model, [[0.1]]));
  expect(own([[0.1]])).toEqual((await predict(model, tensor([[0.1]]))).toArray());
});

it('labels and names stay text, in a page too', async () => {
  const labels = ['</script><script>', '\'"`\\\u2028', '<!--'];
  const source = toFunction(await new LogisticRegression().fit([[0], [1], [2]], labels));
  expect(source).not.toMatch(/<[/!]/);
  expect((await imported(source)).classes).toEqual([...labels].sort());
  const name = (end: string) => `a${end}throw new Error('This is no comment.'); //`;
  for (const end of ['\n', '\r', '\u2028', '\u2029']) {
    const model = moduleOf((r) => r.mul(any(model)[name(end)]));
    Object.assign(model, { [name(end)]: parameter([1, 2]), describe: () => name(end) });
    expect((await imported(toFunction(model, x))).predict([[1, 1]])).toEqual([[1, 2]]);
  }
});

describe('toFunction refuses, and says what to do', () => {
  testFailures([
    failure('what is no model', () => toFunction(any(5), x), OptionError, /toFunction got 5; give it a Module, or an/),
    failure('a module without rows', () => toFunction(any(new nn.ReLU())), OptionError, /: toFunction\(model, X\)\.$/),
    failure(
      'no rows',
      () => toFunction(new nn.ReLU(), x.slice(0, 0)),
      ShapeError,
      /x of shape \[0, 2\]; give at least one/,
    ),
    failure('rows that do not fit', () => toFunction(new nn.Linear(3, 1), x), ShapeError, /last dimension must be 3/),
    failure(
      'a row alone',
      () => toFunction(new nn.Linear(2, 1), [0, 0]),
      ShapeError,
      /\[2\] as rows of shape \[\]: Linear/,
    ),
    failure('an estimator before fit', () => toFunction(new LinearRegression()), StateError, /await fit\(X, y\) first/),
    failure(
      'what prepares data',
      () => toFunction(any(new StandardScaler().fit([[1], [2]])), x),
      OptionError,
      /got \[object Object\]; give it a Module/,
    ),
    failure(
      'numbers drawn in forward',
      () =>
        toFunction(
          moduleOf((r) => r.add(randn(r.shape))),
          x,
        ),
      StateError,
      /or on random numbers/,
    ),
    failure(
      'rows that see each other',
      () => toFunction(moduleOf(centred), x),
      StateError,
      /depends on the other rows/,
    ),
    failure(
      'the first row alone',
      () =>
        toFunction(
          moduleOf((r) => r.slice(0, 1)),
          x,
        ),
      StateError,
      /depends on the other rows/,
    ),
    failure(
      'rows beside the first',
      () =>
        toFunction(
          moduleOf((r) => r.sub(r.slice(0, 1))),
          x,
        ),
      StateError,
      /depends on the other rows/,
    ),
    failure(
      'a BatchNorm1d without statistics',
      () => toFunction(new nn.BatchNorm1d(2, { trackRunningStats: false }), x),
      StateError,
      /depends on the other rows/,
    ),
    failure(
      'one number for all',
      () =>
        toFunction(
          moduleOf((r) => r.sum()),
          x,
        ),
      ShapeError,
      /gives shape \[\] for one row/,
    ),
    failure(
      'no tensor',
      () =>
        toFunction(
          moduleOf(() => 5),
          x,
        ),
      OptionError,
      /forward gave 5; it must give a tensor/,
    ),
    failure(
      'a change of its own',
      () =>
        toFunction(
          moduleOf((r, factor) => factor.assign(factor.mul(2)) && r),
          x,
        ),
      StateError,
      /forward changes a tensor/,
    ),
    failure(
      'a loss inside',
      () =>
        toFunction(
          moduleOf((r) => new nn.MSELoss({ reduction: 'none' }).forward(r, r)),
          x,
        ),
      OptionError,
      /computes elementwiseLoss, which can't be exported/,
    ),
  ]);
});

it('its types take what it takes', () => {
  const estimator: Fitted = new LinearRegression();
  expect(() => toFunction(estimator)).toThrow(StateError);
});
