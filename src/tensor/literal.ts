import { OptionError, quoted, ShapeError } from '../errors';
import type { Storage } from '../wasm/heap';
import { runtime } from '../wasm/runtime';
import { type Shape, show } from './shape';

/** What the elements of a tensor are: 32-bit floats, or 32-bit integers for labels and indices. */
export type DType = 'float32' | 'int32';

export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint8ClampedArray
  | Uint16Array
  | Uint32Array;

/** What a tensor is made from: a number, nested arrays, or a typed array. */
export type Data = number | TypedArray | readonly Data[];

interface Flat {
  flat: ArrayLike<number>;
  shape: Shape;
}

/** The name of a typed array's class, which is the same in every realm: those of frames and of test runners too. */
const kindOf = (data: unknown) => (ArrayBuffer.isView(data) ? (data as Float32Array)[Symbol.toStringTag] : '');

const isTyped = (data: unknown): data is TypedArray => /^(Float|Int|Uint)/.test(kindOf(data));

/** Is this a typed array of integers? */
export function isInteger(data: unknown): boolean {
  return /^(Int|Uint)/.test(kindOf(data));
}

function lengthOf(data: unknown): number | undefined {
  return Array.isArray(data) || isTyped(data) ? (data as ArrayLike<unknown>).length : undefined;
}

function place(path: readonly number[]): string {
  return path.length === 0 ? 'the data' : `${path.length === 1 ? 'row' : 'element'} ${path.join(', ')}`;
}

/** Where an element stands in data of a shape, and whose they are. */
interface Where {
  shape: Shape;
  path: number[];
  owner: string;
}

function append(out: number[], data: unknown, where: Where): void {
  const { shape, path, owner } = where;
  const needed = shape[path.length];
  const length = lengthOf(data);
  if (length !== needed) {
    const got = length === undefined ? `a ${data === null ? 'null' : typeof data}` : `${length} elements`;
    const want = needed === undefined ? 'a number' : `${needed} elements, as the first has`;
    throw new ShapeError(
      `${owner}: ${place(path)} has ${got}; it must be ${want}. Rows must all have the same length.`,
    );
  }
  if (length === undefined) {
    if (typeof data !== 'number') {
      throw new OptionError(`${owner}: ${place(path)} is ${quoted(data)}; it must be a number.`);
    }
    out.push(data);
    return;
  }
  const isRow = path.length === shape.length - 1;
  for (let i = 0; i < length; i++) {
    const inner = (data as ArrayLike<unknown>)[i];
    if (isRow && typeof inner === 'number') out.push(inner);
    else {
      path.push(i);
      append(out, inner, where);
      path.pop();
    }
  }
}

/** The numbers of nested arrays in order, and their shape. */
export function flatten(data: Data, owner: string): Flat {
  if (isTyped(data)) return { flat: data, shape: [data.length] };
  const shape: number[] = [];
  let inner: unknown = data;
  for (let n = lengthOf(inner); n !== undefined; n = lengthOf(inner)) {
    shape.push(n);
    inner = (inner as ArrayLike<unknown>)[0];
  }
  const out: number[] = [];
  append(out, data, { shape, path: [], owner });
  return { flat: out, shape };
}

function needWhole(values: ArrayLike<number>): void {
  for (let i = 0; i < values.length; i++) {
    const v = values[i] as number;
    if ((v | 0) !== v)
      throw new OptionError(`Element ${i} is ${v}; an int32 tensor holds whole numbers from -2³¹ to 2³¹ - 1.`);
  }
}

/** Writes numbers into a storage. */
export function fillFrom(storage: Storage, values: ArrayLike<number>, dtype: DType): void {
  if (dtype === 'int32' && !(values instanceof Int32Array)) needWhole(values);
  const { heap } = runtime();
  heap.clock++;
  const at = heap.address(storage) / 4;
  heap.wrote(storage);
  (dtype === 'int32' ? heap.i32 : heap.f32).set(values, at);
}

/** The size that -1 stands for in a shape of `size` elements. */
export function workedOut(shape: Shape, size: number): Shape {
  if (!Array.isArray(shape))
    throw new ShapeError(`The shape ${String(shape)} is no list; it must be one array of sizes, such as [2, 3].`);
  const open = shape.indexOf(-1);
  const known = shape.reduce((n, d) => (d === -1 ? n : n * d), 1);
  const full = open < 0 ? [...shape] : shape.map((d, i) => (i === open ? size / known : d));
  const fits = full.every((d) => Number.isInteger(d) && d >= 0) && full.reduce((n, d) => n * d, 1) === size;
  if (fits) return full;
  throw new ShapeError(
    `A tensor of ${size} elements can't have the shape ${show(shape)}; the sizes must multiply to ${size}.`,
  );
}
