import { FormatError, LinearRegression, LogisticRegression, MLPClassifier, MLPRegressor, OptionError } from 'downhill';
import { describe } from 'vitest';
import { any, failure, testFailures } from './support/failures';

const X = [
  [1, 2],
  [3, 4],
];
const y = [1, 2];

describe('the options of estimators', () => {
  testFailures([
    failure(
      "scikit-learn's spelling",
      () => new LinearRegression(any({ fit_intercept: true })),
      OptionError,
      /did you mean "fitIntercept"/,
    ),
    failure(
      'a slip',
      () => new MLPClassifier(any({ hiddenLayers: [3] })),
      OptionError,
      /MLPClassifier has no option "hiddenLayers"/,
    ),
    failure(
      'an option of another estimator',
      () => new LinearRegression(any({ alpha: 1 })),
      OptionError,
      /no option "alpha"/,
    ),
    failure(
      'no pass at all',
      () => new LogisticRegression({ maxIter: 0 }),
      OptionError,
      /maxIter of LogisticRegression is 0/,
    ),
    failure(
      'C of 0',
      () => new LogisticRegression({ C: 0 }),
      OptionError,
      /C of LogisticRegression is 0; it must be a finite number above 0/,
    ),
    failure(
      'a flag that is none',
      () => new LinearRegression({ scale: any('yes') }),
      OptionError,
      /scale of LinearRegression is "yes"; it must be true or false/,
    ),
    failure(
      'an empty layer',
      () => new MLPRegressor({ hiddenLayerSizes: [10, 0] }),
      OptionError,
      /hiddenLayerSizes of MLPRegressor are \[10,0\]/,
    ),
    failure(
      'an unknown activation',
      () => new MLPRegressor({ activation: any('swish') }),
      OptionError,
      /relu, tanh, logistic, identity/,
    ),
    failure(
      'all rows held back',
      () => new MLPRegressor({ validationFraction: 1 }),
      OptionError,
      /validationFraction.*less than 1/,
    ),
    failure('a seed that is none', () => new MLPRegressor({ seed: -1 }), OptionError, /seed of MLPRegressor is -1/),
    failure(
      'an option of fit that belongs to the constructor',
      () => new LinearRegression().fit(X, y, any({ maxIter: 3 })),
      OptionError,
      /LinearRegression.fit has no option "maxIter"/,
    ),
  ]);
});

describe('the JSON of estimators', () => {
  /** Reads what `toJSON` of a fitted network gives, with another value at a path in it. */
  const changed = async (path: readonly string[], value: unknown) => {
    const network = new MLPRegressor({ hiddenLayerSizes: [4], maxIter: 3, seed: 1 });
    const json = JSON.parse(JSON.stringify(await network.fit(X, y)));
    const inner = path.slice(0, -1).reduce((at, name) => at[name], json);
    inner[path.at(-1) as string] = value;
    return MLPRegressor.fromJSON(json);
  };
  const hostile = '{"downhill":"LinearRegression","version":1,"options":{"__proto__":{"scale":1}}}';
  const zeros = { shape: [8, 1], data: new Array(8).fill(0) };
  testFailures([
    failure(
      'text that is no JSON',
      () => LinearRegression.fromJSON('{ "downhill": '),
      FormatError,
      /can't read this: .*JSON/,
    ),
    failure('nothing', () => LinearRegression.fromJSON(undefined), FormatError, /it is no model/),
    failure(
      'another object',
      () => LinearRegression.fromJSON({ coef: [1] }),
      FormatError,
      /it is no model; give what toJSON/,
    ),
    failure(
      'another class',
      () => LogisticRegression.fromJSON(new LinearRegression().toJSON()),
      FormatError,
      /it is a LinearRegression; use LinearRegression.fromJSON/,
    ),
    failure(
      'a newer version',
      () => changed(['version'], 2),
      FormatError,
      /of version 2; this library reads version 1/,
    ),
    failure('an unknown option', () => changed(['options'], { depth: 3 }), FormatError, /no option "depth"/),
    failure('a hostile key', () => LinearRegression.fromJSON(hostile), FormatError, /no option "__proto__"/),
    failure('damaged features', () => changed(['learned', 'inputs', 'mean'], ['x']), FormatError, /no mean/),
    failure(
      'a layer without its bias',
      () => changed(['learned', 'network', '0.bias'], { shape: [0], data: [] }),
      FormatError,
      /network has 13 numbers and its sizes need 17/,
    ),
    failure(
      'layers larger than what is there',
      () => changed(['options', 'hiddenLayerSizes'], [1e9]),
      FormatError,
      /its sizes need 4000000001/,
    ),
    failure(
      'a weight of another shape',
      () => changed(['learned', 'network', '0.weight'], zeros),
      FormatError,
      /0.weight has shape \[8, 1\]/,
    ),
    failure(
      'a weight that is no number',
      () => changed(['learned', 'network', '2.bias', 'data'], [null]),
      FormatError,
      /2.bias.*null/,
    ),
    failure('no network', () => changed(['learned'], {}), FormatError, /can't read this/),
  ]);
});
