import { Kernel } from '../../../assembly/kernel';
import { checkOptions, OptionError } from '../../errors';
import { record } from '../autograd';
import { emit } from '../driver';
import { axisOf, type Shape, sameShape, sizeOf } from '../shape';
import type { AxisOptions, ReduceOptions, Tensor } from '../tensor';
import { expand } from './move';

export function needFloats(owner: string, ...tensors: readonly Tensor[]): void {
  for (const t of tensors) {
    if (t.dtype === 'float32') continue;
    throw new OptionError(`${owner} got an ${t.dtype} tensor; it computes on float32. Use to('float32').`);
  }
}

/** The sizes before, of and after the axes from `first` up to and without `end`. */
function around(shape: Shape, first: number, end: number): [outer: number, m: number, n: number] {
  return [sizeOf(shape.slice(0, first)), sizeOf(shape.slice(first, end)), sizeOf(shape.slice(end))];
}

/** The sum over neighbouring axes, divided; the axes stay with size 1. No gradient. */
function sumAxes(x: Tensor, { first, end, divisor }: { first: number; end: number; divisor: number }): Tensor {
  const [outer, m, n] = around(x.shape, first, end);
  const y = x.spawn(x.shape.map((d, i) => (i >= first && i < end ? 1 : d)));
  const source = x.contiguous();
  if (n === 1 && first > 0) emit(Kernel.sumColumns, source, y, outer, m, divisor);
  else emit(Kernel.sumRows, source, y, outer, m, n, divisor);
  return y;
}

/** The sum of everything: along each row first, then over the rows, which are the first axis. */
function sumAll(x: Tensor, divisor: number): Tensor {
  const rank = x.shape.length;
  if (rank === 0) return x.div(divisor);
  const rows = sizeOf(x.shape.slice(1)) !== 1 ? sumAxes(x, { first: 1, end: rank, divisor: 1 }) : x;
  return sumAxes(rows, { first: 0, end: 1, divisor }).as([]);
}

/** dy summed back to the shape that was stretched to dy's. */
export function sumTo(dy: Tensor, shape: Shape): Tensor {
  if (sameShape(dy.shape, shape)) return dy;
  if (sizeOf(shape) === 1) return sumAll(dy, 1).as(shape);
  const missing = dy.shape.length - shape.length;
  const stretched = (i: number) => i < missing || (shape[i - missing] === 1 && dy.shape[i] !== 1);
  let y = dy;
  for (let end = dy.shape.length; end > 0; end--) {
    if (!stretched(end - 1)) continue;
    let first = end - 1;
    while (first > 0 && stretched(first - 1)) first--;
    y = sumAxes(y, { first, end, divisor: 1 });
    end = first + 1;
  }
  return y.as(shape);
}

/** Back to the shape of x before one axis (or all) was reduced. */
function stretch(dy: Tensor, x: Tensor, axis: number | undefined): Tensor {
  const kept = axis === undefined ? x.shape.map(() => 1) : x.shape.map((d, i) => (i === axis ? 1 : d));
  return expand(dy.view(kept), x.shape);
}

/** The shape of a result, given the one in which the reduced axis is still there as 1. */
function dropped(y: Tensor, axis: number | undefined, keepDims: boolean): Tensor {
  if (axis === undefined) return keepDims ? y : y.as([]);
  return keepDims ? y : y.as(y.shape.filter((_, i) => i !== axis));
}

const REDUCE_OPTIONS = ['axis', 'keepDims'];

function total(owner: string, x: Tensor, options: ReduceOptions, mean: boolean): Tensor {
  checkOptions(owner, options, REDUCE_OPTIONS);
  const { axis, keepDims = false } = options;
  needFloats(owner, x);
  const k = axis === undefined ? undefined : axisOf(owner, axis, x.shape.length);
  const count = k === undefined ? x.size : (x.shape[k] as number);
  const divisor = mean ? count : 1;
  let y: Tensor;
  if (k === undefined) {
    y = sumAll(x, divisor);
    if (keepDims) y = y.as(x.shape.map(() => 1));
  } else y = dropped(sumAxes(x, { first: k, end: k + 1, divisor }), k, keepDims);
  return record(y, [x], [(dy) => stretch(mean ? dy.div(count) : dy, x, k)]);
}

export const sum = (x: Tensor, options: ReduceOptions) => total('sum', x, options, false);
export const mean = (x: Tensor, options: ReduceOptions) => total('mean', x, options, true);

/** x with one axis last (all axes as one row where none is given), so that each row is reduced. */
function asRows(owner: string, x: Tensor, axis: number | undefined): { rows: Tensor; axis: number | undefined } {
  needFloats(owner, x);
  if (axis === undefined) return { rows: x.contiguous().view([1, x.size]), axis };
  const k = axisOf(owner, axis, x.shape.length);
  return { rows: x.transpose(k, -1).contiguous(), axis: k };
}

interface RowsKernel {
  owner: string;
  kernel: Kernel.extremeColumns | Kernel.indexExtreme;
  sign: number;
}

/** One number for each row along the axis; the reduced axis stays with size 1. */
function reduceRows(x: Tensor, { owner, kernel, sign }: RowsKernel, axis: number | undefined): Tensor {
  const { rows, axis: k } = asRows(owner, x, axis);
  const n = rows.shape.at(-1) as number;
  if (n === 0)
    throw new OptionError(`${owner} of no elements is not defined; this tensor has shape [${x.shape.join(', ')}].`);
  const shape = [...rows.shape.slice(0, -1), 1];
  const y = x.spawn(shape, kernel === Kernel.indexExtreme ? 'int32' : 'float32');
  emit(kernel, rows, y, rows.size / n, n, sign);
  return k === undefined ? y.as(x.shape.map(() => 1)) : y.transpose(k, -1).contiguous();
}

function extreme(owner: string, x: Tensor, options: ReduceOptions, sign: number): Tensor {
  checkOptions(owner, options, REDUCE_OPTIONS);
  const { axis, keepDims = false } = options;
  const full = reduceRows(x, { owner, kernel: Kernel.extremeColumns, sign }, axis);
  const k = axis === undefined ? undefined : axisOf(owner, axis, x.shape.length);
  const back = (dy: Tensor) => {
    const ties = x.eq(full);
    const counts = k === undefined ? ties.sum() : ties.sum({ axis: k, keepDims: true });
    return ties.mul(stretch(dy, x, k)).div(counts);
  };
  return record(dropped(full, k, keepDims), [x], [back]);
}

export const max = (x: Tensor, options: ReduceOptions) => extreme('max', x, options, 1);
export const min = (x: Tensor, options: ReduceOptions) => extreme('min', x, options, -1);

function index(owner: string, x: Tensor, options: ReduceOptions, sign: number): Tensor {
  checkOptions(owner, options, REDUCE_OPTIONS);
  const { axis, keepDims = false } = options;
  const y = reduceRows(x, { owner, kernel: Kernel.indexExtreme, sign }, axis);
  return dropped(y, axis === undefined ? undefined : axisOf(owner, axis, x.shape.length), keepDims);
}

export const argMax = (x: Tensor, options: ReduceOptions) => index('argMax', x, options, 1);
export const argMin = (x: Tensor, options: ReduceOptions) => index('argMin', x, options, -1);

/** softmax or its logarithm along the last axis. */
function normalised(x: Tensor, logarithm: boolean): Tensor {
  const y = x.spawn(x.shape);
  const n = x.shape.at(-1) ?? 1;
  emit(Kernel.softmaxColumns, x.contiguous(), y, n === 0 ? 0 : x.size / n, n, logarithm ? 1 : 0);
  const last = { axis: -1, keepDims: true };
  return record(
    y,
    [x],
    [logarithm ? (dy) => dy.sub(y.exp().mul(dy.sum(last))) : (dy) => y.mul(dy.sub(dy.mul(y).sum(last)))],
  );
}

function alongAxis(owner: string, x: Tensor, options: AxisOptions, logarithm: boolean): Tensor {
  checkOptions(owner, options, ['axis']);
  const { axis = -1 } = options;
  needFloats(owner, x);
  const k = axisOf(owner, axis, x.shape.length);
  if (k === x.shape.length - 1) return normalised(x, logarithm);
  return normalised(x.transpose(k, -1), logarithm).transpose(k, -1);
}

export const softmax = (x: Tensor, options: AxisOptions) => alongAxis('softmax', x, options, false);
export const logSoftmax = (x: Tensor, options: AxisOptions) => alongAxis('logSoftmax', x, options, true);
