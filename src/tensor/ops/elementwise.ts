import { Binary, Kernel, Unary } from '../../../assembly/kernel';
import { OptionError } from '../../errors';
import { record } from '../autograd';
import { emit } from '../driver';
import type { DType } from '../literal';
import { broadcastShapes, needTensor, type Shape, sizeOf } from '../shape';
import type { Tensor, Value } from '../tensor';
import { expand } from './move';
import { needFloats, sumTo } from './reduce';

/** What users call the functions of one operand, and the first of those of two; gradients are always of floats. */
const UNARY = [
  'neg',
  'abs',
  'square',
  'sqrt',
  'exp',
  'log',
  'sin',
  'cos',
  'tanh',
  'sigmoid',
  'relu',
  'leakyRelu',
  'elu',
  'silu',
  'gelu',
  'softplus',
  'mul',
  'add',
];
const BINARY = ['add', 'sub', 'mul', 'div', 'pow', 'maximum', 'minimum', 'eq', 'gt', 'lt'];

// ---- one operand

function map(f: Unary, x: Tensor, p = 0): Tensor {
  needFloats(UNARY[f] as string, x);
  const source = x.contiguous();
  const y = x.spawn(x.shape);
  emit(Kernel.mapUnary, f, source, y, x.size, p);
  return y;
}

export const neg = (x: Tensor): Tensor => record(map(Unary.negate, x), [x], [(dy) => neg(dy)]);

export const square = (x: Tensor) => record(map(Unary.square, x), [x], [(dy) => mul(mul(dy, x), 2)]);

export function sqrt(x: Tensor): Tensor {
  const y = map(Unary.squareRoot, x);
  return record(y, [x], [(dy) => mul(div(dy, y), 0.5)]);
}

export function exp(x: Tensor): Tensor {
  const y = map(Unary.exp, x);
  return record(y, [x], [(dy) => mul(dy, y)]);
}

export const log = (x: Tensor) => record(map(Unary.log, x), [x], [(dy) => div(dy, x)]);

export const sin = (x: Tensor) => record(map(Unary.sin, x), [x], [(dy) => mul(dy, cos(x))]);

export const cos = (x: Tensor): Tensor => record(map(Unary.cos, x), [x], [(dy) => neg(mul(dy, sin(x)))]);

export const abs = (x: Tensor) => record(map(Unary.absolute, x), [x], [(dy) => zip(Binary.absoluteGradient, dy, x)]);

/** Functions whose slope is cheapest from what they gave: s(x) = slope(y). */
function ofOutput(f: Unary, slope: Binary, x: Tensor): Tensor {
  const y = map(f, x);
  return record(y, [x], [(dy) => zip(slope, dy, y)]);
}

export const tanh = (x: Tensor) => ofOutput(Unary.tanh, Binary.tanhGradient, x);
export const sigmoid = (x: Tensor) => ofOutput(Unary.sigmoid, Binary.sigmoidGradient, x);
export const relu = (x: Tensor) => ofOutput(Unary.relu, Binary.reluGradient, x);

/** Functions whose slope is taken at what they got. */
function ofInput(f: Unary, slope: Binary, x: Tensor, p = 0): Tensor {
  return record(map(f, x, p), [x], [(dy) => zip(slope, dy, x, p)]);
}

export const leakyRelu = (x: Tensor, negativeSlope: number) =>
  ofInput(Unary.leakyRelu, Binary.leakyReluGradient, x, negativeSlope);
export const elu = (x: Tensor, alpha: number) => ofInput(Unary.elu, Binary.eluGradient, x, alpha);
export const silu = (x: Tensor) => ofInput(Unary.silu, Binary.siluGradient, x);
export const gelu = (x: Tensor) => ofInput(Unary.gelu, Binary.geluGradient, x);
export const softplus = (x: Tensor) => ofInput(Unary.softplus, Binary.softplusGradient, x);

const scale = (x: Tensor, p: number): Tensor => record(map(Unary.scale, x, p), [x], [(dy) => scale(dy, p)]);

const shift = (x: Tensor, p: number): Tensor => record(map(Unary.shift, x, p), [x], [(dy) => dy]);

export function to(x: Tensor, dtype: DType): Tensor {
  if (dtype !== 'float32' && dtype !== 'int32') {
    throw new OptionError(`to() got "${String(dtype)}"; a tensor is 'float32' or 'int32'.`);
  }
  if (dtype === x.dtype) return x;
  const y = x.spawn(x.shape, dtype);
  emit(Kernel.mapUnary, dtype === 'int32' ? Unary.toInt : Unary.toFloat, x.contiguous(), y, x.size, 0);
  return y;
}

// ---- two operands

/** An operand as the kernel sees it: a step from row to row and from column to column. */
interface Layout {
  /** Undefined where any division into rows and columns will do. */
  columns: number | undefined;
  row: (columns: number) => number;
  column: number;
}

/** How an operand of shape `s` lies under a result of shape `d`, or undefined if only a copy would do. */
function layoutOf(s: Shape, d: Shape): Layout | undefined {
  const padded = [...new Array(d.length - s.length).fill(1), ...s];
  if (sizeOf(s) === sizeOf(d)) return { columns: undefined, row: (n) => n, column: 1 };
  if (sizeOf(s) === 1) return { columns: undefined, row: () => 0, column: 0 };
  const differs = d.map((n, i) => padded[i] !== n);
  const last = differs.lastIndexOf(true);
  const first = differs.indexOf(true);
  if (padded.slice(0, last + 1).every((n) => n === 1))
    return { columns: sizeOf(d.slice(last + 1)), row: () => 0, column: 1 };
  if (padded.slice(first).every((n) => n === 1)) return { columns: sizeOf(d.slice(first)), row: () => 1, column: 0 };
  return undefined;
}

/** y = f(a, b, p), broadcast, without a gradient. */
function zip(f: Binary, a: Tensor, b: Tensor, p = 0): Tensor {
  const owner = BINARY[f] as string;
  needFloats(owner, a, b);
  const shape = broadcastShapes(owner, a.shape, b.shape);
  const y = a.spawn(shape);
  const la = layoutOf(a.shape, shape);
  const lb = layoutOf(b.shape, shape);
  const columns = la?.columns ?? lb?.columns ?? y.size;
  const fits = (l: Layout | undefined): l is Layout => l !== undefined && (l.columns ?? columns) === columns;
  if (!fits(la)) return zip(f, expand(a, shape), b, p);
  if (!fits(lb)) return zip(f, a, expand(b, shape), p);
  const rows = columns === 0 ? 0 : y.size / columns;
  emit(
    Kernel.mapBinary,
    f,
    a.contiguous(),
    b.contiguous(),
    y,
    rows,
    columns,
    la.row(columns),
    la.column,
    lb.row(columns),
    lb.column,
    p,
  );
  return y;
}

/** A number as a tensor beside x. */
const asTensor = (x: Tensor, value: Value): Tensor => (typeof value === 'number' ? x.filled([], value) : value);

/** An operation with a gradient for each operand, which is summed back to the operand's shape. */
function binary(
  f: Binary,
  a: Tensor,
  b: Tensor,
  gradients: (y: Tensor) => [(dy: Tensor) => Tensor, (dy: Tensor) => Tensor],
): Tensor {
  const y = zip(f, a, b);
  const [da, db] = gradients(y);
  return record(y, [a, b], [(dy) => sumTo(da(dy), a.shape), (dy) => sumTo(db(dy), b.shape)]);
}

export function add(a: Tensor, b: Value): Tensor {
  if (typeof b === 'number') return shift(a, b);
  return binary(Binary.add, a, b, () => [(dy) => dy, (dy) => dy]);
}

export function sub(a: Tensor, b: Value): Tensor {
  if (typeof b === 'number') return shift(a, -b);
  return binary(Binary.subtract, a, b, () => [(dy) => dy, (dy) => neg(dy)]);
}

export function mul(a: Tensor, b: Value): Tensor {
  if (typeof b === 'number') return scale(a, b);
  return binary(Binary.multiply, a, b, () => [(dy) => mul(dy, b), (dy) => mul(dy, a)]);
}

export function div(a: Tensor, b: Value): Tensor {
  const d = asTensor(a, b);
  return binary(Binary.divide, a, d, (y) => [(dy) => div(dy, d), (dy) => neg(div(mul(dy, y), d))]);
}

export function pow(a: Tensor, b: Value): Tensor {
  const e = asTensor(a, b);
  return binary(Binary.power, a, e, (y) => [
    // x^0 is constant, also at x = 0, where 0 x^-1 would be NaN.
    (dy) => mul(dy, where(eq(e, 0), 0, mul(e, zip(Binary.power, a, sub(e, 1))))),
    // 0^y log 0 is 0 for y >= 0, where log 0 is -Infinity.
    (dy) => mul(dy, where(mul(eq(a, 0), eq(lt(e, 0), 0)), 0, mul(y, log(a)))),
  ]);
}

/** The gradient of a maximum or minimum: all to the operand that won, half to each in a tie. */
function share(dy: Tensor, wins: Tensor, ties: Tensor): Tensor {
  return mul(dy, add(wins, mul(ties, 0.5)));
}

function extreme(f: Binary, a: Tensor, b: Value): Tensor {
  const c = asTensor(a, b);
  const wins = (x: Tensor, y: Tensor) => (f === Binary.maximum ? gt(x, y) : lt(x, y));
  return binary(f, a, c, () => [(dy) => share(dy, wins(a, c), eq(a, c)), (dy) => share(dy, wins(c, a), eq(a, c))]);
}

export const maximum = (a: Tensor, b: Value) => extreme(Binary.maximum, a, b);
export const minimum = (a: Tensor, b: Value) => extreme(Binary.minimum, a, b);

export function clamp(x: Tensor, low: number, high: number): Tensor {
  if (!(low <= high))
    throw new OptionError(`clamp got the bounds ${low} and ${high}; the first may not be above the second.`);
  const y = zip(Binary.minimum, zip(Binary.maximum, x, asTensor(x, low)), asTensor(x, high));
  return record(y, [x], [(dy) => mul(dy, eq(x, y))]);
}

/** Comparisons take integers too: they are exact as floats up to 2^24. */
function compare(f: Binary, a: Tensor, b: Value): Tensor {
  const left = to(a, 'float32');
  const right = asTensor(left, b);
  needTensor(BINARY[f] as string, right);
  return zip(f, left, to(right, 'float32'));
}

export const eq = (a: Tensor, b: Value) => compare(Binary.equal, a, b);
export const gt = (a: Tensor, b: Value) => compare(Binary.greater, a, b);
export const lt = (a: Tensor, b: Value) => compare(Binary.less, a, b);

export function where(condition: Tensor, a: Value, b: Value): Tensor {
  const c = to(condition, 'float32');
  const yes = asTensor(c, a);
  const no = asTensor(c, b);
  needFloats('where', yes, no);
  const shape = broadcastShapes('where', broadcastShapes('where', c.shape, yes.shape), no.shape);
  const y = c.spawn(shape);
  emit(Kernel.select, expand(c, shape), expand(yes, shape), expand(no, shape), y, y.size);
  return record(y, [yes, no], [(dy) => sumTo(where(c, dy, 0), yes.shape), (dy) => sumTo(where(c, 0, dy), no.shape)]);
}
