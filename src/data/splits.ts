import { checkNumber, checkOptions, isFlag, isIndex, OptionError, ShapeError } from '../errors';
import { newStorage, runAt } from '../tensor/driver';
import { show } from '../tensor/shape';
import { Tensor } from '../tensor/tensor';
import { checkSeed, currentSeed, drawBlocks, Stream } from '../wasm/random';
import { runtime } from '../wasm/runtime';
import { checkDataset, columnOf, type Dataset, Subset } from './dataset';
import type { Category } from './encoder';
import { emitPermutation } from './order';

/** The labels that parts are to have in equal shares: one a row; or true, for the dataset's target. */
export type Stratify = boolean | Tensor | ArrayLike<Category>;

/** 0 … n - 1 at random: a function of the seed where there is one, else drawn from `manualSeed`'s stream as `rand` is. */
function permuted(n: number, seed: number | undefined): Int32Array {
  const draw = seed === undefined ? 1 + (drawBlocks(1).first % 2 ** 30) : 0;
  const order = { storage: newStorage(n * 4), offset: 0 };
  runAt(draw, () => emitPermutation(order, n, { seed: seed ?? currentSeed(), stream: Stream.split }));
  const { heap } = runtime();
  const rows = new Int32Array(heap.read(order.storage, { offset: 0, bytes: n * 4 }));
  heap.free(order.storage);
  return rows;
}

/** Rows by class: the classes are numbered as they first appear. */
interface Strata {
  /** The class of each row. */
  classes: Int32Array;
  /** The rows of each class. */
  counts: number[];
}

function strataOf(owner: string, dataset: Dataset, stratify: Stratify): Strata {
  const labels = stratify === true ? columnOf(dataset) : stratify;
  const values = labels instanceof Tensor ? labels.toTypedArray() : (labels as ArrayLike<Category>);
  if (values?.length !== dataset.length)
    throw new ShapeError(
      `${owner} got ${values?.length ?? String(labels)} labels to stratify ${dataset.length} rows by; there must be one for each.`,
    );
  const places = new Map<Category, number>();
  const counts: number[] = [];
  const classes = Int32Array.from(values as ArrayLike<never>, (label: Category) => {
    const c = places.get(label) ?? places.size;
    places.set(label, c);
    counts[c] = (counts[c] ?? 0) + 1;
    return c;
  });
  return { classes, counts };
}

/** Whole numbers of rows from fractions that sum to 1: each rounded down, the rest given out from the first on. */
function counted(lengths: readonly number[], rows: number): number[] {
  if (Math.abs(lengths.reduce((a, b) => a + b, 0) - 1) > 1e-6 || lengths.every(Number.isInteger)) return [...lengths];
  const counts = lengths.map((f) => Math.floor(f * rows));
  const left = rows - counts.reduce((a, b) => a + b, 0);
  return counts.map((c, i) => c + (i < left ? 1 : 0));
}

/** `total` given out in the proportions of `counts`: each rounded down, the rest to those that lost most by it. */
function shared(total: number, counts: readonly number[]): number[] {
  const all = counts.reduce((a, b) => a + b, 0) || 1;
  const shares = counts.map((count, c) => ({
    c,
    whole: Math.floor((count * total) / all),
    lost: (count * total) % all,
  }));
  let left = total - shares.reduce((sum, { whole }) => sum + whole, 0);
  for (const share of [...shares].sort((a, b) => b.lost - a.lost || a.c - b.c)) if (left-- > 0) share.whole++;
  return shares.map(({ whole }) => whole);
}

/** The part of each row: in `order`, a class's rows take what is listed for it one after the other. */
function dealt(order: Int32Array, parts: readonly ArrayLike<number>[], classes: Int32Array): Int32Array {
  const found = new Int32Array(order.length);
  const used = new Int32Array(parts.length);
  for (const row of order) {
    const c = classes[row] as number;
    found[row] = parts[c]?.[used[c] as number] as number;
    used[c] = (used[c] as number) + 1;
  }
  return found;
}

/** The part of each row, where parts of given sizes have the classes in equal shares; rows are given out in `order`. */
function stratified(order: Int32Array, sizes: readonly number[], { classes, counts }: Strata): Int32Array {
  const left = [...counts];
  const parts = counts.map((): number[] => []);
  sizes.forEach((size, part) => {
    shared(size, left).forEach((n, c) => {
      left[c] = (left[c] as number) - n;
      for (let i = 0; i < n; i++) parts[c]?.push(part);
    });
  });
  return dealt(order, parts, classes);
}

/** How rows are divided among the parts. */
export interface SplitOptions {
  /** The same seed gives the same parts. Default: drawn from the stream of `manualSeed`, so that each call gives others. */
  seed?: number;
  /** Gives each part the classes in the same shares, to a row: labels, one a row, or true for the dataset's target. */
  stratify?: Stratify;
}

/**
 * Parts of a dataset, drawn at random without overlap.
 *
 * @param lengths rows of each part, which sum to the dataset's, or fractions that sum to 1.
 * @param options `seed`, `stratify`; see `SplitOptions`.
 * @throws OptionError for lengths that do not sum up, or a class of one row in `stratify`; ShapeError for other than a label a row.
 * @example
 * const data = new TensorDataset(rand([10, 2]), [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
 * const [train, test] = randomSplit(data, [0.8, 0.2], { seed: 1, stratify: true });
 * expect([train.length, test.length]).toEqual([8, 2]);
 * expect(test.tensors[1].sum().item()).toBe(1);
 */
export function randomSplit(dataset: Dataset, lengths: readonly number[], options: SplitOptions = {}): Subset[] {
  checkOptions('randomSplit', options, ['seed', 'stratify']);
  checkDataset('randomSplit', dataset);
  const { seed, stratify } = options;
  if (seed !== undefined) checkSeed('randomSplit', seed);
  const list = Array.isArray(lengths) ? lengths : [lengths];
  const sizes = counted(list, dataset.length);
  const total = sizes.reduce((a, b) => a + b, 0);
  if (total !== dataset.length || !sizes.every((c) => isIndex.holds(c))) {
    throw new OptionError(
      `randomSplit got ${show(list)} for ${dataset.length} rows; give whole numbers that sum to ${dataset.length}, or fractions that sum to 1.`,
    );
  }
  const strata = stratify ? strataOf('randomSplit', dataset, stratify) : undefined;
  const lonely = strata?.counts.indexOf(1) ?? -1;
  if (lonely >= 0)
    throw new OptionError(
      `randomSplit got a class of one row to stratify by, that of row ${strata?.classes.indexOf(lonely)}; each needs two or more.`,
    );
  const order = permuted(dataset.length, seed);
  if (strata) {
    const parts = stratified(order, sizes, strata);
    return sizes.map(
      (_, p) =>
        new Subset(
          dataset,
          order.filter((row) => parts[row] === p),
        ),
    );
  }
  let first = 0;
  return sizes.map((size) => {
    first += size;
    return new Subset(dataset, order.subarray(first - size, first));
  });
}

/** The fold of each row: of the rows sorted by class, every k-th is in the same. Rows are given out in `order`. */
function foldsOf(order: Int32Array, k: number, { classes, counts }: Strata): Int32Array {
  let first = 0;
  const folds = counts.map((count) => {
    const own = Int32Array.from({ length: count }, (_, i) => (first + i) % k).sort();
    first += count;
    return own;
  });
  return dealt(order, folds, classes);
}

/** How rows are divided among the folds. */
export interface KFoldOptions extends SplitOptions {
  /** Give the rows out at random; `seed` as in `randomSplit`. Default: false. */
  shuffle?: boolean;
}

/**
 * k pairs of parts, [train, test]: each row is in one test part. Rows keep their order.
 *
 * As https://scikit-learn.org/stable/modules/generated/sklearn.model_selection.KFold.html; with `stratify` as its StratifiedKFold.
 *
 * @param options `shuffle` false, `seed`, `stratify`: labels, one a row, or true for the dataset's target.
 * @throws OptionError for a k that is not from 2 to the number of rows (of the largest class, with `stratify`).
 * @example
 * const data = new TensorDataset([[1], [2], [3], [4]], [1, 2, 3, 4]);
 * for (const [train, test] of kFold(data, 2, { shuffle: true })) expect([train.length, test.length]).toEqual([2, 2]);
 */
export function kFold(dataset: Dataset, k: number, options: KFoldOptions = {}): [train: Subset, test: Subset][] {
  checkOptions('kFold', options, { shuffle: isFlag, seed: undefined, stratify: undefined });
  checkDataset('kFold', dataset);
  const { length: rows } = dataset;
  const { shuffle = false, seed, stratify } = options;
  if (seed !== undefined) checkSeed('kFold', seed);
  const all = Int32Array.from({ length: rows }, (_, i) => i);
  const strata = stratify ? strataOf('kFold', dataset, stratify) : { classes: new Int32Array(rows), counts: [rows] };
  const most = Math.max(...strata.counts);
  checkNumber('k of kFold', k, {
    needed: `a whole number from 2 to ${most}, the rows${stratify ? ' of the largest class' : ''}`,
    holds: (n) => Number.isInteger(n) && n >= 2 && n <= most,
  });
  const folds = foldsOf(shuffle ? permuted(rows, seed) : all, k, strata);
  return Array.from({ length: k }, (_, fold) => [
    new Subset(
      dataset,
      all.filter((row) => folds[row] !== fold),
    ),
    new Subset(
      dataset,
      all.filter((row) => folds[row] === fold),
    ),
  ]);
}
