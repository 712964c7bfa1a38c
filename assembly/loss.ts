import { BLOCK, Loss } from './kernel';
import { collect, firstLanes, fold, foldLane, foldPair, foldPairs, loadPart, spread, storePart } from './lanes';
import * as math from './math';
import { expInPlace, largestOfFour, lowerRow, sumVectors } from './reduce';

/** (o - t)^2 and 2 (o - t), which share the difference. */
export class Squared {
  common(o: v128, t: v128): v128 {
    return f32x4.sub(o, t);
  }
  valueFrom(d: v128, o: v128, t: v128): v128 {
    return f32x4.mul(d, d);
  }
  slopeFrom(d: v128, o: v128, t: v128): v128 {
    return f32x4.add(d, d);
  }
  value(o: v128, t: v128, p: v128): v128 {
    return this.valueFrom(this.common(o, t), o, t);
  }
  slope(o: v128, t: v128, p: v128): v128 {
    return this.slopeFrom(this.common(o, t), o, t);
  }
}

/** -t log s(o) - (1 - t) log(1 - s(o)) = softplus(o) - t o with the sigmoid s, and s(o) - t, which share exp(-|o|). */
export class Logistic {
  common(o: v128, t: v128): v128 {
    return math.expMinus(o);
  }
  valueFrom(e: v128, o: v128, t: v128): v128 {
    return f32x4.sub(math.softplusFrom(e, o), f32x4.mul(o, t));
  }
  slopeFrom(e: v128, o: v128, t: v128): v128 {
    return f32x4.sub(math.sigmoidFrom(e, o), t);
  }
  value(o: v128, t: v128, p: v128): v128 {
    return this.valueFrom(this.common(o, t), o, t);
  }
  slope(o: v128, t: v128, p: v128): v128 {
    return this.slopeFrom(this.common(o, t), o, t);
  }
}

/** |o - t| and its sign, which is 0 where o = t */
class Absolute {
  value(o: v128, t: v128, p: v128): v128 {
    return f32x4.abs(f32x4.sub(o, t));
  }
  slope(o: v128, t: v128, p: v128): v128 {
    const d = f32x4.sub(o, t);
    const sign = v128.or(v128.and(d, f32x4.splat(-0.0)), f32x4.splat(1));
    return v128.bitselect(sign, d, v128.or(f32x4.lt(d, f32x4.splat(0)), f32x4.gt(d, f32x4.splat(0))));
  }
}

/** With d = o - t: d^2 / 2 where |d| <= p, else p (|d| - p / 2), which both are c (|d| - c / 2) with c = min(|d|, p); and d cut to +-p */
class Huber {
  value(o: v128, t: v128, p: v128): v128 {
    const d = f32x4.abs(f32x4.sub(o, t));
    const c = f32x4.min(d, p);
    return f32x4.mul(c, f32x4.sub(d, f32x4.mul(c, f32x4.splat(0.5))));
  }
  slope(o: v128, t: v128, p: v128): v128 {
    return f32x4.max(f32x4.min(f32x4.sub(o, t), p), f32x4.neg(p));
  }
}

/**
 * The loss of a row of n outputs in order (b), or of n rows of one, a block at most, in order (c); dx = slope * scale and
 * each = value * scale where they are wanted.
 */
function rowLoss<F>(o: usize, t: usize, dx: usize, each: usize, n: i32, scale: v128, p: v128, rows: bool): f32 {
  const f = changetype<F>(0);
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (let left = n; left > 0; left -= 4, o += 16, t += 16) {
    const oi = loadPart(o, left);
    const ti = loadPart(t, left);
    const v = v128.and(f.value(oi, ti, p), firstLanes(left));
    if (dx) {
      storePart(dx, f32x4.mul(f.slope(oi, ti, p), scale), left);
      dx += 16;
    }
    if (each) {
      storePart(each, f32x4.mul(v, scale), left);
      each += 16;
    }
    const s = f32x4.add(s0, v);
    if (rows) {
      s0 = s;
      continue;
    }
    s0 = s1;
    s1 = s2;
    s2 = s3;
    s3 = s;
  }
  return fold(s0, s1, s2, s3);
}

/** x in one of four lanes, +0 in the others. */
function inLane(x: f32, lane: i32): v128 {
  return v128.and(f32x4.splat(x), i32x4.eq(i32x4.splat(lane), i32x4(0, 1, 2, 3)));
}

function lossOverRows<F>(o: usize, t: usize, y: usize, dx: usize, m: i32, n: i32, divisor: f32, p: v128, each: usize, apart: i32): void {
  const column = n == 1 && !apart;
  const scale = f32x4.splat(<f32>1 / divisor);
  let total: f32 = 0;
  for (let first = 0; first < m; first += BLOCK) {
    const end = min(first + BLOCK, m);
    const width = column ? end - first : n;
    const row = <usize>width << 2;
    let partials = f32x4.splat(0);
    for (let i = first; i < end; i += column ? width : 1, o += row, t += row) {
      const loss = rowLoss<F>(o, t, dx, each, width, scale, p, column);
      if (apart) f32.store(y + (<usize>i << 2), loss);
      partials = f32x4.add(partials, inLane(loss, i & 3));
      if (dx) dx += row;
      if (each) each += row;
    }
    const sum = foldLane(partials);
    total = first ? total + sum : sum;
  }
  if (!apart) f32.store(y, total / divisor);
}

/**
 * y = (sum over m rows of n outputs of loss(o, t, p)) / divisor, in order (b) along a row and (c) over rows;
 * dx = d loss / d o / divisor, where dx is not 0; each = loss(o, t, p) / divisor for each output, where it is not 0.
 * With `apart` y[i] is the sum of row i, not divided.
 */
export function elementwiseLoss(
  f: Loss, o: usize, t: usize, y: usize, dx: usize, m: i32, n: i32, divisor: f32, p: f32, each: usize, apart: i32,
): void {
  const c = f32x4.splat(p);
  switch (f) {
    case Loss.squared: return lossOverRows<Squared>(o, t, y, dx, m, n, divisor, c, each, apart);
    case Loss.logistic: return lossOverRows<Logistic>(o, t, y, dx, m, n, divisor, c, each, apart);
    case Loss.absolute: return lossOverRows<Absolute>(o, t, y, dx, m, n, divisor, c, each, apart);
    case Loss.huber: return lossOverRows<Huber>(o, t, y, dx, m, n, divisor, c, each, apart);
  }
}

/** dx = dx * by, less `scale` at the label. */
function softmaxSlope(dx: usize, n: i32, by: v128, label: i32, scale: f32): void {
  for (let left = n, at = dx; left > 0; left -= 4, at += 16) storePart(at, f32x4.mul(v128.load(at), by), left);
  const hit = dx + (<usize>label << 2);
  f32.store(hit, f32.load(hit) - scale);
}

/** The lanes moved on by one. */
function rotate(v: v128): v128 {
  return v128.shuffle<f32>(v, v, 1, 2, 3, 0);
}

function firstLane(v: v128): v128 {
  return v128.shuffle<f32>(v, v, 0, 0, 0, 0);
}

/** dx = exp(o - the largest of the row) for m rows, four of which share the search for it. */
function expRows(o: usize, dx: usize, m: i32, n: i32): void {
  const row = <usize>n << 2;
  const end = dx + <usize>m * row;
  for (let left = m, y = dx; left > 0; left -= 4) {
    let top = largestOfFour(o, left > 1 ? o + row : o, left > 2 ? o + 2 * row : o, left > 3 ? o + 3 * row : o, n);
    for (let i = min(left, 4); i > 0; i--, o += row, y += row, top = rotate(top)) lowerRow(o, y, n, firstLane(top), end);
  }
  expInPlace(dx, end);
}

/**
 * The partials with the losses of m rows added. Four rows share a logarithm and a division. Where fewer are left, the last one stands
 * in for the missing.
 */
function crossEntropyOfRows(
  o: usize, labels: usize, y: usize, dx: usize, m: i32, n: i32, scale: f32, apart: i32, partials: v128,
): v128 {
  const row = <usize>n << 2;
  expRows(o, dx, m, n);
  for (let left = m; left > 0; left -= 4, o += row << 2, labels += 16, y += 16) {
    const r1: usize = left > 1 ? row : 0;
    const r2 = left > 2 ? row << 1 : r1;
    const r3 = left > 3 ? row + r2 : r2;
    const s01 = foldPair(sumVectors(dx, n), sumVectors(dx + r1, n));
    const sum = foldPairs(s01, foldPair(sumVectors(dx + r2, n), sumVectors(dx + r3, n)));
    // A label that is none of the classes, computed within the step, makes the loss NaN, and nothing is written for it.
    const given = v128.load(labels);
    const known = i32x4.lt_u(given, i32x4.splat(n));
    let label = v128.and(given, known);
    const hit = collect(
      o + (<usize>i32x4.extract_lane(label, 0) << 2), o + r1 + (<usize>i32x4.extract_lane(label, 1) << 2),
      o + r2 + (<usize>i32x4.extract_lane(label, 2) << 2), o + r3 + (<usize>i32x4.extract_lane(label, 3) << 2),
    );
    const top = largestOfFour(o, o + r1, o + r2, o + r3, n);
    const loss = v128.or(f32x4.sub(math.log(sum), f32x4.sub(hit, top)), v128.not(known));
    if (apart) storePart(y, loss, left);
    partials = f32x4.add(partials, v128.and(loss, firstLanes(left)));
    let by = f32x4.div(f32x4.splat(scale), sum);
    for (let i = min(left, 4); i > 0; i--, dx += row, by = rotate(by), label = rotate(label)) {
      softmaxSlope(dx, n, firstLane(by), i32x4.extract_lane(label, 0), scale);
    }
  }
  return partials;
}

/** Most classes of which each has a vector of its own, with four rows in it. */
const FEW: i32 = 3;

/** The same for at most FEW classes. */
function crossEntropyOfFew(
  o: usize, labels: usize, y: usize, dx: usize, m: i32, n: i32, scale: f32, apart: i32, partials: v128,
): v128 {
  const row = <usize>n << 2;
  const whole = f32x4.splat(scale);
  const none = f32x4.splat(0);
  for (let left = m; left > 0; left -= 4, o += row << 2, dx += row << 2, labels += 16, y += 16) {
    const r1: usize = left > 1 ? row : 0;
    const r2 = left > 2 ? row << 1 : r1;
    const r3 = left > 3 ? row + r2 : r2;
    const o0 = collect(o, o + r1, o + r2, o + r3);
    const o1 = n > 1 ? collect(o + 4, o + 4 + r1, o + 4 + r2, o + 4 + r3) : o0;
    const o2 = n > 2 ? collect(o + 8, o + 8 + r1, o + 8 + r2, o + 8 + r3) : o0;
    const top = f32x4.pmax(f32x4.pmax(o0, o1), o2);
    const e0 = math.exp(f32x4.sub(o0, top));
    const e1 = n > 1 ? math.exp(f32x4.sub(o1, top)) : none;
    const e2 = n > 2 ? math.exp(f32x4.sub(o2, top)) : none;
    const sum = f32x4.add(f32x4.add(e0, e2), e1);
    const label = v128.load(labels);
    const known = i32x4.lt_u(label, i32x4.splat(n));
    const is0 = v128.or(i32x4.eq(label, none), v128.not(known));
    const is1 = i32x4.eq(label, i32x4.splat(1));
    const is2 = i32x4.eq(label, i32x4.splat(2));
    const hit = v128.bitselect(o0, v128.bitselect(o1, o2, is1), is0);
    const loss = v128.or(f32x4.sub(math.log(sum), f32x4.sub(hit, top)), v128.not(known));
    if (apart) storePart(y, loss, left);
    partials = f32x4.add(partials, v128.and(loss, firstLanes(left)));
    const by = f32x4.div(whole, sum);
    spread(f32x4.sub(f32x4.mul(e0, by), v128.and(whole, is0)), dx, dx + r1, dx + r2, dx + r3);
    if (n > 1) spread(f32x4.sub(f32x4.mul(e1, by), v128.and(whole, is1)), dx + 4, dx + 4 + r1, dx + 4 + r2, dx + 4 + r3);
    if (n > 2) spread(f32x4.sub(f32x4.mul(e2, by), v128.and(whole, is2)), dx + 8, dx + 8 + r1, dx + 8 + r2, dx + 8 + r3);
  }
  return partials;
}

/** Elements of some rows that stay in the first-level cache. */
const NEAR: i32 = 4096;

/**
 * y = (sum over m rows of log(sum exp(o - top)) - (o[label] - top)) / divisor, rows in order (c), exponentials in order (b);
 * dx = (softmax(o) - onehot(label)) / divisor. dx is always written: without a gradient it is scratch. With `apart` y[i] is
 * the loss of row i, not divided.
 */
export function softmaxCrossEntropy(
  o: usize, labels: usize, y: usize, dx: usize, m: i32, n: i32, divisor: f32, apart: i32,
): void {
  const row = <usize>n << 2;
  const scale = <f32>1 / divisor;
  const most = max(NEAR / max(n, 1) & -4, 4);
  let total: f32 = 0;
  let partials = f32x4.splat(0);
  for (let first = 0, rows = 0; first < m; first += rows) {
    rows = min(min(most, BLOCK - (first & (BLOCK - 1))), m - first);
    const at = <usize>first * row;
    const each = <usize>first << 2;
    partials = n <= FEW
      ? crossEntropyOfFew(o + at, labels + each, y + each, dx + at, rows, n, scale, apart, partials)
      : crossEntropyOfRows(o + at, labels + each, y + each, dx + at, rows, n, scale, apart, partials);
    const end = first + rows;
    if (end < m && end & (BLOCK - 1)) continue;
    const sum = foldLane(partials);
    total = end > BLOCK ? total + sum : sum;
    partials = f32x4.splat(0);
  }
  if (!apart) f32.store(y, total / divisor);
}
