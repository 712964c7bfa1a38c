import { BLOCK, Loss } from './kernel';
import { addLanes, collect, fold, foldPairs } from './lanes';
import { Logistic, Squared } from './loss';
import { fillWords } from './move';
import { float, stepped, word } from './record';
import { dotOfTwo } from './reduce';
import { updateSgd } from './update';

/** sum[j] += g x[j] for k neighbours. */
function addScaled(sum: usize, x: usize, g: f32, k: i32): void {
  const by = f32x4.splat(g);
  const end = sum + (<usize>k << 2);
  for (; sum < end; sum += 16, x += 16) v128.store(sum, f32x4.add(v128.load(sum), f32x4.mul(by, v128.load(x))));
}

/** The same for four rows, one after the other. */
function addScaledFour(sum: usize, x0: usize, x1: usize, x2: usize, x3: usize, g: v128, k: i32): void {
  const g0 = v128.shuffle<f32>(g, g, 0, 0, 0, 0);
  const g1 = v128.shuffle<f32>(g, g, 1, 1, 1, 1);
  const g2 = v128.shuffle<f32>(g, g, 2, 2, 2, 2);
  const g3 = v128.shuffle<f32>(g, g, 3, 3, 3, 3);
  const end = sum + (<usize>k << 2);
  for (; sum < end; sum += 16, x0 += 16, x1 += 16, x2 += 16, x3 += 16) {
    let s = f32x4.add(v128.load(sum), f32x4.mul(g0, v128.load(x0)));
    s = f32x4.add(s, f32x4.mul(g1, v128.load(x1)));
    s = f32x4.add(s, f32x4.mul(g2, v128.load(x2)));
    v128.store(sum, f32x4.add(s, f32x4.mul(g3, v128.load(x3))));
  }
}

/** Inputs whose gradient fits into one register. */
const FEW: i32 = 4;
/** Rows that are asked for together: so many misses of the cache are under way at once. */
const AHEAD: i32 = 16;
/** Bytes of a row that are asked for; from there on the processor sees where it leads. */
const ROW_BYTES: usize = 256;

/** Reads a word of each line of the cache that AHEAD rows have, so that all are on their way before the first is needed. */
function askFor(x: usize, index: usize, row: usize): i32 {
  const bytes = min(row, ROW_BYTES);
  let seen = 0;
  for (let i = 0; i < AHEAD; i++, index += 4) {
    const at = x + <usize>i32.load(index) * row;
    for (let offset: usize = 0; offset < bytes; offset += 64) seen |= i32.load(at + offset);
  }
  return seen;
}

/** sum + g[0] x0 + g[1] x1 + …, the first `count` rows in order, for up to four inputs. */
function addRows(sum: v128, x0: usize, x1: usize, x2: usize, x3: usize, g: v128, count: i32): v128 {
  sum = f32x4.add(sum, f32x4.mul(v128.shuffle<f32>(g, g, 0, 0, 0, 0), v128.load(x0)));
  if (count > 1) sum = f32x4.add(sum, f32x4.mul(v128.shuffle<f32>(g, g, 1, 1, 1, 1), v128.load(x1)));
  if (count > 2) sum = f32x4.add(sum, f32x4.mul(v128.shuffle<f32>(g, g, 2, 2, 2, 2), v128.load(x2)));
  if (count > 3) sum = f32x4.add(sum, f32x4.mul(v128.shuffle<f32>(g, g, 3, 3, 3, 3), v128.load(x3)));
  return sum;
}

/**
 * The rows of a linear model, four at a time: a row is read for its dot product and, still in cache, for the gradient.
 * Where fewer than four are left, the last one stands in for the missing, whose lanes are not added.
 */
function linearRows<F>(
  x: usize, index: usize, t: usize, w: usize, bias: usize, y: usize, dw: usize, db: usize, partial: usize, m: i32, k: i32, divisor: f32,
  apart: i32,
): void {
  const f = changetype<F>(0);
  const scale = f32x4.splat(<f32>1 / divisor);
  const row = <usize>k << 2;
  const b = bias ? v128.load32_splat(bias) : f32x4.splat(0);
  let loss: f32 = 0;
  let slope: f32 = 0;
  for (let first = 0; first == 0 || first < m; first += BLOCK) {
    const end = min(first + BLOCK, m);
    const number: usize = apart ? <usize>(first / BLOCK) << 2 : 0;
    const sum = apart ? dw + number * apart : first ? partial : dw;
    let lossPart: f32 = 0;
    let slopePart: f32 = 0;
    let few = f32x4.splat(0);
    fillWords(sum, k, 0);
    for (let i = first; i < end; i += 4) {
      const left = end - i;
      const at = index + (<usize>i << 2);
      // The loss overwrites what was read.
      if ((i & (AHEAD - 1)) == 0 && left >= AHEAD && i32.load(at, 4) - i32.load(at) != 1) i32.store(y + number, askFor(x, at, row));
      const i0 = <usize>i32.load(at);
      const i1 = left > 1 ? <usize>i32.load(at, 4) : i0;
      const i2 = left > 2 ? <usize>i32.load(at, 8) : i1;
      const i3 = left > 3 ? <usize>i32.load(at, 12) : i2;
      const x0 = x + i0 * row;
      const x1 = x + i1 * row;
      const x2 = x + i2 * row;
      const x3 = x + i3 * row;
      let o = foldPairs(dotOfTwo(x0, x1, w, k), dotOfTwo(x2, x3, w, k));
      if (bias) o = f32x4.add(o, b);
      const ti = collect(t + (i0 << 2), t + (i1 << 2), t + (i2 << 2), t + (i3 << 2));
      const g = f32x4.mul(f.slope(o, ti, f32x4.splat(0)), scale);
      lossPart = addLanes(lossPart, f.value(o, ti, f32x4.splat(0)), left);
      slopePart = addLanes(slopePart, g, left);
      if (k <= FEW) few = addRows(few, x0, x1, x2, x3, g, left);
      else if (left > 3) addScaledFour(sum, x0, x1, x2, x3, g, k);
      else {
        addScaled(sum, x0, f32x4.extract_lane(g, 0), k);
        if (left > 1) addScaled(sum, x1, f32x4.extract_lane(g, 1), k);
        if (left > 2) addScaled(sum, x2, f32x4.extract_lane(g, 2), k);
      }
    }
    if (k <= FEW) v128.store(sum, few);
    if (apart) {
      f32.store(y + number, lossPart);
      if (db) f32.store(db + number, slopePart);
      continue;
    }
    if (first) addScaled(dw, partial, 1, k);
    loss = first ? loss + lossPart : lossPart;
    slope = first ? slope + slopePart : slopePart;
  }
  if (apart) return;
  f32.store(y, loss / divisor);
  if (db) f32.store(db, slope);
}

/**
 * The same for one input and a block of rows. Loss, dw and db are lanes of one sum, so that a row is one addition: the four
 * numbers of each row are transposed from
 *
 *     | v0 v1 v2 v3 |  | p0 p1 p2 p3 |  | g0 g1 g2 g3 |   to   | v p g 0 | of row 0, 1, 2, 3,   with p = g x
 */
function lineBlock<F>(x: usize, index: usize, t: usize, w: v128, biased: bool, b: v128, m: i32, scale: v128): v128 {
  const f = changetype<F>(0);
  const zero = f32x4.splat(0);
  let sum = zero;
  for (let left = m; left > 0; left -= 4, index += 16) {
    const i0 = <usize>i32.load(index) << 2;
    const i1 = left > 1 ? <usize>i32.load(index, 4) << 2 : i0;
    const i2 = left > 2 ? <usize>i32.load(index, 8) << 2 : i0;
    const i3 = left > 3 ? <usize>i32.load(index, 12) << 2 : i0;
    const xi = collect(x + i0, x + i1, x + i2, x + i3);
    const ti = collect(t + i0, t + i1, t + i2, t + i3);
    // The fold of one product and 15 missing ones: + 0.
    let o = f32x4.add(f32x4.mul(xi, w), zero);
    if (biased) o = f32x4.add(o, b);
    const g = f32x4.mul(f.slope(o, ti, zero), scale);
    const v = f.value(o, ti, zero);
    const p = f32x4.mul(g, xi);
    const v01 = v128.shuffle<f32>(v, p, 0, 4, 1, 5);
    const v23 = v128.shuffle<f32>(v, p, 2, 6, 3, 7);
    const g01 = v128.shuffle<f32>(g, zero, 0, 4, 1, 5);
    const g23 = v128.shuffle<f32>(g, zero, 2, 6, 3, 7);
    sum = f32x4.add(sum, v128.shuffle<f64>(v01, g01, 0, 2));
    if (left > 1) sum = f32x4.add(sum, v128.shuffle<f64>(v01, g01, 1, 3));
    if (left > 2) sum = f32x4.add(sum, v128.shuffle<f64>(v23, g23, 0, 2));
    if (left > 3) sum = f32x4.add(sum, v128.shuffle<f64>(v23, g23, 1, 3));
  }
  return sum;
}

function lineRows<F>(
  x: usize, index: usize, t: usize, w: usize, bias: usize, y: usize, dw: usize, db: usize, m: i32, divisor: f32, apart: i32,
): void {
  const scale = f32x4.splat(<f32>1 / divisor);
  const wi = v128.load32_splat(w);
  const b = bias ? v128.load32_splat(bias) : wi;
  let total = f32x4.splat(0);
  for (let first = 0; first == 0 || first < m; first += BLOCK) {
    const sum = lineBlock<F>(x, index + (<usize>first << 2), t, wi, bias != 0, b, min(BLOCK, m - first), scale);
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

/** Steps of descent for one input. w and bias stand where their gradients do in the sum: | w bias | in lanes 1 and 2. */
function lineSteps<F>(r: usize, step: i32, end: i32, tick: i32): void {
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
    let total = lineBlock<F>(x, index, t, wi, bias != 0, b, min(BLOCK, m), scale);
    for (let first = BLOCK; first < m; first += BLOCK) {
      const sum = lineBlock<F>(x, index + (<usize>first << 2), t, wi, bias != 0, b, min(BLOCK, m - first), scale);
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

function rowsOfModel<F>(
  x: usize, index: usize, t: usize, w: usize, bias: usize, y: usize, dw: usize, db: usize, partial: usize, m: i32, k: i32, divisor: f32,
  apart: i32,
): void {
  if (k == 1) lineRows<F>(x, index, t, w, bias, y, dw, db, m, divisor, apart);
  else linearRows<F>(x, index, t, w, bias, y, dw, db, partial, m, k, divisor, apart);
}

/**
 * A linear model of one output, its loss and its gradients in one pass over m rows of k inputs, which are read through their
 * row numbers where they lie: o = w x + bias, y = (sum of loss(o, t)) / divisor, dw = sum of g x and db = sum of g with
 * g = d loss / d o / divisor. The orders are those of the products, the loss and the sum that it stands for. Of the losses it
 * knows those without a constant.
 *
 * With `apart` the sums of each block of rows stand alone, not divided: y[b], db[b], and dw[b], rows of `apart` elements.
 */
export function linearModel(
  f: Loss, x: usize, index: usize, t: usize, w: usize, bias: usize, y: usize, dw: usize, db: usize, partial: usize, m: i32, k: i32, divisor: f32,
  apart: i32,
): void {
  switch (f) {
    case Loss.squared: return rowsOfModel<Squared>(x, index, t, w, bias, y, dw, db, partial, m, k, divisor, apart);
    case Loss.logistic: return rowsOfModel<Logistic>(x, index, t, w, bias, y, dw, db, partial, m, k, divisor, apart);
  }
}

function stepsOfModel<F>(r: usize, step: i32, end: i32, tick: i32): void {
  if (word(r, 15) == 1) return lineSteps<F>(r, step, end, tick);
  for (; step < end; step++, tick++) {
    linearRows<F>(
      word(r, 1), stepped(r, 2, step), word(r, 5), word(r, 6), word(r, 7), stepped(r, 8, tick), word(r, 11), word(r, 12), word(r, 13), word(r, 14),
      word(r, 15), float(r, 16), 0,
    );
    const row = stepped(r, 17, tick);
    updateSgd(word(r, 6), word(r, 11), 0, word(r, 15), row, 0);
    if (word(r, 7)) updateSgd(word(r, 7), word(r, 12), 0, 1, row, 0);
  }
}

/**
 * Steps of a linear model from number `step` up to `end`, whole: the model as above, its loss into the table of losses, and
 * plain descent for w and bias by the hyperparameters of the step, as updateSgd has them.
 */
export function linearSgd(r: usize, step: i32, end: i32, tick: i32): void {
  if (word(r, 0) == Loss.squared) stepsOfModel<Squared>(r, step, end, tick);
  else stepsOfModel<Logistic>(r, step, end, tick);
}
