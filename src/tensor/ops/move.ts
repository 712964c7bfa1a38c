import { Kernel } from '../../../assembly/kernel';
import { checkOptions, OptionError, ShapeError } from '../../errors';
import { record } from '../autograd';
import { emit } from '../driver';
import { type TypedArray, workedOut } from '../literal';
import { axisOf, checkShape, needTensor, type Shape, sameShape, show, sizeOf } from '../shape';
import type { AxisOptions, Tensor } from '../tensor';
import { checkLabels } from './labels';

/** Axes that one copy record takes. */
const COPY_AXES = 4;

const bits = new Float32Array(1);
const bitsAsInteger = new Int32Array(bits.buffer);

/** A new tensor of one value. */
export function filled(like: Tensor, { shape, value }: { shape: Shape; value: number }): Tensor {
  const y = like.spawn(shape);
  bits[0] = value;
  emit(Kernel.fillWords, y, sizeOf(shape), bitsAsInteger[0]);
  return y;
}

/** One axis of a copy: how many, and how far apart in the source and in the target. */
type CopyAxis = readonly [size: number, from: number, to: number];

/** Drops axes of size 1 and joins neighbours that run on into each other. */
function joined(axes: readonly CopyAxis[]): CopyAxis[] {
  const out: CopyAxis[] = [];
  for (const [size, from, to] of axes) {
    if (size === 1) continue;
    const outer = out[out.length - 1];
    if (outer && outer[1] === from * size && outer[2] === to * size) out[out.length - 1] = [outer[0] * size, from, to];
    else out.push([size, from, to]);
  }
  return out;
}

/** A tensor with other bytes of its storage in front: where a copy begins. */
const at = ({ storage, offset, dtype }: Tensor, elements: number) => ({
  storage,
  offset: offset + elements * 4,
  dtype,
});

/** Copies along axes; more than a record takes are peeled off one by one. */
function copy(x: Tensor, y: Tensor, axes: readonly CopyAxis[], { from = 0, to = 0 } = {}): void {
  const list = joined(axes);
  if (list.some(([size]) => size === 0)) return;
  if (list.length > COPY_AXES) {
    const [[size, stepFrom, stepTo], ...inner] = list as [CopyAxis, ...CopyAxis[]];
    for (let i = 0; i < size; i++) copy(x, y, inner, { from: from + i * stepFrom, to: to + i * stepTo });
    return;
  }
  const four = [...new Array<CopyAxis>(COPY_AXES - list.length).fill([1, 0, 0]), ...list];
  if (list.length === 0) four[COPY_AXES - 1] = [1, 1, 1];
  const column = (i: 0 | 1 | 2) => four.map((axis) => axis[i]);
  emit(Kernel.copyStrided, at(x, from), at(y, to), ...column(0), ...column(1), ...column(2));
}

/** The axis of an operation on one of so many axes, by default the first, counted from the front. */
function axisFrom(owner: string, options: AxisOptions, rank: number): number {
  checkOptions(owner, options, ['axis']);
  return axisOf(owner, options.axis ?? 0, rank);
}

/** Copies the elements of x to those of y from some element of each on, as far as both have them. */
export function copyInto(x: Tensor, y: Tensor, starts: { from?: number; to?: number } = {}): void {
  const axis = (n: number, i: number): CopyAxis => [
    Math.min(n, y.shape[i] as number),
    x.strides[i] as number,
    y.strides[i] as number,
  ];
  copy(x, y, x.shape.map(axis), starts);
}

export function contiguous(x: Tensor): Tensor {
  if (x.isContiguous) return x;
  const y = x.spawn(x.shape, x.dtype);
  copyInto(x, y);
  return record(y, [x], [(dy) => dy]);
}

/** x stretched to a shape that it broadcasts to, as a copy; no gradient. */
export function expand(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return contiguous(x);
  const y = x.spawn(shape, x.dtype);
  const missing = shape.length - x.shape.length;
  const stretch = (i: number) => (i < missing || x.shape[i - missing] === 1 ? 0 : (x.strides[i - missing] as number));
  copy(
    x,
    y,
    shape.map((n, i) => [n, stretch(i), y.strides[i] as number]),
  );
  return y;
}

export function reshape(x: Tensor, shape: Shape): Tensor {
  if (!Array.isArray(shape)) checkShape('reshape', shape);
  const full = workedOut(shape, x.size);
  return record(contiguous(x).view(full), [x], [(dy) => reshape(dy, x.shape)]);
}

export function transpose(x: Tensor, i: number, j: number): Tensor {
  const p = axisOf('transpose', i, x.shape.length);
  const q = axisOf('transpose', j, x.shape.length);
  const swapped = <T>(list: readonly T[]) => list.map((v, k) => (k === p ? list[q] : k === q ? list[p] : v) as T);
  return record(x.view(swapped(x.shape), swapped(x.strides)), [x], [(dy) => transpose(dy, p, q)]);
}

/** A position along an axis of n elements, counted from the front and kept in range. */
function position(value: number | undefined, n: number, missing: number): number {
  const p = value ?? missing;
  if (!Number.isInteger(p)) throw new OptionError(`slice got the position ${p}; it must be a whole number.`);
  return Math.min(Math.max(p < 0 ? p + n : p, 0), n);
}

interface Range {
  start: number;
  end?: number | undefined;
  options: AxisOptions;
}

/** A shape with another size of one axis. */
const resized = (shape: Shape, axis: number, size: number) => shape.map((d, i) => (i === axis ? size : d));

export function slice(x: Tensor, { start, end, options }: Range): Tensor {
  const k = axisFrom('slice', options, x.shape.length);
  const n = x.shape[k] as number;
  const first = position(start, n, 0);
  const y = x.spawn(resized(x.shape, k, Math.max(position(end, n, n) - first, 0)), x.dtype);
  copyInto(x, y, { from: first * (x.strides[k] as number) });
  const back = (dy: Tensor) => {
    const dx = filled(dy, { shape: x.shape, value: 0 });
    copyInto(dy, dx, { to: first * (dx.strides[k] as number) });
    return dx;
  };
  return record(y, [x], [back]);
}

export function concat(parts: readonly Tensor[], options: AxisOptions): Tensor {
  const [head] = parts as [Tensor];
  const k = axisFrom('concat', options, head.shape.length);
  const starts: number[] = [];
  let total = 0;
  for (const p of parts) {
    needTensor('concat', p);
    const size = p.shape[k] as number;
    if (!sameShape(p.shape, resized(head.shape, k, size)) || p.dtype !== head.dtype) {
      throw new ShapeError(
        `concat along axis ${k} got ${show(head.shape)} ${head.dtype} and ${show(p.shape)} ${p.dtype}; all other sizes and the types must agree.`,
      );
    }
    starts.push(total);
    total += size;
  }
  const y = head.spawn(resized(head.shape, k, total), head.dtype);
  parts.forEach((p, i) => {
    copyInto(p, y, { to: (starts[i] as number) * (y.strides[k] as number) });
  });
  const back = (p: Tensor, i: number) => (dy: Tensor) => {
    const start = starts[i] as number;
    return slice(dy, { start, end: start + (p.shape[k] as number), options: { axis: k } });
  };
  return record(y, parts, parts.map(back));
}

export function stack(parts: readonly Tensor[], options: AxisOptions): Tensor {
  const k = axisFrom('stack', options, (parts[0] as Tensor).shape.length + 1);
  for (const p of parts) needTensor('stack', p);
  return concat(
    parts.map((p) => reshape(p, [...p.shape.slice(0, k), 1, ...p.shape.slice(k)])),
    { axis: k },
  );
}

function indexTensor(x: Tensor, indices: Tensor | readonly number[] | TypedArray): Tensor {
  const isList = Array.isArray(indices) || ArrayBuffer.isView(indices);
  const given = isList ? x.constant(indices as TypedArray) : (indices as Tensor);
  needTensor('gather', given);
  if (given.shape.length !== 1)
    throw new ShapeError(`gather got indices of shape ${show(given.shape)}; they must be one list.`);
  return given;
}

export function gather(x: Tensor, indices: Tensor | readonly number[] | TypedArray, options: AxisOptions): Tensor {
  const k = axisFrom('gather', options, x.shape.length);
  if (k !== 0) return transpose(gather(transpose(x, 0, k), indices, {}), 0, k).contiguous();
  const index = checkLabels('gather', indexTensor(x, indices), { count: x.shape[0] as number });
  const source = contiguous(x);
  const columns = sizeOf(x.shape.slice(1));
  const y = x.spawn([index.size, ...x.shape.slice(1)], x.dtype);
  emit(Kernel.gatherRows, source, index, y, index.size, columns, x.shape[0] as number);
  return record(y, [x], [(dy) => scatter(dy, index, x.shape)]);
}

/** Zeros of a shape, to whose rows `index` the rows of dy are added. */
function scatter(dy: Tensor, index: Tensor, shape: Shape): Tensor {
  const dx = filled(dy, { shape, value: 0 });
  emit(Kernel.scatterRows, contiguous(dy), index, dx, index.size, sizeOf(shape.slice(1)), shape[0] as number);
  return dx;
}
