import { BLOCK } from './kernel';
import { firstLanes, fold, foldPair, foldPairs, foldVectors, INFINITY, loadPart, multiplyAdd, storePart } from './lanes';
import { exp, log } from './math';

/** Order (b): the sum of n neighbours. */
export function sumOf(x: usize, n: i32): f32 {
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
  if (left > 0) {
    s0 = f32x4.add(s0, loadPart(x, left));
    s1 = f32x4.add(s1, loadPart(x + 16, left - 4));
    s2 = f32x4.add(s2, loadPart(x + 32, left - 8));
    s3 = f32x4.add(s3, loadPart(x + 48, left - 12));
  }
  return fold(s0, s1, s2, s3);
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
  for (let i = 0; i < rows; i++, x += <usize>n << 2, y += 4) f32.store(y, sumOf(x, n) / divisor);
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
 * is 0. With `whole` the rows are one block: so partial sums of blocks are added.
 */
export function sumRows(x: usize, y: usize, outer: i32, m: i32, n: i32, divisor: f32, rs: i32, whole: i32): void {
  const stride = <usize>(rs ? rs : n) << 2;
  const block = whole ? m : BLOCK;
  const by = f32x4.splat(divisor);
  for (let o = 0; o < outer; o++, x += <usize>m * stride, y += stride) {
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

/** y = exp(x - top) for n neighbours, and their sum in order (b), but for the last two folds. */
export function expRow(x: usize, y: usize, n: i32, top: v128): v128 {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (let left = n; left > 0; left -= 4, x += 16, y += 16) {
    const e = v128.and(exp(f32x4.sub(v128.load(x), top)), firstLanes(left));
    storePart(y, e, left);
    const s = f32x4.add(s0, e);
    s0 = s1;
    s1 = s2;
    s2 = s3;
    s3 = s;
  }
  return foldVectors(s0, s1, s2, s3);
}

/** y[i] = softmax of row i, or its logarithm x - max - log(sum exp(x - max)). */
export function softmaxColumns(x: usize, y: usize, rows: i32, n: i32, logarithm: i32): void {
  for (let i = 0; i < rows; i++, x += <usize>n << 2, y += <usize>n << 2) {
    const top = largestOfFour(x, x, x, x, n);
    const sums = expRow(x, y, n, top);
    const sum = foldPairs(foldPair(sums, sums), foldPair(sums, sums));
    const shift = logarithm ? log(sum) : top;
    for (let left = n, at: usize = 0; left > 0; left -= 4, at += 16) {
      const part = logarithm
        ? f32x4.sub(f32x4.sub(v128.load(x + at), top), shift)
        : f32x4.div(v128.load(y + at), sum);
      storePart(y + at, part, left);
    }
  }
}
