import { BLOCK, Loss } from './kernel';
import { collect, firstLanes, foldLane, foldPair, foldPairs } from './lanes';
import { lineRows, lineSteps } from './line';
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

/** The same for four rows, one after the other; 16 inputs at a time, as long as there are so many. */
function addScaledFour(sum: usize, x0: usize, x1: usize, x2: usize, x3: usize, g: usize, k: i32): void {
  const g0 = v128.load32_splat(g);
  const g1 = v128.load32_splat(g, 4);
  const g2 = v128.load32_splat(g, 8);
  const g3 = v128.load32_splat(g, 12);
  let left = k;
  for (; left >= 16; left -= 16, sum += 64, x0 += 64, x1 += 64, x2 += 64, x3 += 64) {
    let s = f32x4.add(v128.load(sum), f32x4.mul(g0, v128.load(x0)));
    s = f32x4.add(s, f32x4.mul(g1, v128.load(x1)));
    s = f32x4.add(s, f32x4.mul(g2, v128.load(x2)));
    v128.store(sum, f32x4.add(s, f32x4.mul(g3, v128.load(x3))));
    s = f32x4.add(v128.load(sum, 16), f32x4.mul(g0, v128.load(x0, 16)));
    s = f32x4.add(s, f32x4.mul(g1, v128.load(x1, 16)));
    s = f32x4.add(s, f32x4.mul(g2, v128.load(x2, 16)));
    v128.store(sum, f32x4.add(s, f32x4.mul(g3, v128.load(x3, 16))), 16);
    s = f32x4.add(v128.load(sum, 32), f32x4.mul(g0, v128.load(x0, 32)));
    s = f32x4.add(s, f32x4.mul(g1, v128.load(x1, 32)));
    s = f32x4.add(s, f32x4.mul(g2, v128.load(x2, 32)));
    v128.store(sum, f32x4.add(s, f32x4.mul(g3, v128.load(x3, 32))), 32);
    s = f32x4.add(v128.load(sum, 48), f32x4.mul(g0, v128.load(x0, 48)));
    s = f32x4.add(s, f32x4.mul(g1, v128.load(x1, 48)));
    s = f32x4.add(s, f32x4.mul(g2, v128.load(x2, 48)));
    v128.store(sum, f32x4.add(s, f32x4.mul(g3, v128.load(x3, 48))), 48);
  }
  for (; left > 0; left -= 4, sum += 16, x0 += 16, x1 += 16, x2 += 16, x3 += 16) {
    let s = f32x4.add(v128.load(sum), f32x4.mul(g0, v128.load(x0)));
    s = f32x4.add(s, f32x4.mul(g1, v128.load(x1)));
    s = f32x4.add(s, f32x4.mul(g2, v128.load(x2)));
    v128.store(sum, f32x4.add(s, f32x4.mul(g3, v128.load(x3))));
  }
}

/** Rows that are worked on together. */
const TILE: i32 = 16;
/** Rows that are asked for together: as many misses of the cache are under way at once as the processor allows. */
const AHEAD: i32 = 64;
/** Rows of more inputs than this would fill the cache before they are read for the second time. */
const WIDE: i32 = 512;
/** Bytes of a row that are asked for; from there on the processor sees where it leads. */
const ROW_BYTES: usize = 256;

/** Reads a word of each line of the cache that `count` rows and their targets have, so that all are on their way before the first is needed. */
function askFor(x: usize, t: usize, index: usize, count: i32, row: usize): i32 {
  const bytes = min(row, ROW_BYTES);
  let seen = 0;
  for (let i = 0; i < count; i++, index += 4) {
    const at = x + <usize>i32.load(index) * row;
    for (let offset: usize = 0; offset < bytes; offset += 64) seen |= i32.load(at + offset);
    seen |= i32.load(t + (<usize>i32.load(index) << 2));
  }
  return seen;
}

/** o = w x + bias for some rows, four at a time; where fewer are left, the last one stands in for the missing. */
function outputs(x: usize, index: usize, w: usize, bias: usize, o: usize, count: i32, k: i32): void {
  const row = <usize>k << 2;
  const b = bias ? v128.load32_splat(bias) : f32x4.splat(0);
  for (let left = count; left > 0; left -= 4, index += 16, o += 16) {
    const x0 = x + <usize>i32.load(index) * row;
    const x1 = left > 1 ? x + <usize>i32.load(index, 4) * row : x0;
    const x2 = left > 2 ? x + <usize>i32.load(index, 8) * row : x1;
    const x3 = left > 3 ? x + <usize>i32.load(index, 12) * row : x2;
    const oi = foldPairs(dotOfTwo(x0, x1, w, k), dotOfTwo(x2, x3, w, k));
    v128.store(o, bias ? f32x4.add(oi, b) : oi);
  }
}

/** What four rows have in a column; where fewer are left, the first one stands in for the missing. */
function numbersOf(column: usize, index: usize, left: i32): v128 {
  const a = column + (<usize>i32.load(index) << 2);
  const b = left > 1 ? column + (<usize>i32.load(index, 4) << 2) : a;
  const c = left > 2 ? column + (<usize>i32.load(index, 8) << 2) : a;
  const d = left > 3 ? column + (<usize>i32.load(index, 12) << 2) : a;
  return collect(a, b, c, d);
}

/** Makes the slopes g of outputs o in their place, and adds loss and g of each row to four partials each at `sums`. */
function slopes<F>(o: usize, t: usize, index: usize, count: i32, scale: v128, sums: usize): void {
  const f = changetype<F>(0);
  let losses = v128.load(sums);
  let slopes = v128.load(sums, 16);
  for (let left = count; left > 0; left -= 4, index += 16, o += 16) {
    const ti = numbersOf(t, index, left);
    const oi = v128.load(o);
    const common = f.common(oi, ti);
    const g = v128.and(f32x4.mul(f.slopeFrom(common, oi, ti), scale), firstLanes(left));
    v128.store(o, g);
    losses = f32x4.add(losses, v128.and(f.valueFrom(common, oi, ti), firstLanes(left)));
    slopes = f32x4.add(slopes, g);
  }
  v128.store(sums, losses);
  v128.store(sums, slopes, 16);
}

/** sum[j] += g x[j] for some rows, in order. */
function addRows(sum: usize, x: usize, index: usize, g: usize, count: i32, k: i32): void {
  const row = <usize>k << 2;
  let left = count;
  for (; left > 3; left -= 4, index += 16, g += 16) {
    const x0 = x + <usize>i32.load(index) * row;
    const x1 = x + <usize>i32.load(index, 4) * row;
    const x2 = x + <usize>i32.load(index, 8) * row;
    const x3 = x + <usize>i32.load(index, 12) * row;
    addScaledFour(sum, x0, x1, x2, x3, g, k);
  }
  for (; left > 0; left--, index += 4, g += 4) addScaled(sum, x + <usize>i32.load(index) * row, f32.load(g), k);
}

/** The same for one input: g x of each row is added to four partials. */
function addColumn(sums: usize, x: usize, index: usize, g: usize, count: i32): void {
  let sum = v128.load(sums);
  for (let left = count; left > 0; left -= 4, index += 16, g += 16) {
    sum = f32x4.add(sum, v128.and(f32x4.mul(v128.load(g), numbersOf(x, index, left)), firstLanes(left)));
  }
  v128.store(sums, sum);
}

/** The rows of a linear model, some at a time: they are read for their outputs and, still in cache, for the gradient. */
function linearRows(
  f: Loss, x: usize, index: usize, t: usize, w: usize, bias: usize, y: usize, dw: usize, db: usize, partial: usize, m: i32, k: i32,
  divisor: f32, apart: i32,
): void {
  const scale = f32x4.splat(<f32>1 / divisor);
  const tile = k > WIDE ? 4 : TILE;
  const words = (k + 15) & -16;
  let total = scale;
  for (let first = 0; first == 0 || first < m; first += BLOCK) {
    const end = min(first + BLOCK, m);
    const number: usize = apart ? <usize>(first / BLOCK) << 2 : 0;
    const sum = apart ? dw + number * apart : first ? partial : dw;
    const room = (apart ? sum : partial) + (<usize>words << 2);
    const sums = room + (TILE << 2);
    fillWords(sum, k == 1 ? 4 : k, 0);
    fillWords(sums, 8, 0);
    for (let i = first; i < end; i += tile) {
      const count = min(tile, end - i);
      const at = index + (<usize>i << 2);
      // The outputs overwrite what was read.
      if ((i & (AHEAD - 1)) == 0 && count == TILE && i32.load(at, 4) - i32.load(at) != 1) {
        i32.store(room, askFor(x, t, at, min(AHEAD, end - i), <usize>k << 2));
      }
      outputs(x, at, w, bias, room, count, k);
      if (f == Loss.squared) slopes<Squared>(room, t, at, count, scale, sums);
      else slopes<Logistic>(room, t, at, count, scale, sums);
      if (k == 1) addColumn(sum, x, at, room, count);
      else addRows(sum, x, at, room, count, k);
    }
    if (k == 1) f32.store(sum, foldLane(v128.load(sum)));
    const pairs = foldPair(v128.load(sums), v128.load(sums, 16));
    const both = foldPairs(pairs, pairs);
    if (apart) {
      f32.store(y + number, f32x4.extract_lane(both, 0));
      if (db) f32.store(db + number, f32x4.extract_lane(both, 1));
      continue;
    }
    if (first) addScaled(dw, partial, 1, k);
    total = first ? f32x4.add(total, both) : both;
  }
  if (apart) return;
  f32.store(y, f32x4.extract_lane(total, 0) / divisor);
  if (db) f32.store(db, f32x4.extract_lane(total, 1));
}

/**
 * A linear model of one output, its loss and its gradients in one pass over m rows of k inputs, which are read through their
 * row numbers where they lie: o = w x + bias, y = (sum of loss(o, t)) / divisor, dw = sum of g x and db = sum of g with
 * g = d loss / d o / divisor. The orders are those of the products, the loss and the sum that it stands for. Of the losses it
 * knows those without a constant.
 *
 * With `apart` the sums of each block of rows stand alone, not divided: y[b], db[b], and dw[b], rows of `apart` elements. Such a row,
 * or `partial`, is | sums, k in whole lines | outputs of some rows, a line | partials, a line |.
 */
export function linearModel(
  f: Loss, x: usize, index: usize, t: usize, w: usize, bias: usize, y: usize, dw: usize, db: usize, partial: usize, m: i32, k: i32,
  divisor: f32, apart: i32,
): void {
  if (k == 1 && f == Loss.squared) lineRows(x, index, t, w, bias, y, dw, db, m, divisor, apart);
  else linearRows(f, x, index, t, w, bias, y, dw, db, partial, m, k, divisor, apart);
}

/**
 * Steps of a linear model from number `step` up to `end`, whole: the model as above, its loss into the table of losses, and
 * plain descent for w and bias by the hyperparameters of the step, as updateSgd has them.
 */
export function linearSgd(r: usize, step: i32, end: i32, tick: i32): void {
  if (word(r, 15) == 1 && word(r, 0) == Loss.squared) return lineSteps(r, step, end, tick);
  for (; step < end; step++, tick++) {
    linearRows(
      word(r, 0), word(r, 1), stepped(r, 2, step), word(r, 5), word(r, 6), word(r, 7), stepped(r, 8, tick), word(r, 11), word(r, 12), word(r, 13),
      word(r, 14), word(r, 15), float(r, 16), 0,
    );
    const row = stepped(r, 17, tick);
    updateSgd(word(r, 6), word(r, 11), 0, word(r, 15), row, 0);
    if (word(r, 7)) updateSgd(word(r, 7), word(r, 12), 0, 1, row, 0);
  }
}
