import { Binary, Unary } from './kernel';
import { relu, storePart } from './lanes';
import * as math from './math';

const SQRT_HALF: f32 = 0.7071067811865476;
/** 1 / sqrt(2 pi) */
const NORMAL_PEAK: f32 = 0.3989422804014327;

function splat(x: f32): v128 {
  return f32x4.splat(x);
}

function positive(x: v128): v128 {
  return f32x4.gt(x, splat(0));
}

/** The cumulative normal distribution: (1 + erf(x / sqrt 2)) / 2. */
function normalBelow(x: v128): v128 {
  return f32x4.mul(splat(0.5), f32x4.add(splat(1), math.erf(f32x4.mul(x, splat(SQRT_HALF)))));
}

// A class is one function of y = f(x, p) or y = f(a, b, p). The loops are generic over the class and inlined for each.

class Negate { f(x: v128, p: v128): v128 { return f32x4.neg(x); } }
class Absolute { f(x: v128, p: v128): v128 { return f32x4.abs(x); } }
class Square { f(x: v128, p: v128): v128 { return f32x4.mul(x, x); } }
class SquareRoot { f(x: v128, p: v128): v128 { return f32x4.sqrt(x); } }
class Exp { f(x: v128, p: v128): v128 { return math.exp(x); } }
class Log { f(x: v128, p: v128): v128 { return math.log(x); } }
class Sin { f(x: v128, p: v128): v128 { return math.sin(x); } }
class Cos { f(x: v128, p: v128): v128 { return math.cos(x); } }
class Tanh { f(x: v128, p: v128): v128 { return math.tanh(x); } }
class Sigmoid { f(x: v128, p: v128): v128 { return math.sigmoid(x); } }
class Relu { f(x: v128, p: v128): v128 { return relu(x); } }
class LeakyRelu { f(x: v128, p: v128): v128 { return v128.bitselect(f32x4.mul(x, p), x, f32x4.lt(x, splat(0))); } }
class Elu { f(x: v128, p: v128): v128 { return v128.bitselect(x, f32x4.mul(p, math.expm1(x)), positive(x)); } }
class Silu { f(x: v128, p: v128): v128 { return f32x4.mul(x, math.sigmoid(x)); } }
class Gelu { f(x: v128, p: v128): v128 { return f32x4.mul(x, normalBelow(x)); } }
class Softplus { f(x: v128, p: v128): v128 { return math.softplus(x); } }
class Scale { f(x: v128, p: v128): v128 { return f32x4.mul(x, p); } }
class Shift { f(x: v128, p: v128): v128 { return f32x4.add(x, p); } }
class ToFloat { f(x: v128, p: v128): v128 { return f32x4.convert_i32x4_s(x); } }
class ToInt { f(x: v128, p: v128): v128 { return i32x4.trunc_sat_f32x4_s(x); } }

class Add { f(a: v128, b: v128, p: v128): v128 { return f32x4.add(a, b); } }
class Subtract { f(a: v128, b: v128, p: v128): v128 { return f32x4.sub(a, b); } }
class Multiply { f(a: v128, b: v128, p: v128): v128 { return f32x4.mul(a, b); } }
class Divide { f(a: v128, b: v128, p: v128): v128 { return f32x4.div(a, b); } }
class Power { f(a: v128, b: v128, p: v128): v128 { return math.power(a, b); } }
class Maximum { f(a: v128, b: v128, p: v128): v128 { return f32x4.max(a, b); } }
class Minimum { f(a: v128, b: v128, p: v128): v128 { return f32x4.min(a, b); } }
class Equal { f(a: v128, b: v128, p: v128): v128 { return v128.and(f32x4.eq(a, b), splat(1)); } }
class Greater { f(a: v128, b: v128, p: v128): v128 { return v128.and(f32x4.gt(a, b), splat(1)); } }
class Less { f(a: v128, b: v128, p: v128): v128 { return v128.and(f32x4.lt(a, b), splat(1)); } }
class AbsoluteGradient {
  f(dy: v128, x: v128, p: v128): v128 {
    const signed = v128.xor(dy, v128.and(x, splat(-0.0)));
    return v128.andnot(signed, f32x4.eq(x, splat(0)));
  }
}
class TanhGradient {
  f(dy: v128, y: v128, p: v128): v128 { return f32x4.mul(dy, f32x4.sub(splat(1), f32x4.mul(y, y))); }
}
class SigmoidGradient {
  f(dy: v128, y: v128, p: v128): v128 { return f32x4.mul(dy, f32x4.mul(y, f32x4.sub(splat(1), y))); }
}
class ReluGradient { f(dy: v128, y: v128, p: v128): v128 { return v128.and(dy, positive(y)); } }
class LeakyReluGradient {
  f(dy: v128, x: v128, p: v128): v128 { return v128.bitselect(dy, f32x4.mul(dy, p), positive(x)); }
}
class EluGradient {
  f(dy: v128, x: v128, p: v128): v128 {
    return v128.bitselect(dy, f32x4.mul(dy, f32x4.mul(p, math.exp(x))), positive(x));
  }
}
class SiluGradient {
  f(dy: v128, x: v128, p: v128): v128 {
    const s = math.sigmoid(x);
    const slope = f32x4.mul(s, f32x4.add(splat(1), f32x4.mul(x, f32x4.sub(splat(1), s))));
    return f32x4.mul(dy, slope);
  }
}
class GeluGradient {
  f(dy: v128, x: v128, p: v128): v128 {
    const density = f32x4.mul(splat(NORMAL_PEAK), math.exp(f32x4.mul(splat(-0.5), f32x4.mul(x, x))));
    return f32x4.mul(dy, f32x4.add(normalBelow(x), f32x4.mul(x, density)));
  }
}
class SoftplusGradient { f(dy: v128, x: v128, p: v128): v128 { return f32x4.mul(dy, math.sigmoid(x)); } }

/** Tested at its end, a loop has a function's many constants in registers. */
function map<F>(x: usize, y: usize, n: i32, p: v128): void {
  const f = changetype<F>(0);
  const end = y + (<usize>n << 2);
  if (y >= end) return;
  do {
    v128.store(y, f.f(v128.load(x), p));
    x += 16;
    y += 16;
  } while (y < end);
}

/** y = f(x, p) for n elements in flat memory; y may be x. */
export function mapUnary(f: Unary, x: usize, y: usize, n: i32, p: f32): void {
  const c = splat(p);
  switch (f) {
    case Unary.negate: return map<Negate>(x, y, n, c);
    case Unary.absolute: return map<Absolute>(x, y, n, c);
    case Unary.square: return map<Square>(x, y, n, c);
    case Unary.squareRoot: return map<SquareRoot>(x, y, n, c);
    case Unary.exp: return map<Exp>(x, y, n, c);
    case Unary.log: return map<Log>(x, y, n, c);
    case Unary.sin: return map<Sin>(x, y, n, c);
    case Unary.cos: return map<Cos>(x, y, n, c);
    case Unary.tanh: return map<Tanh>(x, y, n, c);
    case Unary.sigmoid: return map<Sigmoid>(x, y, n, c);
    case Unary.relu: return map<Relu>(x, y, n, c);
    case Unary.leakyRelu: return map<LeakyRelu>(x, y, n, c);
    case Unary.elu: return map<Elu>(x, y, n, c);
    case Unary.silu: return map<Silu>(x, y, n, c);
    case Unary.gelu: return map<Gelu>(x, y, n, c);
    case Unary.softplus: return map<Softplus>(x, y, n, c);
    case Unary.scale: return map<Scale>(x, y, n, c);
    case Unary.shift: return map<Shift>(x, y, n, c);
    case Unary.toFloat: return map<ToFloat>(x, y, n, c);
    case Unary.toInt: return map<ToInt>(x, y, n, c);
  }
}

/** Keeps four elements as they are, or repeats the first in all lanes. */
function spread(column: i32): v128 {
  return column ? i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15) : i8x16(0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3);
}

function zip<F>(a: usize, b: usize, y: usize, rows: i32, columns: i32, aRow: i32, aColumn: i32, bRow: i32, bColumn: i32, p: v128): void {
  const f = changetype<F>(0);
  const aSpread = spread(aColumn);
  const bSpread = spread(bColumn);
  for (let i = 0; i < rows; i++) {
    let ai = a;
    let bi = b;
    let left = columns;
    for (; left > 0; left -= 4) {
      const v = f.f(i8x16.swizzle(v128.load(ai), aSpread), i8x16.swizzle(v128.load(bi), bSpread), p);
      storePart(y, v, left);
      y += 16;
      ai += <usize>aColumn << 4;
      bi += <usize>bColumn << 4;
    }
    y += left << 2;
    a += <usize>aRow << 2;
    b += <usize>bRow << 2;
  }
}

/**
 * y = f(a, b, p) over rows x columns; y is contiguous. Row strides are any, column strides are 1, or 0 for one value a row:
 *
 *     aRow aColumn   a as seen by y
 *     n    1         a matrix          0    1         the same row for all
 *     1    0         a column          0    0         one number
 *
 * y may be a or b where that one is a matrix.
 */
export function mapBinary(
  f: Binary, a: usize, b: usize, y: usize, rows: i32, columns: i32, aRow: i32, aColumn: i32, bRow: i32, bColumn: i32, p: f32,
): void {
  const c = splat(p);
  switch (f) {
    case Binary.add: return zip<Add>(a, b, y, rows, columns, aRow, aColumn, bRow, bColumn, c);
    case Binary.subtract: return zip<Subtract>(a, b, y, rows, columns, aRow, aColumn, bRow, bColumn, c);
    case Binary.multiply: return zip<Multiply>(a, b, y, rows, columns, aRow, aColumn, bRow, bColumn, c);
    case Binary.divide: return zip<Divide>(a, b, y, rows, columns, aRow, aColumn, bRow, bColumn, c);
    case Binary.power: return zip<Power>(a, b, y, rows, columns, aRow, aColumn, bRow, bColumn, c);
    case Binary.maximum: return zip<Maximum>(a, b, y, rows, columns, aRow, aColumn, bRow, bColumn, c);
    case Binary.minimum: return zip<Minimum>(a, b, y, rows, columns, aRow, aColumn, bRow, bColumn, c);
    case Binary.equal: return zip<Equal>(a, b, y, rows, columns, aRow, aColumn, bRow, bColumn, c);
    case Binary.greater: return zip<Greater>(a, b, y, rows, columns, aRow, aColumn, bRow, bColumn, c);
    case Binary.less: return zip<Less>(a, b, y, rows, columns, aRow, aColumn, bRow, bColumn, c);
    case Binary.absoluteGradient: return zip<AbsoluteGradient>(a, b, y, rows, columns, aRow, aColumn, bRow, bColumn, c);
    case Binary.tanhGradient: return zip<TanhGradient>(a, b, y, rows, columns, aRow, aColumn, bRow, bColumn, c);
    case Binary.sigmoidGradient: return zip<SigmoidGradient>(a, b, y, rows, columns, aRow, aColumn, bRow, bColumn, c);
    case Binary.reluGradient: return zip<ReluGradient>(a, b, y, rows, columns, aRow, aColumn, bRow, bColumn, c);
    case Binary.leakyReluGradient: return zip<LeakyReluGradient>(a, b, y, rows, columns, aRow, aColumn, bRow, bColumn, c);
    case Binary.eluGradient: return zip<EluGradient>(a, b, y, rows, columns, aRow, aColumn, bRow, bColumn, c);
    case Binary.siluGradient: return zip<SiluGradient>(a, b, y, rows, columns, aRow, aColumn, bRow, bColumn, c);
    case Binary.geluGradient: return zip<GeluGradient>(a, b, y, rows, columns, aRow, aColumn, bRow, bColumn, c);
    case Binary.softplusGradient: return zip<SoftplusGradient>(a, b, y, rows, columns, aRow, aColumn, bRow, bColumn, c);
  }
}

/** y = a where c is not 0, else b; flat, n elements. */
export function select(c: usize, a: usize, b: usize, y: usize, n: i32): void {
  const end = y + (<usize>n << 2);
  for (; y < end; y += 16, a += 16, b += 16, c += 16) {
    v128.store(y, v128.bitselect(v128.load(b), v128.load(a), f32x4.eq(v128.load(c), splat(0))));
  }
}
