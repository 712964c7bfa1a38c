import { BLOCK } from './kernel';
import { collect, firstLanes, foldPair, foldPairs } from './lanes';
import { Squared } from './loss';
import { float, stepped, word } from './record';

/** Are the row numbers those of neighbours? */
function areNeighbours(index: usize, m: i32): bool {
  let next = i32x4.add(v128.load32_splat(index), i32x4(0, 1, 2, 3));
  let left = m;
  for (; left > 3; left -= 4, index += 16, next = i32x4.add(next, i32x4.splat(4))) {
    if (!i32x4.all_true(i32x4.eq(v128.load(index), next))) return false;
  }
  return i32x4.all_true(v128.or(i32x4.eq(v128.load(index), next), v128.not(firstLanes(left))));
}

/**
 * The sums | loss | g x | g | 0 | over a block of rows for one input and squared errors. Where the rows are neighbours, their numbers
 * are not needed.
 */
function lineBlock(x: usize, index: usize, t: usize, w: v128, biased: bool, b: v128, m: i32, scale: v128): v128 {
  const f = changetype<Squared>(0);
  const zero = f32x4.splat(0);
  const neighbours = areNeighbours(index, m);
  if (neighbours) {
    x += <usize>i32.load(index) << 2;
    t += <usize>i32.load(index) << 2;
  }
  let losses = zero;
  let products = zero;
  let slopes = zero;
  for (let left = m; left > 0; left -= 4, index += 16) {
    let xi: v128;
    let ti: v128;
    if (neighbours) {
      xi = v128.load(x);
      ti = v128.load(t);
      x += 16;
      t += 16;
    } else {
      const i0 = <usize>i32.load(index) << 2;
      const i1 = left > 1 ? <usize>i32.load(index, 4) << 2 : i0;
      const i2 = left > 2 ? <usize>i32.load(index, 8) << 2 : i0;
      const i3 = left > 3 ? <usize>i32.load(index, 12) << 2 : i0;
      xi = collect(x + i0, x + i1, x + i2, x + i3);
      ti = collect(t + i0, t + i1, t + i2, t + i3);
    }
    // The fold of one product and 15 missing ones: + 0.
    let o = f32x4.add(f32x4.mul(xi, w), zero);
    if (biased) o = f32x4.add(o, b);
    const common = f.common(o, ti);
    let g = f32x4.mul(f.slopeFrom(common, o, ti), scale);
    let v = f.valueFrom(common, o, ti);
    let p = f32x4.mul(g, xi);
    if (left < 4) {
      const known = firstLanes(left);
      g = v128.and(g, known);
      v = v128.and(v, known);
      p = v128.and(p, known);
    }
    losses = f32x4.add(losses, v);
    products = f32x4.add(products, p);
    slopes = f32x4.add(slopes, g);
  }
  return foldPairs(foldPair(losses, products), foldPair(slopes, zero));
}

/** What linearModel does for one input and squared errors. */
export function lineRows(
  x: usize, index: usize, t: usize, w: usize, bias: usize, y: usize, dw: usize, db: usize, m: i32, divisor: f32, apart: i32,
): void {
  const scale = f32x4.splat(<f32>1 / divisor);
  const wi = v128.load32_splat(w);
  const b = bias ? v128.load32_splat(bias) : wi;
  let total = f32x4.splat(0);
  for (let first = 0; first == 0 || first < m; first += BLOCK) {
    const sum = lineBlock(x, index + (<usize>first << 2), t, wi, bias != 0, b, min(BLOCK, m - first), scale);
    total = first ? f32x4.add(total, sum) : sum;
    if (apart) {
      const number = <usize>(first / BLOCK) << 2;
      f32.store(y + number, f32x4.extract_lane(sum, 0));
      f32.store(dw + number * apart, f32x4.extract_lane(sum, 1));
      if (db) f32.store(db + number, f32x4.extract_lane(sum, 2));
    }
  }
  if (apart) return;
  f32.store(y, f32x4.extract_lane(total, 0) / divisor);
  // Whole vectors, as the update will read them: then it need not wait for the store.
  v128.store(dw, v128.shuffle<f32>(total, total, 1, 1, 1, 1));
  if (db) v128.store(db, v128.shuffle<f32>(total, total, 2, 2, 2, 2));
}

/** Steps of descent for one input and batches of one row, whose sums are its own numbers. */
function rowSteps(r: usize, step: i32, end: i32, tick: i32): void {
  const x: usize = word(r, 1);
  const t: usize = word(r, 5);
  const w: usize = word(r, 6);
  const bias: usize = word(r, 7);
  const zero: f32 = 0;
  let wi = f32.load(w);
  let b: f32 = bias ? f32.load(bias) : zero;
  for (; step < end; step++, tick++) {
    const at = <usize>i32.load(stepped(r, 2, step)) << 2;
    const row = stepped(r, 17, tick);
    const lr = f32.load(row);
    const decay = f32.load(row, 12);
    const xi = f32.load(x + at);
    // The zero that sums begin from is added first to what does not wait for the error.
    const d = xi * wi + (zero + b) - f32.load(t + at);
    const g = d + d;
    f32.store(stepped(r, 8, tick), d * d);
    wi -= lr * (g * xi + (zero + decay * wi));
    if (bias) b -= lr * (g + (zero + decay * b));
  }
  f32.store(w, wi);
  if (bias) f32.store(bias, b);
}

/** Steps of descent for one input. w and bias stand where their gradients do in the sum: | w bias | in lanes 1 and 2. */
export function lineSteps(r: usize, step: i32, end: i32, tick: i32): void {
  if (word(r, 14) == 1 && float(r, 16) == 1) return rowSteps(r, step, end, tick);
  const x = word(r, 1);
  const t = word(r, 5);
  const w = word(r, 6);
  const bias = word(r, 7);
  const m = word(r, 14);
  const divisor = float(r, 16);
  const scale = f32x4.splat(<f32>1 / divisor);
  let p = f32x4.replace_lane(f32x4.splat(0), 1, f32.load(w));
  if (bias) p = v128.load32_lane(bias, p, 2);
  for (; step < end; step++, tick++) {
    const index = stepped(r, 2, step);
    const wi = v128.shuffle<f32>(p, p, 1, 1, 1, 1);
    const b = v128.shuffle<f32>(p, p, 2, 2, 2, 2);
    let total = f32x4.splat(0);
    for (let first = 0; first < m; first += BLOCK) {
      const sum = lineBlock(x, index + (<usize>first << 2), t, wi, bias != 0, b, min(BLOCK, m - first), scale);
      total = f32x4.add(total, sum);
    }
    f32.store(stepped(r, 8, tick), f32x4.extract_lane(total, 0) / divisor);
    const row = stepped(r, 17, tick);
    const g = f32x4.add(total, f32x4.mul(v128.load32_splat(row, 12), p));
    p = f32x4.sub(p, f32x4.mul(v128.load32_splat(row), g));
  }
  f32.store(w, f32x4.extract_lane(p, 1));
  if (bias) f32.store(bias, f32x4.extract_lane(p, 2));
}
