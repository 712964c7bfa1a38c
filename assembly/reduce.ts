import { BLOCK } from './kernel';
import { firstLanes, foldLane, foldPair, foldVectors, INFINITY, loadPart, multiplyAdd, storePart } from './lanes';
import { exp, log } from './math';

/** Order (b): the sum of n neighbours, but for the last two folds. */
export function sumVectors(x: usize, n: i32): v128 {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let left = n;
  for (; left >= 16; left -= 16, x += 64) {
    s0 = f32x4.add(s0, v128.load(x));
    s1 = f32x4.add(s1, v128.load(x, 16));
    s2 = f32x4.add(s2, v128.load(x, 32));
    s3 = f32x4.add(s3, v128.load(x, 48));
  }
  for (; left > 0; left -= 4, x += 16) {
    const s = f32x4.add(s0, loadPart(x, left));
    s0 = s1;
    s1 = s2;
    s2 = s3;
    s3 = s;
  }
  return foldVectors(s0, s1, s2, s3);
}

/** sum + the products of the first `left` of four neighbours. */
function addProducts(sum: v128, a: usize, b: v128, left: i32): v128 {
  return f32x4.add(sum, v128.and(f32x4.mul(v128.load(a), b), firstLanes(left)));
}

/** Order (b) for two rows a and b: the sums of their products with n neighbours x, folded to a pair. */
export function dotOfTwo(a: usize, b: usize, x: usize, n: i32): v128 {
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let b0 = a0;
  let b1 = a0;
  let b2 = a0;
  let b3 = a0;
  let left = n;
  for (; left >= 16; left -= 16, a += 64, b += 64, x += 64) {
    let v = v128.load(x);
    a0 = multiplyAdd(a0, v128.load(a), v);
    b0 = multiplyAdd(b0, v128.load(b), v);
    v = v128.load(x, 16);
    a1 = multiplyAdd(a1, v128.load(a, 16), v);
    b1 = multiplyAdd(b1, v128.load(b, 16), v);
    v = v128.load(x, 32);
    a2 = multiplyAdd(a2, v128.load(a, 32), v);
    b2 = multiplyAdd(b2, v128.load(b, 32), v);
    v = v128.load(x, 48);
    a3 = multiplyAdd(a3, v128.load(a, 48), v);
    b3 = multiplyAdd(b3, v128.load(b, 48), v);
  }
  for (; left > 0; left -= 4, a += 16, b += 16, x += 16) {
    const v = v128.load(x);
    const sumA = addProducts(a0, a, v, left);
    const sumB = addProducts(b0, b, v, left);
    a0 = a1;
    a1 = a2;
    a2 = a3;
    a3 = sumA;
    b0 = b1;
    b1 = b2;
    b2 = b3;
    b3 = sumB;
  }
  return foldPair(foldVectors(a0, a1, a2, a3), foldVectors(b0, b1, b2, b3));
}

/** y[i] = (sum of row i of x) / divisor, x of rows x n. Order (b). */
export function sumColumns(x: usize, y: usize, rows: i32, n: i32, divisor: f32): void {
  for (let i = 0; i < rows; i++, x += <usize>n << 2, y += 4) f32.store(y, foldLane(sumVectors(x, n)) / divisor);
}

/** Order (c) for m neighbours, each of them a row, or their products with those at z, unless that is 0. */
function sumColumn(x: usize, z: usize, m: i32): f32 {
  let total: f32 = 0;
  for (let first = 0; first < m; first += BLOCK) {
    let partials = f32x4.splat(0);
    for (let left = min(BLOCK, m - first); left > 0; left -= 4, x += 16) {
      let v = v128.load(x);
      if (z) {
        v = f32x4.mul(v, v128.load(z));
        z += 16;
      }
      partials = f32x4.add(partials, v128.and(v, firstLanes(left)));
    }
    const sum = foldLane(partials);
    total = first ? total + sum : sum;
  }
  return total;
}

/** Order (c) for the four columns at x: the sum over m rows that lie `stride` bytes apart, in blocks of `block` rows. */
function sumOfRows(x: usize, m: i32, stride: usize, block: i32): v128 {
  let total = f32x4.splat(0);
  for (let first = 0; first < m; first += block) {
    const end = min(first + block, m);
    let partial = f32x4.splat(0);
    for (let i = first; i < end; i++, x += stride) partial = f32x4.add(partial, v128.load(x));
    total = first ? f32x4.add(total, partial) : partial;
  }
  return total;
}

/**
 * y[o][j] = (sum over i of x[o][i][j]) / divisor, x of outer x m x n. Order (c). Rows of x and y lie `rs` apart, or n where that
 * is 0. With `whole` the rows are one block: so partial sums of blocks are added. A single column is multiplied by the one at z, unless that is 0.
 */
export function sumRows(x: usize, y: usize, outer: i32, m: i32, n: i32, divisor: f32, rs: i32, whole: i32, z: usize): void {
  const stride = <usize>(rs ? rs : n) << 2;
  const block = whole ? m : BLOCK;
  const by = f32x4.splat(divisor);
  for (let o = 0; o < outer; o++, x += <usize>m * stride, y += stride) {
    if (stride == 4 && !whole) {
      f32.store(y, sumColumn(x, z, m) / divisor);
      continue;
    }
    for (let j = 0; j < n; j += 4) {
      const at = <usize>j << 2;
      storePart(y + at, f32x4.div(sumOfRows(x + at, m, stride, block), by), n - j);
    }
  }
}

/** The largest of n neighbours, but for the last two folds. A NaN may be passed over. */
function largestOf(x: usize, n: i32): v128 {
  let top = f32x4.splat(-INFINITY);
  let left = n;
  for (; left >= 4; left -= 4, x += 16) top = f32x4.pmax(top, v128.load(x));
  return f32x4.pmax(top, v128.bitselect(v128.load(x), f32x4.splat(-INFINITY), firstLanes(left)));
}

/** The largest of each of four rows of n. */
export function largestOfFour(x0: usize, x1: usize, x2: usize, x3: usize, n: i32): v128 {
  const a = largestOf(x0, n);
  const b = largestOf(x1, n);
  const c = largestOf(x2, n);
  const d = largestOf(x3, n);
  const ab = f32x4.pmax(v128.shuffle<f64>(a, b, 0, 2), v128.shuffle<f64>(a, b, 1, 3));
  const cd = f32x4.pmax(v128.shuffle<f64>(c, d, 0, 2), v128.shuffle<f64>(c, d, 1, 3));
  return f32x4.pmax(v128.shuffle<f32>(ab, cd, 0, 2, 4, 6), v128.shuffle<f32>(ab, cd, 1, 3, 5, 7));
}

/** y[i] = the largest (sign = 1) or smallest (sign = -1) element of row i; NaN where the row has one. */
export function extremeColumns(x: usize, y: usize, rows: i32, n: i32, sign: f32): void {
  for (let i = 0; i < rows; i++, y += 4) {
    let top: f32 = -INFINITY;
    for (let j = 0; j < n; j++, x += 4) top = max(top, sign * f32.load(x));
    f32.store(y, sign * top);
  }
}

/** y[i] = the index of the first largest (sign = 1) or smallest (sign = -1) element of row i; a NaN is beyond both. */
export function indexExtreme(x: usize, y: usize, rows: i32, n: i32, sign: f32): void {
  for (let i = 0; i < rows; i++, y += 4) {
    let top: f32 = sign * f32.load(x);
    let at = 0;
    for (let j = 0; j < n; j++, x += 4) {
      const v = sign * f32.load(x);
      if (top == top && !(v <= top)) {
        top = v;
        at = j;
      }
    }
    i32.store(y, at);
  }
}

/** y = x - top for n neighbours; it may write past them, but not past `end`. */
export function lowerRow(x: usize, y: usize, n: i32, top: v128, end: usize): void {
  for (let left = n; left > 0; left -= 4, x += 16, y += 16) {
    storePart(y, f32x4.sub(v128.load(x), top), <i32>(end - y) >> 2);
  }
}

/** x = exp(x) from x to `end`. Tested at its end, the loop has its many constants in registers. */
export function expInPlace(x: usize, end: usize): void {
  if (x >= end) return;
  do {
    storePart(x, exp(v128.load(x)), <i32>(end - x) >> 2);
    x += 16;
  } while (x < end);
}

/** y[i] = softmax of row i, or its logarithm x - max - log(sum exp(x - max)). */
export function softmaxColumns(x: usize, y: usize, rows: i32, n: i32, logarithm: i32): void {
  const row = <usize>n << 2;
  for (let i = 0; i < rows; i++, x += row, y += row) {
    const end = y + row;
    const top = largestOfFour(x, x, x, x, n);
    lowerRow(x, y, n, top, end);
    expInPlace(y, end);
    const sum = f32x4.splat(foldLane(sumVectors(y, n)));
    const shift = log(sum);
    if (logarithm) lowerRow(x, y, n, top, end);
    for (let left = n, at = y; left > 0; left -= 4, at += 16) {
      const v = v128.load(at);
      storePart(at, logarithm ? f32x4.sub(v, shift) : f32x4.div(v, sum), left);
    }
  }
}
