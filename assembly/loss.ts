import { BLOCK, Loss } from './kernel';
import { firstLanes, fold, loadPart, storePart } from './lanes';
import { expRow, largestOf, logOf } from './reduce';
import * as math from './math';

/** (o - t)^2 and 2 (o - t) */
class Squared {
  value(o: v128, t: v128): v128 {
    const d = f32x4.sub(o, t);
    return f32x4.mul(d, d);
  }
  slope(o: v128, t: v128): v128 {
    const d = f32x4.sub(o, t);
    return f32x4.add(d, d);
  }
}

/** -t log s(o) - (1 - t) log(1 - s(o)) = softplus(o) - t o with the sigmoid s, and s(o) - t */
class Logistic {
  value(o: v128, t: v128): v128 {
    return f32x4.sub(math.softplus(o), f32x4.mul(o, t));
  }
  slope(o: v128, t: v128): v128 {
    return f32x4.sub(math.sigmoid(o), t);
  }
}

/** The loss of one row in order (b); dx = slope * scale where dx is wanted. */
function rowLoss<F>(o: usize, t: usize, dx: usize, n: i32, scale: v128): f32 {
  const f = changetype<F>(0);
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (let left = n; left > 0; left -= 4, o += 16, t += 16) {
    const oi = loadPart(o, left);
    const ti = loadPart(t, left);
    const v = v128.and(f.value(oi, ti), firstLanes(left));
    if (dx) {
      storePart(dx, f32x4.mul(f.slope(oi, ti), scale), left);
      dx += 16;
    }
    const s = f32x4.add(s0, v);
    s0 = s1;
    s1 = s2;
    s2 = s3;
    s3 = s;
  }
  return fold(s0, s1, s2, s3);
}

function lossOverRows<F>(o: usize, t: usize, y: usize, dx: usize, m: i32, n: i32, divisor: f32): void {
  const row = <usize>n << 2;
  const scale = f32x4.splat(1 / divisor);
  let total: f32 = 0;
  for (let first = 0; first < m; first += BLOCK) {
    const end = min(first + BLOCK, m);
    let partial: f32 = 0;
    for (let i = first; i < end; i++, o += row, t += row) {
      partial += rowLoss<F>(o, t, dx, n, scale);
      if (dx) dx += row;
    }
    total = first ? total + partial : partial;
  }
  f32.store(y, total / divisor);
}

/**
 * y = (sum over m rows of n outputs of loss(o, t)) / divisor, in order (b) along a row and (c) over rows;
 * dx = d loss / d o / divisor, where dx is not 0.
 */
export function elementwiseLoss(f: Loss, o: usize, t: usize, y: usize, dx: usize, m: i32, n: i32, divisor: f32): void {
  switch (f) {
    case Loss.squared: return lossOverRows<Squared>(o, t, y, dx, m, n, divisor);
    case Loss.logistic: return lossOverRows<Logistic>(o, t, y, dx, m, n, divisor);
  }
}

/** dx = softmax(o) * scale, less `scale` at the label. */
function softmaxSlope(dx: usize, n: i32, sum: f32, label: i32, scale: f32): void {
  const by = f32x4.splat(scale / sum);
  for (let left = n, at = dx; left > 0; left -= 4, at += 16) storePart(at, f32x4.mul(v128.load(at), by), left);
  const hit = dx + (<usize>label << 2);
  f32.store(hit, f32.load(hit) - scale);
}

/**
 * y = (sum over m rows of log(sum exp(o - top)) - (o[label] - top)) / divisor, rows in order (c), exponentials in order (b);
 * dx = (softmax(o) - onehot(label)) / divisor. dx is always written: without a gradient it is scratch.
 */
export function softmaxCrossEntropy(o: usize, labels: usize, y: usize, dx: usize, m: i32, n: i32, divisor: f32): void {
  const row = <usize>n << 2;
  let total: f32 = 0;
  for (let first = 0; first < m; first += BLOCK) {
    const end = min(first + BLOCK, m);
    let partial: f32 = 0;
    for (let i = first; i < end; i++, o += row, dx += row, labels += 4) {
      const label = i32.load(labels);
      const top = largestOf(o, n);
      const sum = expRow(o, dx, n, top);
      partial += logOf(sum) - (f32.load(o + (<usize>label << 2)) - top);
      softmaxSlope(dx, n, sum, label, 1 / divisor);
    }
    total = first ? total + partial : partial;
  }
  f32.store(y, total / divisor);
}
