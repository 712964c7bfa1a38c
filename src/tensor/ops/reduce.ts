import { Kernel } from '../../../assembly/kernel';
import { checkOptions, isFlag, OptionError } from '../../errors';
import { record } from '../autograd';
import { emit } from '../driver';
import { axisOf, needTensor, type Shape, sameShape, show, sizeFromEnd, sizeOf } from '../shape';
import type { AxisOptions, ReduceOptions, Tensor } from '../tensor';
import { expand } from './move';

export function needFloats(owner: string, ...tensors: readonly Tensor[]): void {
  for (const t of tensors) {
    needTensor(owner, t);
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

/** What is reduced, an axis counted from the front or all, and whether it stays with size 1. */
interface Reduction {
  axis: number | undefined;
  keepDims: boolean;
}

function reductionOf(owner: string, x: Tensor, options: ReduceOptions): Reduction {
  checkOptions(owner, options, { axis: undefined, keepDims: isFlag });
  needFloats(owner, x);
  const { axis, keepDims = false } = options;
  return { axis: axis === undefined ? axis : axisOf(owner, axis, x.shape.length), keepDims };
}

/** The shape of x with what is reduced as 1. */
const keptShape = (x: Tensor, axis: number | undefined) =>
  x.shape.map((d, i) => (axis === undefined || i === axis ? 1 : d));

/** Back to the shape of x before it was reduced. */
const stretch = (dy: Tensor, x: Tensor, axis: number | undefined) =>
  expand(dy.contiguous().view(keptShape(x, axis)), x.shape);

/** The result, given the one in which what was reduced is still there as 1. */
function dropped(y: Tensor, { axis, keepDims }: Reduction): Tensor {
  return keepDims ? y : y.as(axis === undefined ? [] : y.shape.filter((_, i) => i !== axis));
}

function total(owner: string, x: Tensor, options: ReduceOptions, mean: boolean): Tensor {
  const how = reductionOf(owner, x, options);
  const { axis } = how;
  const count = axis === undefined ? x.size : (x.shape[axis] as number);
  const divisor = mean ? count : 1;
  const y =
    axis === undefined
      ? sumAll(x, divisor).as(keptShape(x, axis))
      : sumAxes(x, { first: axis, end: axis + 1, divisor });
  return record(dropped(y, how), [x], [(dy) => stretch(mean ? dy.div(count) : dy, x, axis)]);
}

export const sum = (x: Tensor, options: ReduceOptions) => total('sum', x, options, false);
export const mean = (x: Tensor, options: ReduceOptions) => total('mean', x, options, true);

interface RowsKernel {
  owner: string;
  kernel: Kernel.extremeColumns | Kernel.indexExtreme;
  sign: number;
}

/** One number for each row along the axis, or for all; what is reduced stays with size 1. */
function reduceRows(x: Tensor, { owner, kernel, sign }: RowsKernel, axis: number | undefined): Tensor {
  const rows = axis === undefined ? x.contiguous().view([1, x.size]) : x.transpose(axis, -1).contiguous();
  const n = sizeFromEnd(rows.shape, 1) as number;
  if (n === 0) throw new OptionError(`${owner} of no elements is not defined; this tensor has shape ${show(x.shape)}.`);
  const y = x.spawn([...rows.shape.slice(0, -1), 1], kernel === Kernel.indexExtreme ? 'int32' : 'float32');
  emit(kernel, rows, y, rows.size / n, n, sign);
  return axis === undefined ? y.as(keptShape(x, axis)) : y.transpose(axis, -1).contiguous();
}

function extreme(owner: string, x: Tensor, options: ReduceOptions, sign: number): Tensor {
  const how = reductionOf(owner, x, options);
  const { axis } = how;
  const full = reduceRows(x, { owner, kernel: Kernel.extremeColumns, sign }, axis);
  const back = (dy: Tensor) => {
    const ties = x.eq(full);
    return ties.mul(stretch(dy, x, axis)).div(ties.sum(axis === undefined ? {} : { axis, keepDims: true }));
  };
  return record(dropped(full, how), [x], [back]);
}

export const max = (x: Tensor, options: ReduceOptions) => extreme('max', x, options, 1);
export const min = (x: Tensor, options: ReduceOptions) => extreme('min', x, options, -1);

function index(owner: string, x: Tensor, options: ReduceOptions, sign: number): Tensor {
  const how = reductionOf(owner, x, options);
  return dropped(reduceRows(x, { owner, kernel: Kernel.indexExtreme, sign }, how.axis), how);
}

export const argMax = (x: Tensor, options: ReduceOptions) => index('argMax', x, options, 1);
export const argMin = (x: Tensor, options: ReduceOptions) => index('argMin', x, options, -1);

/** softmax or its logarithm along the last axis. */
function normalised(x: Tensor, logarithm: boolean): Tensor {
  const y = x.spawn(x.shape);
  const n = sizeFromEnd(x.shape, 1) ?? 1;
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
  const turned = (t: Tensor) => (k === x.shape.length - 1 ? t : t.transpose(k, -1));
  return turned(normalised(turned(x), logarithm));
}

export const softmax = (x: Tensor, options: AxisOptions) => alongAxis('softmax', x, options, false);
export const logSoftmax = (x: Tensor, options: AxisOptions) => alongAxis('logSoftmax', x, options, true);
