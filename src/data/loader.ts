import { Kernel } from '../../assembly/kernel';
import {
  checkNumber,
  checkOptions,
  isCount,
  isFlag,
  isIndex,
  OptionError,
  quoted,
  type Rules,
  StateError,
} from '../errors';
import { emit, isTracing, newStorage, runAt } from '../tensor/driver';
import { gatheredFrom } from '../tensor/ops/labels';
import { sizeOf } from '../tensor/shape';
import { Tensor } from '../tensor/tensor';
import { checkSeed, currentSeed, Stream } from '../wasm/random';
import type { Operand } from '../wasm/record';
import { checkDataset, columnOf, type Dataset } from './dataset';
import { emitPermutation } from './order';
import type { Pass } from './pass';
import type { Sampler } from './sampler';

/** How a loader makes batches. */
export interface DataLoaderOptions {
  /** Rows in a batch. The dataset's length is batch descent, 1 is stochastic descent. Default: 1. */
  batchSize?: number;
  /** Take the rows in a new random order each pass. Default: false. */
  shuffle?: boolean;
  /** The order is a function of this and the number of the pass. Default: that of `manualSeed`. */
  seed?: number;
  /** Leave out a last batch that is not full. Default: false. */
  dropLast?: boolean;
  /** Chooses the rows of each pass and their order, instead of `shuffle`: a WeightedRandomSampler, or one of your own. */
  sampler?: Sampler;
}

const RULES: Rules<keyof DataLoaderOptions> = {
  batchSize: isCount,
  shuffle: isFlag,
  seed: undefined,
  dropLast: isFlag,
  sampler: undefined,
};

/** What a checkpoint keeps of a loader. */
export interface LoaderState {
  /** The seed of the order. */
  seed: number;
  /** The passes begun. */
  epoch: number;
  /** Rows of the dataset; 0 where their number is not known. */
  rows: number;
  /** Rows in a batch. */
  batchSize: number;
  /** Batches in a pass; 0 where their number is not known. */
  length: number;
  /** Was each pass in an order of its own? */
  shuffle: boolean;
}

/** Where a pass begins: the seed of its order, its number and its first batch; and what ends the waiting for rows. */
interface PassPlace {
  seed?: number;
  pass?: number;
  first?: number;
  signal?: AbortSignal | undefined;
}

/** The number of a pass is 31 bits of the counter that its order is drawn with. */
const MOST_PASSES = 2 ** 31 - 2;

function checkSampler(sampler: Sampler, { length }: Dataset, { shuffle, seed }: DataLoaderOptions): void {
  if (typeof sampler?.order !== 'function' || !isCount.holds(sampler.length))
    throw new OptionError(
      `sampler is ${quoted(sampler)}; give a WeightedRandomSampler, or { length, order: (pass) => row numbers }.`,
    );
  if (shuffle || seed !== undefined)
    throw new OptionError('DataLoader got a sampler, which gives the order, and shuffle or seed; leave those out.');
  if (sampler.rows !== undefined && sampler.rows !== length)
    throw new OptionError(`sampler chooses among ${sampler.rows} rows; the dataset has ${length}.`);
}

/** The rows of a batch: inputs first, the target last. */
export type Batch = [Tensor, Tensor, ...Tensor[]];

/**
 * The batches of a dataset, pass after pass.
 *
 * A `for … of` is one pass, and so is each epoch of `fit`; `epoch` counts the passes begun. The order of a shuffled pass is
 * a function of the seed and the pass alone. An IterableDataset is read by `for await`. As https://pytorch.org/docs/stable/data.html.
 *
 * @param options `batchSize` 1, `shuffle` false, `seed`, `dropLast` false, `sampler`.
 * @throws OptionError for options that are unknown or out of range, or where no batch would be left.
 * @example
 * const loader = new DataLoader(new TensorDataset(rand([10, 2]), rand([10, 1])), { batchSize: 4 });
 * expect(loader.length).toBe(3);
 * for (const [x, y] of loader) expect(x.shape[0]).toBe(y.shape[0]);
 */
export class DataLoader {
  /** Rows in a batch; the last of a pass may have fewer. */
  readonly batchSize: number;
  /** Is each pass in an order of its own? */
  readonly shuffle: boolean;
  /** Is a last batch that is not full left out? */
  readonly dropLast: boolean;
  /** What chooses the rows of a pass, if it was given. */
  readonly sampler: Sampler | undefined;
  /** @internal */
  readonly givenSeed: number | undefined;
  private passes = 0;

  constructor(
    /** Where the rows come from. */
    readonly dataset: Dataset,
    options: DataLoaderOptions = {},
  ) {
    checkOptions('DataLoader', options, RULES);
    if (!dataset?.begin || options.sampler) checkDataset('DataLoader', dataset);
    if (options.sampler !== undefined) checkSampler(options.sampler, dataset, options);
    this.sampler = options.sampler;
    this.batchSize = options.batchSize ?? 1;
    this.shuffle = options.shuffle ?? dataset.shuffles ?? false;
    this.dropLast = options.dropLast ?? false;
    if (options.seed !== undefined) checkSeed('DataLoader', options.seed);
    this.givenSeed = options.seed;
    if (this.rows === 0) {
      throw new OptionError(
        `DataLoader has no batches: ${this.drawn} rows, batchSize ${this.batchSize}, dropLast ${this.dropLast}. Use a smaller batchSize.`,
      );
    }
  }

  /** Rows that a pass chooses. */
  private get drawn(): number {
    return (this.sampler ?? this.dataset).length;
  }

  /** Batches in a pass; Infinity where their number is not known. */
  get length(): number {
    return Math.ceil(this.rows / this.batchSize);
  }

  /** Rows in a pass; Infinity where their number is not known. */
  get rows(): number {
    const { drawn } = this;
    return this.dropLast && drawn < Number.POSITIVE_INFINITY ? drawn - (drawn % this.batchSize) : drawn;
  }

  /** @internal A last batch has a multiple of so many rows. */
  get unit(): number {
    return this.dropLast ? this.batchSize : 1;
  }

  /** The passes begun. Set it to go on from there. */
  get epoch(): number {
    return this.passes;
  }

  set epoch(value: number) {
    checkNumber('epoch', value, {
      needed: `a whole number from 0 to ${MOST_PASSES}`,
      holds: (n) => isIndex.holds(n) && n <= MOST_PASSES,
    });
    this.passes = value;
  }

  get seed(): number {
    return this.givenSeed ?? currentSeed();
  }

  /** The place in the data: what the order of a pass is a function of, the passes begun, and the sizes that it holds for. */
  stateDict(): LoaderState {
    const { seed, epoch, batchSize, shuffle } = this;
    const [rows, length] = this.dataset.begin ? [0, 0] : [this.dataset.length, this.length];
    return { seed, epoch, rows, batchSize, length, shuffle };
  }

  /**
   * Goes on where a loader was.
   *
   * @throws StateError for a loader of other rows, sizes or seed.
   * @example
   * const rows = () => new DataLoader(new TensorDataset([[1], [2]], [1, 2]), { shuffle: true, seed: 7 });
   * const [a, b] = [rows(), rows()];
   * for (const _ of a);
   * b.loadStateDict(a.stateDict());
   * expect(b.epoch).toBe(1);
   */
  loadStateDict(state: LoaderState): void {
    const own = this.stateDict();
    for (const name of ['rows', 'batchSize', 'length', 'shuffle', 'seed'] as const) {
      if (name === 'seed' && !this.shuffle) continue;
      if (state?.[name] === own[name]) continue;
      throw new StateError(
        `The state is of a DataLoader with ${name} ${state?.[name]}; this one has ${own[name]}. Give it the same data and options.`,
      );
    }
    this.epoch = state.epoch;
  }

  /** Rows of batch i. */
  rowsOf(i: number): number {
    return Math.min(this.batchSize, this.rows - i * this.batchSize);
  }

  /** @internal Does `emitOrder` write the order of each pass? */
  get emitsOrder(): boolean {
    return !this.sampler && (this.shuffle || this.dataset.within !== undefined);
  }

  /** @internal Emits what writes the order of a pass, as row numbers. The step's number is the pass. */
  emitOrder(order: Operand, seed = this.seed): void {
    const { length, within } = this.dataset;
    const positions = within && this.shuffle ? { storage: newStorage(length * 4), offset: 0 } : order;
    if (this.shuffle) emitPermutation(positions, length, { seed, stream: Stream.order });
    if (within && this.shuffle) emit(Kernel.gatherRows, within.rows, positions, order, length, 1, within.rows.size);
    else if (within) emit(Kernel.copyWords, within.rows, order, length);
  }

  /** @internal Writes the order of a pass where a sampler gives it. */
  drawOrder(order: Tensor, pass: number): void {
    const { sampler, dataset } = this;
    if (!sampler) return;
    const rows = sampler.order(pass);
    if (rows?.length !== sampler.length)
      throw new OptionError(
        `sampler gave ${rows?.length ?? String(rows)} rows for pass ${pass}; its length is ${sampler.length}.`,
      );
    const within = dataset.within?.rows.toTypedArray();
    const wanted = Int32Array.from(rows, (row, i) => {
      if (isIndex.holds(row) && row < dataset.length) return within ? (within[row] as number) : row;
      throw new OptionError(
        `sampler gave row ${row} at position ${i} of pass ${pass}; rows are 0 to ${dataset.length - 1}.`,
      );
    });
    order.assign(wanted);
  }

  /** @internal The order of all passes where it does not change; else room for one. */
  newOrder(): Tensor {
    const { drawn: length } = this;
    const order = new Tensor({ storage: newStorage(length * 4), shape: [length], dtype: 'int32' });
    if (!this.emitsOrder && !this.sampler) order.assign(Int32Array.from({ length }, (_, i) => i));
    return order;
  }

  /** @internal Emits what gathers `count` rows whose numbers stand at `index`. */
  gather(index: Operand, count: number): Batch {
    const { dataset } = this;
    const tensors = dataset.within?.tensors ?? dataset.tensors;
    const batch = tensors.map((t, i) => {
      const columns = sizeOf(t.shape.slice(1));
      const y = t.spawn([count, ...t.shape.slice(1)], t.dtype);
      emit(Kernel.gatherRows, t.contiguous(), index, y, count, columns, t.shape[0] as number);
      if (isTracing())
        gatheredFrom(y, (check) => (dataset.later ? dataset.later(i, check) : check(columnOf(dataset, i))));
      return y;
    });
    return batch as Batch;
  }

  /** The batches of one pass, each a list of tensors: `for (const [x, t] of loader)`. */
  [Symbol.iterator](): Generator<Batch> {
    return this.batches();
  }

  /** The batches of one pass, of an IterableDataset too: `for await (const [x, t] of loader)`. */
  [Symbol.asyncIterator](): AsyncGenerator<Batch> {
    return this.arriving();
  }

  /**
   * One pass from batch `first` on, which counts as one begun: `loader.epoch = n` and then `loader.from(k)` goes on where a
   * pass was broken off. For `for … of`; of an IterableDataset, whose rows before are read and left out, for `for await`.
   *
   * @throws OptionError for a batch that is not one of a pass.
   */
  from(first: number): Iterable<Batch> & AsyncIterable<Batch> {
    const { length } = this;
    checkNumber('The first batch', first, {
      needed: `a whole number from 0${length < Number.POSITIVE_INFINITY ? ` to ${length}` : ''}`,
      holds: (n) => isIndex.holds(n) && n <= length,
    });
    return {
      [Symbol.iterator]: () => this.batches({ first }),
      [Symbol.asyncIterator]: () => this.arriving({ first }),
    };
  }

  /** @internal Begins a pass of a dataset whose rows come one after another, by default the next. */
  begin({ seed = this.seed, pass = this.epoch++, signal }: PassPlace = {}): Pass | undefined {
    const { dataset, shuffle } = this;
    return dataset.begin?.({ pass, seed: shuffle ? seed : undefined, signal });
  }

  /** @internal The batches of a pass, which are there; by default of the next, from number `first` on. */
  *batches({ seed = this.seed, pass, first = 0 }: PassPlace = {}): Generator<Batch> {
    if (this.dataset.begin)
      throw new StateError('The batches of an IterableDataset are awaited: for await (const [x, y] of loader).');
    const own = pass ?? this.epoch++;
    const order = this.newOrder();
    if (this.emitsOrder) runAt(own, () => this.emitOrder(order, seed));
    this.drawOrder(order, own);
    for (let i = first; i < this.length; i++) {
      yield this.gather({ storage: order.storage, offset: i * this.batchSize * 4 }, this.rowsOf(i));
    }
    order.dispose();
  }

  /** @internal The batches of a pass, which may have to be awaited. */
  async *arriving(options: PassPlace = {}): AsyncGenerator<Batch> {
    if (!this.dataset.begin) {
      yield* this.batches(options);
      return;
    }
    const { batchSize: size, unit } = this;
    yield* (this.begin(options) as Pass).batches({ size, unit, first: options.first ?? 0 });
  }
}
