import { Activation, BLOCK, PACKED_COLUMNS, PANEL } from './kernel';
import { storePart } from './lanes';
import { dotOf } from './reduce';

/** Rows of a that stay in the second-level cache while the panels of b pass. */
const ROWS: i32 = 64;
/** b is used where it lies if its rows are contiguous and the block fits into the first-level cache. */
const UNPACKED: i32 = 4096;

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

/**
 * A tile of 2 rows and 16 columns of c over one block of k: eight accumulators stay in registers.
 *
 *            b  [ b0 | b1 | b2 | b3 ]   k rows, sb bytes apart
 *     a  x      [ p0 | p1 | p2 | p3 ]   row c0 of c
 *     a1 y      [ q0 | q1 | q2 | q3 ]   row c1 of c; the same row twice where only one is left
 */
function tile(
  a: usize, a1: usize, sa: usize, b: usize, sb: usize, k: i32, c0: usize, c1: usize, columns: i32, mode: i32, bias: usize, activation: Activation,
): void {
  let p0 = f32x4.splat(0);
  let p1 = p0;
  let p2 = p0;
  let p3 = p0;
  let q0 = p0;
  let q1 = p0;
  let q2 = p0;
  let q3 = p0;
  for (; k > 0; k--, a += sa, a1 += sa, b += sb) {
    const x = v128.load32_splat(a);
    const y = v128.load32_splat(a1);
    let v = v128.load(b);
    p0 = f32x4.add(p0, f32x4.mul(x, v));
    q0 = f32x4.add(q0, f32x4.mul(y, v));
    v = v128.load(b, 16);
    p1 = f32x4.add(p1, f32x4.mul(x, v));
    q1 = f32x4.add(q1, f32x4.mul(y, v));
    v = v128.load(b, 32);
    p2 = f32x4.add(p2, f32x4.mul(x, v));
    q2 = f32x4.add(q2, f32x4.mul(y, v));
    v = v128.load(b, 48);
    p3 = f32x4.add(p3, f32x4.mul(x, v));
    q3 = f32x4.add(q3, f32x4.mul(y, v));
  }
  if (!(mode & FIRST)) {
    p0 = f32x4.add(v128.load(c0), p0);
    p1 = f32x4.add(v128.load(c0, 16), p1);
    p2 = f32x4.add(v128.load(c0, 32), p2);
    p3 = f32x4.add(v128.load(c0, 48), p3);
    q0 = f32x4.add(v128.load(c1), q0);
    q1 = f32x4.add(v128.load(c1, 16), q1);
    q2 = f32x4.add(v128.load(c1, 32), q2);
    q3 = f32x4.add(v128.load(c1, 48), q3);
  }
  if (mode & LAST) {
    if (bias) {
      p0 = f32x4.add(p0, v128.load(bias));
      p1 = f32x4.add(p1, v128.load(bias, 16));
      p2 = f32x4.add(p2, v128.load(bias, 32));
      p3 = f32x4.add(p3, v128.load(bias, 48));
      q0 = f32x4.add(q0, v128.load(bias));
      q1 = f32x4.add(q1, v128.load(bias, 16));
      q2 = f32x4.add(q2, v128.load(bias, 32));
      q3 = f32x4.add(q3, v128.load(bias, 48));
    }
    if (activation == Activation.relu) {
      const zero = f32x4.splat(0);
      p0 = f32x4.max(p0, zero);
      p1 = f32x4.max(p1, zero);
      p2 = f32x4.max(p2, zero);
      p3 = f32x4.max(p3, zero);
      q0 = f32x4.max(q0, zero);
      q1 = f32x4.max(q1, zero);
      q2 = f32x4.max(q2, zero);
      q3 = f32x4.max(q3, zero);
    }
  }
  if (columns >= PANEL) {
    v128.store(c0, p0);
    v128.store(c0, p1, 16);
    v128.store(c0, p2, 32);
    v128.store(c0, p3, 48);
    v128.store(c1, q0);
    v128.store(c1, q1, 16);
    v128.store(c1, q2, 32);
    v128.store(c1, q3, 48);
  } else {
    storeRow(c0, p0, p1, p2, p3, columns);
    storeRow(c1, q0, q1, q2, q3, columns);
  }
}

function storeRow(c: usize, v0: v128, v1: v128, v2: v128, v3: v128, columns: i32): void {
  storePart(c, v0, columns);
  if (columns > 4) storePart(c + 16, v1, columns - 4);
  if (columns > 8) storePart(c + 32, v2, columns - 8);
  if (columns > 12) storePart(c + 48, v3, columns - 12);
}

/** One block of k for all rows of c and the columns of one panel block. Panels lie `panelStep` bytes apart. */
function multiplyBlock(
  a: usize, rowA: usize, sa: usize, b: usize, sb: usize, panelStep: usize, c: usize, rowC: usize, m: i32, n: i32, k: i32, mode: i32, bias: usize,
  activation: Activation,
): void {
  for (let first = 0; first < m; first += ROWS) {
    const end = min(first + ROWS, m);
    for (let j = 0; j < n; j += PANEL) {
      const panel = b + <usize>(j >> 4) * panelStep;
      const offset = <usize>j << 2;
      for (let i = first; i < end; i += 2) {
        const ai = a + <usize>i * rowA;
        const ci = c + <usize>i * rowC + offset;
        const two = i + 1 < end;
        tile(ai, two ? ai + rowA : ai, sa, panel, sb, k, ci, two ? ci + rowC : ci, n - j, mode, bias ? bias + offset : 0, activation);
      }
    }
  }
}

/**
 * c = activation(a b + bias) with a of m x k, b of k x n, c of m x n contiguous and bias of n, or 0 for none. Order (a).
 * a has any strides; of b's, one is 1. `panels` holds 256 x 512 floats and is overwritten. c overlaps nothing.
 */
export function product(
  a: usize, rsA: i32, csA: i32, b: usize, rsB: i32, csB: i32, c: usize, m: i32, n: i32, k: i32, bias: usize, activation: Activation, panels: usize,
): void {
  const rowB = <usize>rsB << 2;
  const columnB = <usize>csB << 2;
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
        c + (<usize>j << 2), <usize>n << 2, m, columns, depth, mode, bias ? bias + (<usize>j << 2) : 0, activation,
      );
    }
  }
}

/**
 * c = activation(a b + bias) for fewer than 8 columns: a dot product an output. Order (b). The rows of a and the columns of b
 * are contiguous; columns of b lie `csB` apart.
 */
export function productNarrow(
  a: usize, b: usize, csB: i32, c: usize, m: i32, n: i32, k: i32, bias: usize, activation: Activation,
): void {
  for (let i = 0; i < m; i++, a += <usize>k << 2) {
    let column = b;
    for (let j = 0; j < n; j++, c += 4, column += <usize>csB << 2) {
      let y = dotOf(a, column, k);
      if (bias) y += f32.load(bias + (<usize>j << 2));
      if (activation == Activation.relu) y = max(y, 0);
      f32.store(c, y);
    }
  }
}
