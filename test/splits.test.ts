import { manualSeed, type Tensor, tensor } from 'downhill';
import { kFold, randomSplit, type Subset, TensorDataset } from 'downhill/data';
import { describe, expect, it } from 'vitest';
import { readGolden } from './golden/read';
import { upTo } from './support/numbers';

const golden =
  readGolden<
    {
      labels: number[];
      kFold: Record<string, number[]>;
      stratified: Record<string, number[]>;
      parts: { test: number; classes: number[] }[];
    }[]
  >('splits');

const numbered = (labels: number[]) => new TensorDataset(upTo(labels.length), tensor(labels, { dtype: 'int32' }));
const rowsIn = (part: Subset) => Array.from((part.tensors[0] as Tensor).toTypedArray());
const classesIn = (part: Subset, classes: number) => {
  const found = new Array<number>(classes).fill(0);
  for (const c of (part.tensors[1] as Tensor).toTypedArray()) found[c] = (found[c] ?? 0) + 1;
  return found;
};

describe('randomSplit', () => {
  const { labels } = golden[0] as (typeof golden)[0];

  it('without a seed gives other parts at each call, and the same again after manualSeed', () => {
    const draw = () => {
      manualSeed(5);
      return [1, 2, 3].map(() => rowsIn(randomSplit(numbered(labels), [labels.length])[0] as Subset));
    };
    const [a, b, c] = draw();
    expect(a).not.toEqual(b);
    expect(b).not.toEqual(c);
    expect(draw()).toEqual([a, b, c]);
  });

  it('with a seed gives the same parts whatever was drawn before', () => {
    const draw = () => rowsIn(randomSplit(numbered(labels), [labels.length], { seed: 9 })[0] as Subset);
    const first = draw();
    randomSplit(numbered(labels), [labels.length]);
    expect(draw()).toEqual(first);
  });

  it.each(golden.flatMap(({ labels, parts }, i) => parts.map((part) => ({ i, labels, ...part }))))(
    "has scikit-learn's classes in a test part of $test rows of set $i",
    ({ labels, test, classes }) => {
      for (const stratify of [true, labels, labels.map(String), tensor(labels)]) {
        const [train, tested] = randomSplit(numbered(labels), [labels.length - test, test], { stratify }) as [
          Subset,
          Subset,
        ];
        expect(classesIn(tested, classes.length)).toEqual(classes);
        expect([...rowsIn(train), ...rowsIn(tested)].sort((a, b) => a - b)).toEqual(upTo(labels.length));
      }
    },
  );

  it('mixes the classes of a stratified part, and gives them to three parts within a row of their share', () => {
    const sorted = upTo(300).map((i) => Math.floor(i / 100));
    const parts = randomSplit(numbered(sorted), [0.5, 0.3, 0.2], { stratify: true, seed: 4 });
    expect(parts.map((part) => classesIn(part, 3))).toEqual([
      [50, 50, 50],
      [30, 30, 30],
      [20, 20, 20],
    ]);
    const order = ((parts[0] as Subset).tensors[1] as Tensor).toTypedArray();
    expect(order.slice(1).filter((c, i) => c !== order[i]).length).toBeGreaterThan(60);
  });
});

describe('kFold', () => {
  const cases = golden.flatMap(({ labels, kFold, stratified }, set) => [
    ...Object.entries(kFold).map(([k, folds]) => ({ set, k: Number(k), labels, folds, stratify: false })),
    ...Object.entries(stratified).map(([k, folds]) => ({ set, k: Number(k), labels, folds, stratify: true })),
  ]);

  it.each(cases)("has scikit-learn's $k folds of set $set, stratify $stratify", ({ k, labels, folds, stratify }) => {
    const found = new Array<number>(labels.length).fill(-1);
    kFold(numbered(labels), k, { stratify }).forEach(([train, test], fold) => {
      for (const row of rowsIn(test)) found[row] = fold;
      expect(rowsIn(train)).toEqual(upTo(labels.length).filter((row) => !rowsIn(test).includes(row)));
    });
    expect(found).toEqual(folds);
  });

  it.each([false, true])('shuffled, with stratify %s, tests each row once and has the same numbers', (stratify) => {
    for (const { labels } of golden) {
      const sizes = (shuffle: boolean) =>
        kFold(numbered(labels), 3, { shuffle, stratify, seed: 2 }).map(([, test]) =>
          stratify ? classesIn(test, 4) : test.length,
        );
      expect(sizes(true)).toEqual(sizes(false));
      const folds = kFold(numbered(labels), 3, { shuffle: true, stratify, seed: 2 });
      const tested = folds.map(([, test]) => rowsIn(test));
      expect(tested.flat().sort((a, b) => a - b)).toEqual(upTo(labels.length));
      expect(tested).not.toEqual(kFold(numbered(labels), 3, { stratify }).map(([, test]) => rowsIn(test)));
    }
  });
});
