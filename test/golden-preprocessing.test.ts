import { tensor } from 'downhill';
import {
  type Categories,
  type Category,
  LabelEncoder,
  MinMaxScaler,
  OneHotEncoder,
  StandardScaler,
} from 'downhill/data';
import { describe, expect, it } from 'vitest';
import { expectClose, readGolden } from './golden/read';

interface Scaled {
  learned: Record<string, number[]>;
  transformed: number[];
  twice: number[];
  inverse: number[];
}

interface Encoded {
  given: Category[];
  classes: Category[];
  encoded: number[];
}

const golden = readGolden<{
  columns: number;
  x: number[];
  parts: number[];
  standard: Scaled;
  minMax: Scaled;
  symmetric: Scaled;
  oneHot: {
    table: Categories;
    categories: Category[][];
    encoded: number[][];
    unknown: Categories;
    ignored: number[][];
    inverse: (Category | null)[][];
  };
  labels: { words: Encoded; numbers: Encoded };
}>('preprocessing');

const rowsOf = (values: number[]) =>
  Array.from({ length: values.length / golden.columns }, (_, i) =>
    values.slice(i * golden.columns, (i + 1) * golden.columns),
  );
const x = rowsOf(golden.x);
const scaledBy = (factor: number) => rowsOf(golden.x.map((v) => v * factor));

/** float32 rounds to 6e-8 of a value; a line through 1.6e9 in steps of 1 costs 1e-9 beside. */
const forth = (b: number) => 1e-6 * Math.abs(b) + 1e-8;
const back = (b: number) => 1e-6 * Math.abs(b) + 1e-25;
const learned = (b: number) => 1e-9 * Math.abs(b) + 1e-25;

describe.each([
  ['StandardScaler', 'standard', () => new StandardScaler()],
  ['MinMaxScaler', 'minMax', () => new MinMaxScaler()],
  ['MinMaxScaler from -1 to 3', 'symmetric', () => new MinMaxScaler({ featureRange: [-1, 3] })],
] as const)("%s has scikit-learn's", (_, name, make) => {
  const wanted = golden[name];
  const inParts = () => {
    const scaler = make();
    [0, ...golden.parts].forEach((from, i) => {
      scaler.partialFit(x.slice(from, golden.parts[i]));
    });
    return scaler;
  };

  it.each([
    ['at once', () => make().fit(x)],
    ['in parts', inParts],
    ['and kept as JSON', () => make().loadStateDict(JSON.parse(JSON.stringify(make().fit(x))))],
  ])('values when fitted %s', (how, fitted) => {
    const scaler = fitted();
    const own = (key: string) => Reflect.get(scaler, key.replace('var', 'variance').replace('_m', 'M'));
    for (const [key, values] of Object.entries(wanted.learned))
      expectClose(`${how}: ${key}`, own(key), values, learned);
    expectClose('transform', scaler.transform(x).toTypedArray(), wanted.transformed, forth);
    expectClose('transform of other rows', scaler.transform(scaledBy(2)).toTypedArray(), wanted.twice, forth);
    expectClose('inverseTransform', scaler.inverseTransform(scaledBy(0.25)).toTypedArray(), wanted.inverse, back);
  });
});

describe("OneHotEncoder has scikit-learn's", () => {
  const { table, categories, encoded, unknown, ignored, inverse } = golden.oneHot;

  it('categories and columns', () => {
    const encoder = new OneHotEncoder();
    expect(encoder.fitTransform(table).toArray()).toEqual(encoded);
    expect(encoder.categories).toEqual(categories);
    expect(encoder.inverseTransform(encoder.transform(table))).toEqual(table);
  });

  it('zeros for what is unknown, if told to ignore it', () => {
    const encoder = new OneHotEncoder({ handleUnknown: 'ignore' }).fit(table);
    const kept = OneHotEncoder.fromJSON(JSON.parse(JSON.stringify(encoder)));
    for (const either of [encoder, kept]) {
      expect(either.transform(unknown).toArray()).toEqual(ignored);
      expect(either.inverseTransform(tensor(ignored))).toEqual(inverse);
    }
  });
});

describe("LabelEncoder has scikit-learn's", () => {
  const { words, numbers } = golden.labels;

  it('places of words', () => {
    const encoder = LabelEncoder.fromJSON(JSON.parse(JSON.stringify(new LabelEncoder().fit(words.given))));
    expect(encoder.classes).toEqual(words.classes);
    const places = encoder.transform(words.given);
    expect([places.dtype, places.toArray()]).toEqual(['int32', words.encoded]);
    expect(encoder.inverseTransform(places)).toEqual(words.given);
  });

  it('places of numbers', () => {
    const encoder = new LabelEncoder().fit([30, -2, 4, 100, 4]);
    expect(encoder.classes).toEqual(numbers.classes);
    expect(encoder.transform(numbers.given).toArray()).toEqual(numbers.encoded);
  });
});
