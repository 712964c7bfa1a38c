import { Activation, BLOCK, PACKED_COLUMNS, PACKED_ROWS, PANEL } from './kernel';
import { foldPairs, relu, storePart } from './lanes';
import { packColumns, packLeft, packRows } from './pack';
import { dotOfTwo } from './reduce';
import { FIRST, Four, LAST, slimTiles, Three, Two, tiles } from './tiles';

/** b is used where it lies if its rows are contiguous and the block fits into the first-level cache. */
const UNPACKED: i32 = 4096;

/** Columns of a are packed into rows if a block of them is spread over more bytes than this: then they share few cache sets. */
const FAR: i32 = 65536;
/** Packing a pays for itself over more columns of c than this. */
const FEW_COLUMNS: i32 = 64;

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
      else slimTiles(block, rowL, sl, panel, sb, k, to, rowC, rows, columns, mode, biasAt, activation, gate);
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
