import { Activation, BLOCK, PACKED_COLUMNS, PACKED_ROWS, PANEL } from './kernel';
import { foldPairs, multiplyAdd, relu, storePart } from './lanes';
import { dotOfTwo } from './reduce';

/** b is used where it lies if its rows are contiguous and the block fits into the first-level cache. */
const UNPACKED: i32 = 4096;

/** Columns of a are packed into rows if a block of them is spread over more bytes than this: then they share few cache sets. */
const FAR: i32 = 65536;
/** Packing a pays for itself over more columns of c than this. */
const FEW_COLUMNS: i32 = 64;

const FIRST: i32 = 1;
const LAST: i32 = 2;

/** panel[p][j] = b[p][j], a k x 16 panel from rows that lie `stride` bytes apart. */
function packRows(b: usize, stride: usize, panel: usize, k: i32): void {
  for (let p = 0; p < k; p++, b += stride, panel += 64) {
    v128.store(panel, v128.load(b));
    v128.store(panel, v128.load(b, 16), 16);
    v128.store(panel, v128.load(b, 32), 32);
    v128.store(panel, v128.load(b, 48), 48);
  }
}

/** Four columns of a panel from four columns of b, each of which is contiguous: 4 x 4 blocks are transposed in registers. */
function packFour(c0: usize, c1: usize, c2: usize, c3: usize, panel: usize, k: i32): void {
  let p = 0;
  for (; p + 4 <= k; p += 4, c0 += 16, c1 += 16, c2 += 16, c3 += 16, panel += 256) {
    const v0 = v128.load(c0);
    const v1 = v128.load(c1);
    const v2 = v128.load(c2);
    const v3 = v128.load(c3);
    const l01 = v128.shuffle<f32>(v0, v1, 0, 4, 1, 5);
    const l23 = v128.shuffle<f32>(v2, v3, 0, 4, 1, 5);
    const h01 = v128.shuffle<f32>(v0, v1, 2, 6, 3, 7);
    const h23 = v128.shuffle<f32>(v2, v3, 2, 6, 3, 7);
    v128.store(panel, v128.shuffle<f64>(l01, l23, 0, 2));
    v128.store(panel, v128.shuffle<f64>(l01, l23, 1, 3), 64);
    v128.store(panel, v128.shuffle<f64>(h01, h23, 0, 2), 128);
    v128.store(panel, v128.shuffle<f64>(h01, h23, 1, 3), 192);
  }
  for (; p < k; p++, c0 += 4, c1 += 4, c2 += 4, c3 += 4, panel += 64) {
    f32.store(panel, f32.load(c0));
    f32.store(panel, f32.load(c1), 4);
    f32.store(panel, f32.load(c2), 8);
    f32.store(panel, f32.load(c3), 12);
  }
}

/** The same panel from columns that lie `stride` bytes apart. Columns past the last repeat it; nobody stores their sums. */
function packColumns(b: usize, stride: usize, panel: usize, k: i32, columns: i32): void {
  const last = columns - 1;
  for (let j = 0; j < PANEL; j += 4) {
    const c0 = b + <usize>min(j, last) * stride;
    const c1 = b + <usize>min(j + 1, last) * stride;
    const c2 = b + <usize>min(j + 2, last) * stride;
    const c3 = b + <usize>min(j + 3, last) * stride;
    packFour(c0, c1, c2, c3, panel + (<usize>j << 2), k);
  }
}

/** v where the gate at g is above 0, else 0. */
function open(v: v128, g: usize): v128 {
  return v128.and(v, f32x4.gt(v128.load(g), f32x4.splat(0)));
}

// How many vectors wide a tile is, as a type, so that the compiler leaves out what a narrow one does not need.

class One { a: u8; }
class Two { a: u8; b: u8; }
class Three { a: u8; b: u8; c: u8; }
class Four { a: u8; b: u8; c: u8; d: u8; }

/** The first `columns` elements of a row of a tile; only the last vector may be partial. */
function storeRow<W>(c: usize, v0: v128, v1: v128, v2: v128, v3: v128, columns: i32): void {
  if (offsetof<W>() == 1) storePart(c, v0, columns);
  else v128.store(c, v0);
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
 *     a  x      [ p0 | p1 | p2 | p3 ]   row c0 of c
 *        y      [ q0 | q1 | q2 | q3 ]   row c1 of c; the same row twice where only one is left
 *
 * The gates of c lie `gate` bytes from it.
 */
function tiles<W>(
  a: usize, rowA: usize, sa: usize, b: usize, sb: usize, k: i32, c: usize, rowC: usize, m: i32, columns: i32, mode: i32, bias: usize, activation: Activation,
  gate: usize,
): void {
  for (; m > 0; m -= 2, a += rowA << 1, c += rowC << 1) {
    const c0 = c;
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
      if (offsetof<W>() > 1) {
        v = v128.load(bp, 16);
        p1 = multiplyAdd(p1, x, v);
        q1 = multiplyAdd(q1, y, v);
      }
      if (offsetof<W>() > 2) {
        v = v128.load(bp, 32);
        p2 = multiplyAdd(p2, x, v);
        q2 = multiplyAdd(q2, y, v);
      }
      if (offsetof<W>() > 3) {
        v = v128.load(bp, 48);
        p3 = multiplyAdd(p3, x, v);
        q3 = multiplyAdd(q3, y, v);
      }
    }
    if (!(mode & FIRST)) {
      p0 = f32x4.add(v128.load(c0), p0);
      q0 = f32x4.add(v128.load(c1), q0);
      if (offsetof<W>() > 1) {
        p1 = f32x4.add(v128.load(c0, 16), p1);
        q1 = f32x4.add(v128.load(c1, 16), q1);
      }
      if (offsetof<W>() > 2) {
        p2 = f32x4.add(v128.load(c0, 32), p2);
        q2 = f32x4.add(v128.load(c1, 32), q2);
      }
      if (offsetof<W>() > 3) {
        p3 = f32x4.add(v128.load(c0, 48), p3);
        q3 = f32x4.add(v128.load(c1, 48), q3);
      }
    }
    if (mode & LAST) {
      if (bias) {
        p0 = f32x4.add(p0, v128.load(bias));
        q0 = f32x4.add(q0, v128.load(bias));
        if (offsetof<W>() > 1) {
          p1 = f32x4.add(p1, v128.load(bias, 16));
          q1 = f32x4.add(q1, v128.load(bias, 16));
        }
        if (offsetof<W>() > 2) {
          p2 = f32x4.add(p2, v128.load(bias, 32));
          q2 = f32x4.add(q2, v128.load(bias, 32));
        }
        if (offsetof<W>() > 3) {
          p3 = f32x4.add(p3, v128.load(bias, 48));
          q3 = f32x4.add(q3, v128.load(bias, 48));
        }
      }
      if (activation == Activation.relu) {
        p0 = relu(p0);
        q0 = relu(q0);
        if (offsetof<W>() > 1) {
          p1 = relu(p1);
          q1 = relu(q1);
        }
        if (offsetof<W>() > 2) {
          p2 = relu(p2);
          q2 = relu(q2);
        }
        if (offsetof<W>() > 3) {
          p3 = relu(p3);
          q3 = relu(q3);
        }
      }
      if (gate) {
        p0 = open(p0, c0 + gate);
        q0 = open(q0, c1 + gate);
        if (offsetof<W>() > 1) {
          p1 = open(p1, c0 + gate + 16);
          q1 = open(q1, c1 + gate + 16);
        }
        if (offsetof<W>() > 2) {
          p2 = open(p2, c0 + gate + 32);
          q2 = open(q2, c1 + gate + 32);
        }
        if (offsetof<W>() > 3) {
          p3 = open(p3, c0 + gate + 48);
          q3 = open(q3, c1 + gate + 48);
        }
      }
    }
    storeRow<W>(c0, p0, p1, p2, p3, columns);
    storeRow<W>(c1, q0, q1, q2, q3, columns);
  }
}

/** block[i][p] = a[i][p], rows of `depth` from columns that lie `step` bytes apart; rows come in fours, the last ones past m. */
function packLeft(a: usize, step: usize, block: usize, rows: i32, k: i32): void {
  const row = <usize>k << 2;
  for (let i = 0; i < rows; i += 4, a += 16, block += row << 2) {
    let from = a;
    let to = block;
    let p = 0;
    for (; p + 4 <= k; p += 4, from += step << 2, to += 16) {
      const v0 = v128.load(from);
      const v1 = v128.load(from + step);
      const v2 = v128.load(from + 2 * step);
      const v3 = v128.load(from + 3 * step);
      const l01 = v128.shuffle<f32>(v0, v1, 0, 4, 1, 5);
      const l23 = v128.shuffle<f32>(v2, v3, 0, 4, 1, 5);
      const h01 = v128.shuffle<f32>(v0, v1, 2, 6, 3, 7);
      const h23 = v128.shuffle<f32>(v2, v3, 2, 6, 3, 7);
      v128.store(to, v128.shuffle<f64>(l01, l23, 0, 2));
      v128.store(to + row, v128.shuffle<f64>(l01, l23, 1, 3));
      v128.store(to + 2 * row, v128.shuffle<f64>(h01, h23, 0, 2));
      v128.store(to + 3 * row, v128.shuffle<f64>(h01, h23, 1, 3));
    }
    for (; p < k; p++, from += step, to += 4) {
      f32.store(to, f32.load(from));
      f32.store(to + row, f32.load(from, 4));
      f32.store(to + 2 * row, f32.load(from, 8));
      f32.store(to + 3 * row, f32.load(from, 12));
    }
  }
}

/** One block of k for all rows of c and the columns of one panel block. Panels lie `panelStep` bytes apart. */
function multiplyBlock(
  a: usize, rowA: usize, sa: usize, b: usize, sb: usize, panelStep: usize, c: usize, rowC: usize, m: i32, n: i32, k: i32, mode: i32, bias: usize,
  activation: Activation, gate: usize, left: usize,
): void {
  const packed = rowA == 4 && sa != 4 && k * <i32>sa > FAR && n > FEW_COLUMNS;
  const rowL = packed ? <usize>k << 2 : rowA;
  const sl: usize = packed ? 4 : sa;
  for (let first = 0; first < m; first += PACKED_ROWS) {
    const end = min(first + PACKED_ROWS, m);
    let block = a + <usize>first * rowA;
    if (packed) {
      packLeft(block, sa, left, end - first, k);
      block = left;
    }
    for (let j = 0; j < n; j += PANEL) {
      const panel = b + <usize>(j >> 4) * panelStep;
      const offset = <usize>j << 2;
      const to = c + <usize>first * rowC + offset;
      const rows = end - first;
      const columns = n - j;
      const biasAt = bias ? bias + offset : 0;
      if (columns > 12) tiles<Four>(block, rowL, sl, panel, sb, k, to, rowC, rows, columns, mode, biasAt, activation, gate);
      else if (columns > 8) tiles<Three>(block, rowL, sl, panel, sb, k, to, rowC, rows, columns, mode, biasAt, activation, gate);
      else if (columns > 4) tiles<Two>(block, rowL, sl, panel, sb, k, to, rowC, rows, columns, mode, biasAt, activation, gate);
      else tiles<One>(block, rowL, sl, panel, sb, k, to, rowC, rows, columns, mode, biasAt, activation, gate);
    }
  }
}

/**
 * c = activation(a b + bias) with a of m x k, b of k x n, c of m x n and bias of n, or 0 for none. Order (a).
 * Where `gate` (m x n, or 0 for none) is not above 0, c is 0: the gradient through a relu that gave `gate`.
 * a has any strides; of b's, one is 1; rows of c and of the gate lie rsC apart, or n where that is 0. `panels` is overwritten: it holds the packed block of b, up to 256 x 512 floats, and after
 * it that of a, up to 64 x 256, where a's columns are not contiguous. c overlaps nothing.
 */
export function product(
  a: usize, rsA: i32, csA: i32, b: usize, rsB: i32, csB: i32, c: usize, m: i32, n: i32, k: i32, bias: usize, activation: Activation, panels: usize,
  gate: usize, rsC: i32,
): void {
  const rowC = <usize>(rsC ? rsC : n) << 2;
  const rowB = <usize>rsB << 2;
  const columnB = <usize>csB << 2;
  const left = panels + (<usize>(min(k, BLOCK) * ((min(n, PACKED_COLUMNS) + PANEL - 1) & -PANEL)) << 2);
  for (let j = 0; j < n; j += PACKED_COLUMNS) {
    const columns = min(n - j, PACKED_COLUMNS);
    for (let p = 0; p == 0 || p < k; p += BLOCK) {
      const depth = min(k - p, BLOCK);
      const mode = (p == 0 ? FIRST : 0) | (p + BLOCK >= k ? LAST : 0);
      const block = b + <usize>p * rowB + <usize>j * columnB;
      const inPlace = csB == 1 && (m <= 2 || depth * columns <= UNPACKED);
      if (!inPlace) {
        const panelBytes = <usize>depth << 6;
        for (let q = 0, panel = panels; q < columns; q += PANEL, panel += panelBytes) {
          if (csB == 1) packRows(block + (<usize>q << 2), rowB, panel, depth);
          else packColumns(block + <usize>q * columnB, columnB, panel, depth, columns - q);
        }
      }
      multiplyBlock(
        a + ((<usize>p * csA) << 2), <usize>rsA << 2, <usize>csA << 2,
        inPlace ? block : panels, inPlace ? rowB : 64, inPlace ? 64 : <usize>depth << 6,
        c + (<usize>j << 2), rowC, m, columns, depth, mode, bias ? bias + (<usize>j << 2) : 0, activation, gate ? gate - c : 0, left,
      );
    }
  }
}

/** The same for n columns, which lie `stepB` bytes apart, four at a time; `shared`: they have one bias. */
function narrowRows(
  a: usize, b: usize, stepB: usize, c: usize, m: i32, n: i32, k: i32, bias: usize, shared: bool, activation: Activation,
): void {
  for (let i = 0; i < m; i++, a += <usize>k << 2) {
    for (let j = 0; j < n; j += 4) {
      const left = n - j;
      const b0 = b + <usize>j * stepB;
      const b1 = left > 1 ? b0 + stepB : b0;
      const low = dotOfTwo(b0, b1, a, k);
      let y = foldPairs(low, left > 2 ? dotOfTwo(b0 + (stepB << 1), left > 3 ? b1 + (stepB << 1) : b1, a, k) : low);
      if (bias) y = f32x4.add(y, shared ? v128.load32_splat(bias) : v128.load(bias + (<usize>j << 2)));
      if (activation == Activation.relu) y = relu(y);
      storePart(c + (<usize>j << 2), y, left);
    }
    c += <usize>n << 2;
  }
}

/**
 * c = activation(a b + bias) for fewer than 8 columns: a dot product an output. Order (b). The rows of a and the columns of b
 * are contiguous; columns of b lie `csB` apart. One column counts as one row, and the rows as columns.
 */
export function productNarrow(
  a: usize, b: usize, csB: i32, c: usize, m: i32, n: i32, k: i32, bias: usize, activation: Activation,
): void {
  if (n == 1) narrowRows(b, a, <usize>k << 2, c, 1, m, k, bias, true, activation);
  else narrowRows(a, b, <usize>csB << 2, c, m, n, k, bias, false, activation);
}
