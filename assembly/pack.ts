import { PANEL } from './kernel';

/** panel[p][j] = b[p][j], a k x 16 panel from rows that lie `stride` bytes apart. */
export function packRows(b: usize, stride: usize, panel: usize, k: i32): void {
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
export function packColumns(b: usize, stride: usize, panel: usize, k: i32, columns: i32): void {
  const last = columns - 1;
  for (let j = 0; j < PANEL; j += 4) {
    const c0 = b + <usize>min(j, last) * stride;
    const c1 = b + <usize>min(j + 1, last) * stride;
    const c2 = b + <usize>min(j + 2, last) * stride;
    const c3 = b + <usize>min(j + 3, last) * stride;
    packFour(c0, c1, c2, c3, panel + (<usize>j << 2), k);
  }
}

/** block[i][p] = a[i][p], rows of `depth` from columns that lie `step` bytes apart; rows come in fours, the last ones past m. */
export function packLeft(a: usize, step: usize, block: usize, rows: i32, k: i32): void {
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
