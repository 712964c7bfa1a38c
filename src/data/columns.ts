import { OptionError, ShapeError } from '../errors';
import { tensor } from '../tensor/create';
import { type Data, type DType, flatten, isInteger } from '../tensor/literal';
import { type Shape, sameShape, show, sizeOf } from '../tensor/shape';
import { Tensor } from '../tensor/tensor';

/** What the rows of a column have in common. */
interface Column {
  /** Of one row. */
  readonly shape: Shape;
  readonly dtype: DType;
}

interface Part extends Column {
  readonly flat: ArrayLike<number>;
}

/** One or more rows as they came. */
export interface Block {
  readonly parts: readonly Part[];
  readonly rows: number;
}

const OWNER = 'IterableDataset';

/**
 * What an iterable gave as its row `row`, or as the block that begins there.
 *
 * @throws OptionError for what is no list of numbers; ShapeError for ragged ones, or a block of unequal numbers of rows.
 */
export function blockOf(item: unknown, row: number, isBlock: boolean): Block {
  if (!Array.isArray(item) || item.length === 0)
    throw new OptionError(
      `${OWNER}: row ${row} is ${item === null ? 'null' : typeof item}; the iterable must give lists, as [x, y]: inputs first, the target last.`,
    );
  const counts: number[] = [];
  const parts = item.map((data: Tensor | Data, c) => {
    const given = data instanceof Tensor;
    const { flat, shape } = given
      ? { flat: data.toTypedArray(), shape: data.shape }
      : flatten(data, `${OWNER}, ${isBlock ? 'the block at ' : ''}row ${row}, tensor ${c}`);
    counts.push(isBlock ? (shape[0] ?? 0) : 1);
    const dtype: DType = (given ? data.dtype === 'int32' : isInteger(data)) ? 'int32' : 'float32';
    return { flat, shape: isBlock ? shape.slice(1) : shape, dtype };
  });
  const rows = counts[0] as number;
  if (counts.every((n) => n === rows)) return { parts, rows };
  throw new ShapeError(
    `${OWNER}: the block at row ${row} has tensors of ${counts.join(' and ')} rows; all must have the same number.`,
  );
}

/** Rows in ordinary memory: a list of numbers for each column. */
export class Rows {
  private readonly lists: readonly (Float32Array | Int32Array)[];
  private readonly widths: readonly number[];

  constructor(
    readonly columns: readonly Column[],
    readonly capacity: number,
  ) {
    this.widths = columns.map(({ shape }) => sizeOf(shape));
    this.lists = columns.map(({ dtype }, c) => {
      const size = (this.widths[c] as number) * capacity;
      return dtype === 'int32' ? new Int32Array(size) : new Float32Array(size);
    });
  }

  /** Copies row `from` of others to place `to`. */
  copy(others: Rows, { from, to }: { from: number; to: number }): void {
    for (let c = 0; c < this.lists.length; c++) {
      const width = this.widths[c] as number;
      const source = others.lists[c] as Float32Array;
      const target = this.lists[c] as Float32Array;
      for (let k = 0; k < width; k++) target[to * width + k] = source[from * width + k] as number;
    }
  }

  /** The numbers of the first `count` rows of column c. */
  first(count: number, c: number): Float32Array | Int32Array {
    return (this.lists[c] as Float32Array).subarray(0, count * (this.widths[c] as number));
  }

  /** The first `count` rows as tensors. */
  tensors(count: number): Tensor[] {
    return this.columns.map(({ shape, dtype }, c) => tensor(this.first(count, c), { shape: [count, ...shape], dtype }));
  }

  /** Writes a row of plain numbers and flat lists at a place; false for anything else. */
  quick(at: number, item: unknown): boolean {
    if (!Array.isArray(item) || item.length !== this.lists.length) return false;
    for (let c = 0; c < this.lists.length; c++) {
      const rank = (this.columns[c] as Column).shape.length;
      const value = item[c];
      const width = this.widths[c] as number;
      if (rank === 0 ? typeof value !== 'number' : rank > 1 || value?.length !== width) return false;
      for (let k = 0; k < width; k++) {
        const number = rank === 0 ? value : value[k];
        if (typeof number !== 'number' || !this.put(c, at * width + k, number)) return false;
      }
    }
    return true;
  }

  /** Writes a number and says whether the list holds it: finite, and whole in one of integers. */
  private put(c: number, k: number, value: number): boolean {
    const list = this.lists[c] as Float32Array | Int32Array;
    list[k] = value;
    return list instanceof Int32Array ? list[k] === value : Number.isFinite(list[k]);
  }

  /**
   * Writes row `from` of a block, which is row `row` of the iterable, at a place.
   *
   * @throws ShapeError for other columns or shapes than the first row's; OptionError for what is no finite number.
   */
  write(at: number, { parts }: Block, { from, row }: { from: number; row: number }): void {
    if (parts.length !== this.lists.length)
      throw new ShapeError(
        `${OWNER}: row ${row} has ${parts.length} tensors; it must have ${this.lists.length}, as the first row has.`,
      );
    parts.forEach(({ flat, shape }, c) => {
      const needed = (this.columns[c] as Column).shape;
      if (!sameShape(shape, needed))
        throw new ShapeError(
          `${OWNER}: row ${row} has the shape ${show(shape)} in tensor ${c}; it must be ${show(needed)}, as in the first row.`,
        );
      const width = this.widths[c] as number;
      for (let k = 0; k < width; k++) {
        const value = flat[from * width + k] as number;
        if (this.put(c, at * width + k, value)) continue;
        const whole = Number.isFinite(value) && this.columns[c]?.dtype === 'int32';
        throw new OptionError(
          `${OWNER}: tensor ${c} has ${value} in row ${row}, column ${k}; ` +
            (whole ? 'it holds integers, as in the first row.' : 'drop such rows or fill them in before training.'),
        );
      }
    });
  }
}
