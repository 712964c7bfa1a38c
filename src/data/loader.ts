import { Kernel } from '../../assembly/kernel';
import { checkNumber, checkOptions, isCount, isIndex, OptionError } from '../errors';
import { emit, isTracing, newStorage, runAt } from '../tensor/driver';
import { gatheredFrom } from '../tensor/ops/labels';
import { sizeOf } from '../tensor/shape';
import { Tensor } from '../tensor/tensor';
import { checkSeed, currentSeed, keyOf, Stream } from '../wasm/random';
import type { Operand } from '../wasm/record';
import type { Dataset } from './dataset';

export interface DataLoaderOptions {
  /** Rows in a batch. The dataset's length is batch descent, 1 is stochastic descent. Default: 1. */
  batchSize?: number;
  /** Take the rows in a new random order each pass. Default: false. */
  shuffle?: boolean;
  /** The order is a function of this and the number of the pass. Default: that of `manualSeed`. */
  seed?: number;
  /** Leave out a last batch that is not full. Default: false. */
  dropLast?: boolean;
}

/** The number of a pass is 31 bits of the counter that its order is drawn with. */
const MOST_PASSES = 2 ** 31 - 2;

/** The rows of a batch: inputs first, the target last. */
export type Batch = [Tensor, Tensor, ...Tensor[]];

/**
 * The batches of a dataset, pass after pass.
 *
 * A `for … of` is one pass, and so is each epoch of `fit`; `epoch` counts the passes begun. The order of a shuffled pass is
 * a function of the seed and the pass alone. As https://pytorch.org/docs/stable/data.html.
 *
 * @param options `batchSize` 1, `shuffle` false, `seed`, `dropLast` false.
 * @throws OptionError for options that are unknown or out of range, or where no batch would be left.
 * @example
 * const loader = new DataLoader(new TensorDataset(rand([10, 2]), rand([10, 1])), { batchSize: 4 });
 * expect(loader.length).toBe(3);
 * for (const [x, y] of loader) expect(x.shape[0]).toBe(y.shape[0]);
 */
export class DataLoader {
  readonly batchSize: number;
  readonly shuffle: boolean;
  readonly dropLast: boolean;
  /** @internal */
  readonly givenSeed: number | undefined;
  private passes = 0;

  constructor(
    readonly dataset: Dataset,
    options: DataLoaderOptions = {},
  ) {
    checkOptions('DataLoader', options, ['batchSize', 'shuffle', 'seed', 'dropLast']);
    if (!Number.isInteger(dataset?.length) || !Array.isArray(dataset.within?.tensors ?? dataset.tensors))
      throw new OptionError('DataLoader got no dataset; give it new TensorDataset(X, y).');
    this.batchSize = options.batchSize ?? 1;
    checkNumber('batchSize', this.batchSize, isCount);
    this.shuffle = options.shuffle ?? false;
    this.dropLast = options.dropLast ?? false;
    if (options.seed !== undefined) checkSeed('DataLoader', options.seed);
    this.givenSeed = options.seed;
    if (this.rows === 0) {
      throw new OptionError(
        `DataLoader has no batches: ${dataset.length} rows, batchSize ${this.batchSize}, dropLast ${this.dropLast}. Use a smaller batchSize.`,
      );
    }
  }

  /** Batches in a pass. */
  get length(): number {
    return Math.ceil(this.rows / this.batchSize);
  }

  /** Rows in a pass. */
  get rows(): number {
    const { length } = this.dataset;
    return this.dropLast ? length - (length % this.batchSize) : length;
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

  /** Rows of batch i. */
  rowsOf(i: number): number {
    return Math.min(this.batchSize, this.rows - i * this.batchSize);
  }

  /** @internal Emits what writes the order of a pass, as row numbers. The step's number is the pass. */
  emitOrder(order: Operand, seed = this.seed): void {
    const { length, within } = this.dataset;
    const positions = within && this.shuffle ? { storage: newStorage(length * 4), offset: 0 } : order;
    if (this.shuffle) emit(Kernel.permute, positions, length, ...keyOf(seed), Stream.order);
    if (within && this.shuffle) emit(Kernel.gatherRows, within.rows, positions, order, length, 1, within.rows.size);
    else if (within) emit(Kernel.copyWords, within.rows, order, length);
  }

  /** @internal The order of all passes where it does not change; else room for one. */
  newOrder(): Tensor {
    const { length, within } = this.dataset;
    const order = new Tensor({ storage: newStorage(length * 4), shape: [length], dtype: 'int32' });
    if (!this.shuffle && !within) order.assign(Int32Array.from({ length }, (_, i) => i));
    return order;
  }

  /** @internal Emits what gathers `count` rows whose numbers stand at `index`. */
  gather(index: Operand, count: number): Batch {
    const tensors = this.dataset.within?.tensors ?? this.dataset.tensors;
    const batch = tensors.map((t, i) => {
      const columns = sizeOf(t.shape.slice(1));
      const y = t.spawn([count, ...t.shape.slice(1)], t.dtype);
      emit(Kernel.gatherRows, t.contiguous(), index, y, count, columns, t.shape[0] as number);
      if (isTracing()) gatheredFrom(y, () => this.dataset.tensors[i] as Tensor);
      return y;
    });
    return batch as Batch;
  }

  [Symbol.iterator](): Generator<Batch> {
    return this.batches();
  }

  /** @internal The batches of a pass. */
  *batches(seed = this.seed): Generator<Batch> {
    const pass = this.epoch++;
    const order = this.newOrder();
    runAt(pass, () => this.emitOrder(order, seed));
    for (let i = 0; i < this.length; i++) {
      yield this.gather({ storage: order.storage, offset: i * this.batchSize * 4 }, this.rowsOf(i));
    }
    order.dispose();
  }
}
