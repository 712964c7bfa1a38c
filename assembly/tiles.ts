import { Activation } from './kernel';
import { multiplyAdd, relu, storePart } from './lanes';

/** Of a product's blocks of k, this is the first: what stands in c is overwritten. */
export const FIRST: i32 = 1;
/** It is the last: bias, activation and gate follow. */
export const LAST: i32 = 2;

/** v where the gate at g is above 0, else 0. */
function open(v: v128, g: usize): v128 {
  return v128.and(v, f32x4.gt(v128.load(g), f32x4.splat(0)));
}

// How many vectors wide a tile is, as a type, so that the compiler leaves out what a narrow one does not need.

export class Two { a: u8; b: u8; }
export class Three { a: u8; b: u8; c: u8; }
export class Four { a: u8; b: u8; c: u8; d: u8; }

/** The first `columns` elements of a row of a tile; only the last vector may be partial. */
function storeRow<W>(c: usize, v0: v128, v1: v128, v2: v128, v3: v128, columns: i32): void {
  v128.store(c, v0);
  if (offsetof<W>() == 2) storePart(c + 16, v1, columns - 4);
  else if (offsetof<W>() > 2) v128.store(c, v1, 16);
  if (offsetof<W>() == 3) storePart(c + 32, v2, columns - 8);
  else if (offsetof<W>() > 3) v128.store(c, v2, 32);
  if (offsetof<W>() == 4) storePart(c + 48, v3, columns - 12);
}

/**
 * Tiles of 2 rows and 16 columns, one below the other, over one block of k: eight accumulators stay in registers.
 *
 *            b  [ b0 | b1 | b2 | b3 ]   k rows, sb bytes apart
 *     a  x      [ p0 | p1 | p2 | p3 ]   row c of c
 *        y      [ q0 | q1 | q2 | q3 ]   row c1 of c; the same row twice where only one is left
 *
 * The gates of c lie `gate` bytes from it.
 */
export function tiles<W>(
  a: usize, rowA: usize, sa: usize, b: usize, sb: usize, k: i32, c: usize, rowC: usize, m: i32, columns: i32, mode: i32, bias: usize, activation: Activation,
  gate: usize,
): void {
  for (; m > 0; m -= 2, a += rowA << 1, c += rowC << 1) {
    const c1 = m > 1 ? c + rowC : c;
    let ax = a;
    let ay = m > 1 ? a + rowA : a;
    let bp = b;
    let p0 = f32x4.splat(0);
    let p1 = p0;
    let p2 = p0;
    let p3 = p0;
    let q0 = p0;
    let q1 = p0;
    let q2 = p0;
    let q3 = p0;
    for (let p = k; p > 0; p--, ax += sa, ay += sa, bp += sb) {
      const x = v128.load32_splat(ax);
      const y = v128.load32_splat(ay);
      let v = v128.load(bp);
      p0 = multiplyAdd(p0, x, v);
      q0 = multiplyAdd(q0, y, v);
      v = v128.load(bp, 16);
      p1 = multiplyAdd(p1, x, v);
      q1 = multiplyAdd(q1, y, v);
      if (offsetof<W>() > 2) { v = v128.load(bp, 32); p2 = multiplyAdd(p2, x, v); q2 = multiplyAdd(q2, y, v); }
      if (offsetof<W>() > 3) { v = v128.load(bp, 48); p3 = multiplyAdd(p3, x, v); q3 = multiplyAdd(q3, y, v); }
    }
    if (!(mode & FIRST)) {
      p0 = f32x4.add(v128.load(c), p0);
      q0 = f32x4.add(v128.load(c1), q0);
      p1 = f32x4.add(v128.load(c, 16), p1);
      q1 = f32x4.add(v128.load(c1, 16), q1);
      if (offsetof<W>() > 2) { p2 = f32x4.add(v128.load(c, 32), p2); q2 = f32x4.add(v128.load(c1, 32), q2); }
      if (offsetof<W>() > 3) { p3 = f32x4.add(v128.load(c, 48), p3); q3 = f32x4.add(v128.load(c1, 48), q3); }
    }
    if (mode & LAST) {
      if (bias) {
        p0 = f32x4.add(p0, v128.load(bias));
        q0 = f32x4.add(q0, v128.load(bias));
        p1 = f32x4.add(p1, v128.load(bias, 16));
        q1 = f32x4.add(q1, v128.load(bias, 16));
        if (offsetof<W>() > 2) { p2 = f32x4.add(p2, v128.load(bias, 32)); q2 = f32x4.add(q2, v128.load(bias, 32)); }
        if (offsetof<W>() > 3) { p3 = f32x4.add(p3, v128.load(bias, 48)); q3 = f32x4.add(q3, v128.load(bias, 48)); }
      }
      if (activation == Activation.relu) {
        p0 = relu(p0);
        q0 = relu(q0);
        p1 = relu(p1);
        q1 = relu(q1);
        if (offsetof<W>() > 2) { p2 = relu(p2); q2 = relu(q2); }
        if (offsetof<W>() > 3) { p3 = relu(p3); q3 = relu(q3); }
      }
      if (gate) {
        p0 = open(p0, c + gate);
        q0 = open(q0, c1 + gate);
        p1 = open(p1, c + gate + 16);
        q1 = open(q1, c1 + gate + 16);
        if (offsetof<W>() > 2) { p2 = open(p2, c + gate + 32); q2 = open(q2, c1 + gate + 32); }
        if (offsetof<W>() > 3) { p3 = open(p3, c + gate + 48); q3 = open(q3, c1 + gate + 48); }
      }
    }
    storeRow<W>(c, p0, p1, p2, p3, columns);
    storeRow<W>(c1, q0, q1, q2, q3, columns);
  }
}

/** The same for up to 4 columns: in tiles of 4 rows there are as many sums under way as an addition takes cycles. */
export function slimTiles(
  a: usize, rowA: usize, sa: usize, b: usize, sb: usize, k: i32, c: usize, rowC: usize, m: i32, columns: i32, mode: i32, bias: usize, activation: Activation,
  gate: usize,
): void {
  for (; m > 0; m -= 4, a += rowA << 2) {
    let a0 = a;
    let a1 = m > 1 ? a0 + rowA : a;
    let a2 = m > 2 ? a1 + rowA : a;
    let a3 = m > 3 ? a2 + rowA : a;
    let bp = b;
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    for (let p = k; p > 0; p--, a0 += sa, a1 += sa, a2 += sa, a3 += sa, bp += sb) {
      const v = v128.load(bp);
      s0 = multiplyAdd(s0, v128.load32_splat(a0), v);
      s1 = multiplyAdd(s1, v128.load32_splat(a1), v);
      s2 = multiplyAdd(s2, v128.load32_splat(a2), v);
      s3 = multiplyAdd(s3, v128.load32_splat(a3), v);
    }
    for (let rows = min(m, 4); rows > 0; rows--, c += rowC) {
      if (!(mode & FIRST)) s0 = f32x4.add(v128.load(c), s0);
      if (mode & LAST) {
        if (bias) s0 = f32x4.add(s0, v128.load(bias));
        if (activation == Activation.relu) s0 = relu(s0);
        if (gate) s0 = open(s0, c + gate);
      }
      storePart(c, s0, columns);
      s0 = s1;
      s1 = s2;
      s2 = s3;
    }
  }
}
