import { loadPart } from './lanes';

/** Words are 4 bytes, floats or integers alike. The engine's own copy has a fixed cost that a few words are not worth. */
const FEW: i32 = 32;

export function copyWords(x: usize, y: usize, n: i32): void {
  if (n > FEW) {
    memory.copy(y, x, <usize>n << 2);
    return;
  }
  for (; n >= 4; n -= 4, x += 16, y += 16) v128.store(y, v128.load(x));
  for (; n > 0; n--, x += 4, y += 4) i32.store(y, i32.load(x));
}

export function fillWords(y: usize, n: i32, value: i32): void {
  const v = i32x4.splat(value);
  const end = y + (<usize>n << 2);
  for (; y < end; y += 16) v128.store(y, v);
}

function copyRow(x: usize, y: usize, n: i32, strideX: i32, strideY: i32): void {
  if (strideX == 1 && strideY == 1) {
    copyWords(x, y, n);
    return;
  }
  for (let i = 0; i < n; i++, x += <usize>strideX << 2, y += <usize>strideY << 2) i32.store(y, i32.load(x));
}

/**
 * y[i0][i1][i2][i3] = x[i0][i1][i2][i3]. The record's argument `axes` is three lists of four: sizes, strides of x, strides of y.
 */
export function copyStrided(x: usize, y: usize, axes: usize): void {
  const n0 = i32.load(axes);
  const n1 = i32.load(axes, 4);
  const n2 = i32.load(axes, 8);
  const n3 = i32.load(axes, 12);
  for (let i = 0; i < n0; i++) {
    for (let j = 0; j < n1; j++) {
      for (let l = 0; l < n2; l++) {
        const fromX = i * i32.load(axes, 16) + j * i32.load(axes, 20) + l * i32.load(axes, 24);
        const fromY = i * i32.load(axes, 32) + j * i32.load(axes, 36) + l * i32.load(axes, 40);
        copyRow(x + (<usize>fromX << 2), y + (<usize>fromY << 2), n3, i32.load(axes, 28), i32.load(axes, 44));
      }
    }
  }
}

/** y[i] = x[index[i]] for m rows of n words; NaN where the index, computed within the step, is none of x's rows. */
export function gatherRows(x: usize, index: usize, y: usize, m: i32, n: i32, rows: i32): void {
  const bytes = <usize>n << 2;
  for (let i = 0; i < m; i++, index += 4, y += bytes) {
    const at = i32.load(index);
    if (<u32>at < <u32>rows) copyWords(x + <usize>at * bytes, y, n);
    else for (let j = 0; j < n; j++) f32.store(y + (<usize>j << 2), <f32>NaN);
  }
}

/** y[index[i]] += x[i] for m rows of n floats, in order of i: the gradient of gatherRows. An index that is no row is passed over. */
export function scatterRows(x: usize, index: usize, y: usize, m: i32, n: i32, rows: i32): void {
  for (let i = 0; i < m; i++, index += 4, x += <usize>n << 2) {
    const row = i32.load(index);
    if (<u32>row >= <u32>rows) continue;
    const at = y + ((<usize>row * n) << 2);
    for (let j = 0; j < n; j++) {
      const offset = <usize>j << 2;
      f32.store(at + offset, f32.load(at + offset) + f32.load(x + offset));
    }
  }
}

/** Bits where one of n floats is NaN or infinite; for all others v - v is +0. */
function flawsOf(x: usize, n: i32): v128 {
  let flaws = i32x4.splat(0);
  for (let left = n; left > 0; left -= 4, x += 16) {
    const v = loadPart(x, left);
    flaws = v128.or(flaws, f32x4.sub(v, v));
  }
  return flaws;
}

function firstNonFinite(x: usize, n: i32): i32 {
  if (!v128.any_true(flawsOf(x, n))) return -1;
  let at = 0;
  while (abs(f32.load(x + (<usize>at << 2))) <= f32.MAX_VALUE) at++;
  return at;
}

/** found[c] = the index of the first NaN or infinity in chunk c of n floats, counted from the chunk's first, or -1. Chunk 0: n. */
export function findNonFinite(x: usize, n: i32, found: usize, chunk: i32): void {
  const size = chunk ? chunk : n;
  do {
    i32.store(found, firstNonFinite(x, min(n, size)));
    n -= size;
    x += <usize>size << 2;
    found += 4;
  } while (n > 0);
}

/** y += by, one integer. */
export function addToWord(y: usize, by: i32): void {
  i32.store(y, i32.load(y) + by);
}
