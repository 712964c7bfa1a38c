import { BLOCK, Loss } from './kernel';
import { addLanes, collect, firstLanes, fold, foldPair, foldPairs, loadPart, storePart } from './lanes';
import * as math from './math';
import { expRow, largestOfFour } from './reduce';

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

/** The loss of one row in order (b); dx = slope * scale and each = value * scale where they are wanted. */
function rowLoss<F>(o: usize, t: usize, dx: usize, each: usize, n: i32, scale: v128, p: v128): f32 {
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
    s0 = s1;
    s1 = s2;
    s2 = s3;
    s3 = s;
  }
  return fold(s0, s1, s2, s3);
}

function lossOverRows<F>(o: usize, t: usize, y: usize, dx: usize, m: i32, n: i32, divisor: f32, p: v128, each: usize, apart: i32): void {
  const row = <usize>n << 2;
  const scale = f32x4.splat(<f32>1 / divisor);
  let total: f32 = 0;
  for (let first = 0; first < m; first += BLOCK) {
    const end = min(first + BLOCK, m);
    let partial: f32 = 0;
    for (let i = first; i < end; i++, o += row, t += row) {
      const loss = rowLoss<F>(o, t, dx, each, n, scale, p);
      if (apart) f32.store(y + (<usize>i << 2), loss);
      partial += loss;
      if (dx) dx += row;
      if (each) each += row;
    }
    total = first ? total + partial : partial;
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

/**
 * y = (sum over m rows of log(sum exp(o - top)) - (o[label] - top)) / divisor, rows in order (c), exponentials in order (b);
 * dx = (softmax(o) - onehot(label)) / divisor. dx is always written: without a gradient it is scratch. With `apart` y[i] is
 * the loss of row i, not divided.
 *
 * Four rows share a logarithm and a division. Where fewer are left, the last one stands in for the missing.
 */
export function softmaxCrossEntropy(
  o: usize, labels: usize, y: usize, dx: usize, m: i32, n: i32, divisor: f32, apart: i32,
): void {
  const row = <usize>n << 2;
  const scale = <f32>1 / divisor;
  let total: f32 = 0;
  for (let first = 0; first < m; first += BLOCK) {
    const end = min(first + BLOCK, m);
    let partial: f32 = 0;
    for (let i = first; i < end; i += 4, o += row << 2, dx += row << 2, labels += 16) {
      const left = end - i;
      const r1: usize = left > 1 ? row : 0;
      const r2 = left > 2 ? row << 1 : r1;
      const r3 = left > 3 ? row + r2 : r2;
      const top = largestOfFour(o, o + r1, o + r2, o + r3, n);
      const s0 = expRow(o, dx, n, v128.shuffle<f32>(top, top, 0, 0, 0, 0));
      const s1 = expRow(o + r1, dx + r1, n, v128.shuffle<f32>(top, top, 1, 1, 1, 1));
      const s2 = expRow(o + r2, dx + r2, n, v128.shuffle<f32>(top, top, 2, 2, 2, 2));
      const s3 = expRow(o + r3, dx + r3, n, v128.shuffle<f32>(top, top, 3, 3, 3, 3));
      const sum = foldPairs(foldPair(s0, s1), foldPair(s2, s3));
      // A label that is none of the classes, computed within the step, makes the loss NaN, and nothing is written for it.
      const given = v128.load(labels);
      const known = i32x4.lt_u(given, i32x4.splat(n));
      const label = v128.and(given, known);
      const l0 = i32x4.extract_lane(label, 0);
      const l1 = i32x4.extract_lane(label, 1);
      const l2 = i32x4.extract_lane(label, 2);
      const l3 = i32x4.extract_lane(label, 3);
      const hit = collect(o + (<usize>l0 << 2), o + r1 + (<usize>l1 << 2), o + r2 + (<usize>l2 << 2), o + r3 + (<usize>l3 << 2));
      const loss = v128.or(f32x4.sub(math.log(sum), f32x4.sub(hit, top)), v128.not(known));
      if (apart) storePart(y + (<usize>i << 2), loss, left);
      partial = addLanes(partial, loss, left);
      const by = f32x4.div(f32x4.splat(scale), sum);
      softmaxSlope(dx, n, v128.shuffle<f32>(by, by, 0, 0, 0, 0), l0, scale);
      if (left > 1) softmaxSlope(dx + r1, n, v128.shuffle<f32>(by, by, 1, 1, 1, 1), l1, scale);
      if (left > 2) softmaxSlope(dx + r2, n, v128.shuffle<f32>(by, by, 2, 2, 2, 2), l2, scale);
      if (left > 3) softmaxSlope(dx + r3, n, v128.shuffle<f32>(by, by, 3, 3, 3, 3), l3, scale);
    }
    total = first ? total + partial : partial;
  }
  if (!apart) f32.store(y, total / divisor);
}
