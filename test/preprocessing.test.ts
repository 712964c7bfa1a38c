import { OptionError, ShapeError, StateError, tensor, zeros } from 'downhill';
import { LabelEncoder, MinMaxScaler, OneHotEncoder, StandardScaler } from 'downhill/data';
import { describe, expect, it } from 'vitest';
import { any, failure, testFailures } from './support/failures';

describe('a preprocessor', () => {
  const rows = [
    [1, 5],
    [2, 5],
    [4, 5],
  ];

  it.each([
    ['StandardScaler', () => new StandardScaler()],
    ['MinMaxScaler', () => new MinMaxScaler({ featureRange: [2, 3] })],
  ])('%s takes tensors, integer tensors and arrays to the same values', (_, make) => {
    const wanted = make().fitTransform(rows).toArray();
    expect(make().fitTransform(tensor(rows)).toArray()).toEqual(wanted);
    expect(
      make()
        .fitTransform(tensor(rows, { dtype: 'int32' }))
        .toArray(),
    ).toEqual(wanted);
    expect(make().fitTransform(tensor(rows).transpose().transpose()).toArray()).toEqual(wanted);
  });

  it.each([
    ['StandardScaler', new StandardScaler().fit(rows), [[7, 7]]],
    ['MinMaxScaler', new MinMaxScaler({ featureRange: [2, 3] }).fit(rows), [[7, 7]]],
  ])('%s shares nothing with its state', (_, scaler, probe) => {
    const before = scaler.transform(probe).toArray();
    const state = scaler.stateDict();
    for (const list of Object.values(state)) if (Array.isArray(list)) list.fill(9);
    expect(scaler.transform(probe).toArray()).toEqual(before);
  });

  it('is as it was after a fit that fails', () => {
    const scaler = new StandardScaler().fit(rows);
    const before = scaler.stateDict();
    expect(() => scaler.fit([[Number.NaN, 1]])).toThrow(OptionError);
    expect(() => scaler.partialFit([[1, 2, 3]])).toThrow(ShapeError);
    expect(() => scaler.loadStateDict({ ...before, variance: [1, -1] })).toThrow(StateError);
    expect(scaler.stateDict()).toEqual(before);
  });

  it.each([
    ['StandardScaler', new StandardScaler(), [[1e300], [-1e300]], 'variance'],
    ['StandardScaler', new StandardScaler(), [[1e308], [1.5e308], [1.7e308]], 'variance'],
    ['MinMaxScaler', new MinMaxScaler(), [[1e308], [-1e308]], 'range'],
  ])('%s refuses numbers whose spread is beyond doubles, and is as it was', (name, scaler, far, what) => {
    const says = `${name}: the ${what} of column 0 is more than a double holds; divide the column by a constant before.`;
    scaler.fit([[1], [2]]);
    const before = scaler.stateDict();
    expect(() => scaler.fit(far)).toThrow(says);
    expect(() => scaler.partialFit(far)).toThrow(says);
    expect(scaler.stateDict()).toEqual(before);
  });

  it('encodes booleans, numbers of a tensor, and labels of a typed array', () => {
    expect(new OneHotEncoder().fitTransform([[true], [false]]).toArray()).toEqual([
      [0, 1],
      [1, 0],
    ]);
    expect(new OneHotEncoder().fitTransform(tensor([[3], [1]])).toArray()).toEqual([
      [0, 1],
      [1, 0],
    ]);
    expect(new LabelEncoder().fitTransform(Uint8Array.of(7, 3, 7)).toArray()).toEqual([1, 0, 1]);
    expect(new LabelEncoder().fit(['a']).transform([]).shape).toEqual([0]);
  });

  it('takes the largest number of a prediction for its category', () => {
    const encoder = new OneHotEncoder().fit([['a'], ['b'], ['c']]);
    expect(encoder.inverseTransform([[0.2, 0.5, 0.3]])).toEqual([['b']]);
    expect(encoder.inverseTransform([[-3, -2, -1]])).toEqual([['c']]);
  });
});

const hot = () => new OneHotEncoder().fit([['a', 1]]);
const label = () => new LabelEncoder().fit(['a', 'b']);

describe('a preprocessor refuses', () => {
  testFailures([
    failure(
      'NaN in fit, by row and column',
      () => new MinMaxScaler().fit([[1], [Number.NaN]]),
      OptionError,
      /row 1, column 0 has NaN/,
    ),
    failure(
      'an infinity in transform',
      () => new StandardScaler().fit([[1, 2]]).transform([[1, Number.POSITIVE_INFINITY]]),
      OptionError,
      /row 0, column 1 has Infinity; drop such rows/,
    ),
    failure(
      'NaN of a tensor in inverseTransform',
      () => new MinMaxScaler().fit([[1]]).inverseTransform(tensor([[0], [0], [Number.NaN]])),
      OptionError,
      /MinMaxScaler: row 2, column 0 has NaN/,
    ),
    failure(
      'null',
      () => new MinMaxScaler().fit([[1, any(null)]]),
      OptionError,
      /element 0, 1 is null; it must be a number/,
    ),
    failure(
      'NaN among ones and zeros',
      () => hot().inverseTransform([[Number.NaN, 1]]),
      OptionError,
      /OneHotEncoder: row 0, column 0 has NaN/,
    ),
    failure('no rows of ones and zeros', () => hot().inverseTransform(any(undefined)), OptionError, /is undefined/),
    failure(
      'a word for a place',
      () => label().inverseTransform([any('length')]),
      OptionError,
      /row 0 has "length"; it must be a whole number from 0 to 1/,
    ),
    failure('a word to a scaler', () => new MinMaxScaler().fit([[any('1')]]), OptionError, /element 0, 0 is "1"/),
    failure('no rows', () => new MinMaxScaler().fit([]), ShapeError, /MinMaxScaler got no rows/),
    failure('three dimensions', () => new MinMaxScaler().fit(zeros([1, 2, 3])), ShapeError, /shape \[1, 2, 3\]/),
    failure('a range that falls', () => new MinMaxScaler({ featureRange: [1, 0] }), OptionError, /\[1,0\]/),
    failure(
      'an option unknown',
      () => new MinMaxScaler(any({ range: [0, 1] })),
      OptionError,
      /MinMaxScaler has no option/,
    ),
    failure('an unfitted scaler', () => new MinMaxScaler().transform([[1]]), StateError, /call fit\(data\) first/),
    failure(
      'an unfitted state',
      () => JSON.stringify(new StandardScaler()),
      StateError,
      /StandardScaler was not fitted/,
    ),
    failure(
      'the state of another class',
      () => StandardScaler.fromJSON(new MinMaxScaler().fit([[1]]).toJSON()),
      StateError,
      /StandardScaler got a state of MinMaxScaler/,
    ),
    failure(
      'a text for a state',
      () => StandardScaler.fromJSON(any('{"type":"StandardScaler"}')),
      StateError,
      /a state of type string/,
    ),
    failure(
      'a state that lacks a part',
      () => MinMaxScaler.fromJSON({ type: 'MinMaxScaler', dataMin: [1], featureRange: [0, 1] }),
      StateError,
      /has no dataMax/,
    ),
    failure(
      'states of unequal lengths',
      () => StandardScaler.fromJSON({ type: 'StandardScaler', mean: [1, 2], variance: [1], rows: 1 }),
      StateError,
      /has no variance/,
    ),
    failure(
      'categories out of order',
      () => LabelEncoder.fromJSON({ type: 'LabelEncoder', classes: ['b', 'a'] }),
      StateError,
      /has no sorted classes/,
    ),
    failure(
      'an unknown category, by row and column',
      () =>
        hot().transform([
          ['a', 1],
          ['b', 1],
        ]),
      OptionError,
      /row 1, column 0 has "b", which was not there at fit: "a"\. \{ handleUnknown: 'ignore' \}/,
    ),
    failure('another number of columns', () => hot().transform([['a']]), ShapeError, /got 1 columns; .* must be 2/),
    failure('columns of another width', () => hot().inverseTransform([[1]]), ShapeError, /got 1 columns; .* must be 2/),
    failure(
      'a missing category',
      () => new OneHotEncoder().fit([[any(undefined)]]),
      OptionError,
      /row 0, column 0 has undefined/,
    ),
    failure(
      'categories of two types',
      () => new OneHotEncoder().fit([[1], ['1']]),
      OptionError,
      /row 1, column 0 has "1" and row 0 has 1; all must be of one type/,
    ),
    failure('a list of categories', () => new OneHotEncoder().fit(any(['a', 'b'])), ShapeError, /row 0 is "a"/),
    failure(
      'ragged categories',
      () => new OneHotEncoder().fit([['a'], ['a', 'b']]),
      ShapeError,
      /row 1 is \["a","b"\]/,
    ),
    failure('no categories', () => new OneHotEncoder().fit([]), ShapeError, /there are none/),
    failure(
      'another way with unknowns',
      () => new OneHotEncoder({ handleUnknown: any('skip') }),
      OptionError,
      /"skip"; it must be 'error' or 'ignore'/,
    ),
    failure('an unknown label', () => label().transform(['a', 'c']), OptionError, /row 1 has "c".*: "a", "b"/),
    failure('a place that is none', () => label().inverseTransform([0, 2]), OptionError, /row 1 has 2; .* from 0 to 1/),
    failure('labels in columns', () => label().transform(zeros([2, 1])), ShapeError, /shape \[2, 1\]; it takes a list/),
    failure('a text for labels', () => new LabelEncoder().fit('abc'), ShapeError, /got "abc"; it takes a list/),
    failure('no labels', () => new LabelEncoder().fit([]), ShapeError, /got no rows/),
    failure('a label that is NaN', () => new LabelEncoder().fit([1, Number.NaN]), OptionError, /row 1 has NaN/),
  ]);
});
