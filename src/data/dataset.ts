import { Kernel } from '../../assembly/kernel';
import { checkNumber, isIndex, OptionError, quoted, ShapeError } from '../errors';
import { tensor } from '../tensor/create';
import { emit, newStorage } from '../tensor/driver';
import type { Data } from '../tensor/literal';
import { sizeOf } from '../tensor/shape';
import { Tensor } from '../tensor/tensor';
import { runtime } from '../wasm/runtime';
import type { IterableDataset } from './stream';

/** Rows that a DataLoader can take batches from. */
export interface Dataset {
  /** Rows. */
  readonly length: number;
  /** The columns: inputs first, the target last. */
  readonly tensors: readonly Tensor[];
  /** @internal Where rows really lie, if this is a part of a larger set. */
  readonly within?: { tensors: readonly Tensor[]; rows: Tensor };
  /** @internal Begins a pass, where the rows come one after another and their number is not known. */
  readonly begin?: IterableDataset['begin'];
  /** @internal Is a pass shuffled unless the loader says otherwise? */
  readonly shuffles?: boolean;
  /** @internal Has every label that a column will hold checked, where the rows are not there yet. */
  readonly later?: (column: number, check: (labels: Tensor) => void) => void;
}

/** Throws for what can't be taken rows from by their numbers. */
export function checkDataset(owner: string, dataset: unknown): asserts dataset is Dataset {
  const { length, within, tensors } = (dataset ?? {}) as Partial<Dataset>;
  if (!Number.isInteger(length) || !Array.isArray(within?.tensors ?? tensors))
    throw new OptionError(`${owner} got no dataset; give it new TensorDataset(X, y).`);
}

/** A column of a dataset as it is, by default the last: the target. Below 0 it counts from the end. */
export function columnOf(dataset: Dataset, i = -1): Tensor {
  const { within } = dataset;
  const { tensors } = within ?? dataset;
  const column = tensors[i < 0 ? tensors.length + i : i] as Tensor;
  return within ? column.gather(within.rows) : column;
}

/** Where the first number that is not finite stands, in words. */
function nonFinite(t: Tensor): string | undefined {
  if (t.dtype === 'int32') return undefined;
  const { heap } = runtime();
  const found = { storage: newStorage(4), offset: 0 };
  emit(Kernel.findNonFinite, t.contiguous(), t.size, found);
  const at = heap.i32[heap.address(found.storage) / 4] as number;
  heap.free(found.storage);
  if (at < 0) return undefined;
  const columns = sizeOf(t.shape.slice(1));
  const value = heap.read(t.contiguous().storage, { offset: t.offset + at * 4, bytes: 4 });
  return `${new Float32Array(value)[0]} in row ${Math.floor(at / columns)}, column ${at % columns}`;
}

/**
 * Rows of one or more tensors side by side: row i of each belongs together. All but the last are inputs, the last is the target.
 *
 * @param columns tensors or plain arrays with the same number of rows. Every number is checked once, here.
 * @throws ShapeError for different numbers of rows, or for none; OptionError for NaN and infinities, named by row and column.
 * @example
 * const data = new TensorDataset([[1], [2], [3]], [[2], [4], [6]]);
 * expect(data.length).toBe(3);
 */
export class TensorDataset implements Dataset {
  readonly tensors: readonly Tensor[];
  readonly length: number;

  constructor(...columns: readonly (Tensor | Data)[]) {
    if (columns.length === 0)
      throw new OptionError('TensorDataset got nothing; give it tensors or arrays, such as (X, y).');
    this.tensors = columns.map((c) => (c instanceof Tensor ? c.detach().contiguous() : tensor(c)));
    this.tensors.forEach((t, i) => {
      if (t.shape.length === 0) throw new ShapeError(`TensorDataset: tensor ${i} is one number; it must have rows.`);
    });
    this.length = this.tensors[0]?.shape[0] as number;
    if (this.tensors.some((t) => t.shape[0] !== this.length)) {
      const counts = this.tensors.map((t) => t.shape[0]).join(' and ');
      throw new ShapeError(`TensorDataset got tensors of ${counts} rows; all must have the same number.`);
    }
    if (this.length === 0) throw new ShapeError('TensorDataset got no rows; there must be at least one.');
    this.tensors.forEach((t, i) => {
      const bad = nonFinite(t);
      if (bad)
        throw new OptionError(`TensorDataset: tensor ${i} has ${bad}; drop such rows or fill them in before training.`);
    });
  }
}

/**
 * Some rows of a dataset, in a given order. Nothing is copied but by `tensors`, each time that it is asked for.
 *
 * @param indices positions in the dataset.
 * @throws OptionError for a position that is not one of the dataset's.
 * @example
 * const data = new TensorDataset([[1], [2], [3]], [1, 2, 3]);
 * expect(new Subset(data, [2, 0]).tensors[1].toArray()).toEqual([3, 1]);
 */
export class Subset implements Dataset {
  readonly length: number;
  readonly within: { tensors: readonly Tensor[]; rows: Tensor };

  constructor(dataset: Dataset, indices: readonly number[] | Int32Array) {
    checkDataset('Subset', dataset);
    if (typeof indices?.length !== 'number')
      throw new OptionError(
        `Subset got ${quoted(indices)} for its rows; give a list of their numbers, such as [0, 2].`,
      );
    for (const i of indices) {
      checkNumber('A position in Subset', i, {
        needed: `a row from 0 to ${dataset.length - 1}`,
        holds: (n) => isIndex.holds(n) && n < dataset.length,
      });
    }
    this.length = indices.length;
    const own = tensor(Int32Array.from(indices));
    const outer = dataset.within;
    this.within = outer
      ? { tensors: outer.tensors, rows: outer.rows.gather(own) }
      : { tensors: dataset.tensors, rows: own };
  }

  get tensors(): readonly Tensor[] {
    return this.within.tensors.map((t) => t.gather(this.within.rows));
  }
}
