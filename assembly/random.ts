import { storePart } from './lanes';
import { cos, log, sin } from './math';

/** Philox4x32-10 (Salmon, Moraes, Dror and Shaw 2011): four random words from a counter of four words and a key of two. */
const MULTIPLIER_0: u64 = 0xd2511f53;
const MULTIPLIER_1: u64 = 0xcd9e8d57;
const WEYL_0: u32 = 0x9e3779b9;
const WEYL_1: u32 = 0xbb67ae85;
const ROUNDS: i32 = 10;

export function philox(c0: u32, c1: u32, c2: u32, c3: u32, k0: u32, k1: u32): v128 {
  for (let round = 0; round < ROUNDS; round++, k0 += WEYL_0, k1 += WEYL_1) {
    const p0 = MULTIPLIER_0 * c0;
    const p1 = MULTIPLIER_1 * c2;
    c0 = <u32>(p1 >> 32) ^ c1 ^ k0;
    c1 = <u32>p1;
    c2 = <u32>(p0 >> 32) ^ c3 ^ k1;
    c3 = <u32>p0;
  }
  return i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(c0), 1, c1), 2, c2), 3, c3);
}

/** The top 24 bits of each word as a float in [0, 1). */
function unit(words: v128): v128 {
  return f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_u(words, 8)), f32x4.splat(5.960464477539063e-8));
}

/** y[i] = low + (high - low) u. Four elements a block; block b of the fill has the counter (first + b, 0, stream, 0). */
export function fillUniform(y: usize, n: i32, k0: i32, k1: i32, stream: i32, first: i32, low: f32, high: f32): void {
  const base = f32x4.splat(low);
  const range = f32x4.splat(high - low);
  for (let left = n; left > 0; left -= 4, y += 16, first++) {
    storePart(y, f32x4.add(base, f32x4.mul(range, unit(philox(first, 0, stream, 0, k0, k1)))), left);
  }
}

/** y[i] = mean + deviation z. Box and Muller 1958: words 0 and 1 of a block are radii, 2 and 3 angles; two cosines, two sines. */
export function fillNormal(y: usize, n: i32, k0: i32, k1: i32, stream: i32, first: i32, mean: f32, deviation: f32): void {
  for (let left = n; left > 0; left -= 4, y += 16, first++) {
    const u = unit(philox(first, 0, stream, 0, k0, k1));
    const above = f32x4.sub(f32x4.splat(1), v128.shuffle<f32>(u, u, 0, 1, 0, 1));
    const angle = f32x4.mul(v128.shuffle<f32>(u, u, 2, 3, 2, 3), f32x4.splat(6.2831854820251465));
    const radius = f32x4.sqrt(f32x4.mul(f32x4.splat(-2), log(above)));
    const turn = v128.shuffle<f32>(cos(angle), sin(angle), 0, 1, 4, 5);
    storePart(y, f32x4.add(f32x4.splat(mean), f32x4.mul(f32x4.splat(deviation), f32x4.mul(radius, turn))), left);
  }
}

/**
 * y[i] = scale where u >= p, else 0. Four elements a block; block b has the counter (first + b, forwards, stream, place), of which
 * `forwards` stands in memory and grows from one pass to the next.
 */
export function fillMask(
  y: usize, n: i32, k0: i32, k1: i32, stream: i32, place: i32, forwards: usize, p: f32, scale: f32, first: i32,
): void {
  const pass = i32.load(forwards);
  const kept = f32x4.splat(scale);
  const low = f32x4.splat(p);
  for (let left = n, b = first; left > 0; left -= 4, y += 16, b++) {
    storePart(y, v128.and(kept, f32x4.ge(unit(philox(b, pass, stream, place, k0, k1)), low)), left);
  }
}

/** Rows before this one are placed two by a word: the product of two such counts is small enough that few words are drawn again. */
const IN_PAIRS: u32 = 1 << 14;

/** Row i takes the place of one of the rows up to itself, which moves to the end. */
function place(order: usize, i: u32, j: u32): void {
  const at = order + (<usize>j << 2);
  i32.store(order + (<usize>i << 2), i32.load(at));
  i32.store(at, i);
}

/** Is what a word leaves, after a draw in so many ways, of those that would make some likelier than others (Lemire 2019)? */
function isBiased(rest: u32, ways: u32): bool {
  return rest < ways && rest < (0 - ways) % ways;
}

/**
 * A step of Fisher and Yates, inside out: places row i, or rows i and i + 1 (Brackett-Rozinsky and Lemire 2024), by a word, and
 * returns the next row: i where the word must be drawn again.
 */
function placeDrawn(order: usize, i: u32, n: u32, word: u32): u32 {
  if (i >= n) return i;
  const one = <u64>word * (i + 1);
  if (i >= IN_PAIRS) {
    if (isBiased(<u32>one, i + 1)) return i;
    place(order, i, <u32>(one >> 32));
    return i + 1;
  }
  const two = <u64>(<u32>one) * (i + 2);
  if (isBiased(<u32>two, (i + 1) * (i + 2))) return i;
  place(order, i, <u32>(one >> 32));
  if (i + 1 < n) place(order, i + 1, <u32>(two >> 32));
  return i + 2;
}

/** The upper halves of the products of four words each. */
function upper(x: v128, y: v128): v128 {
  return v128.shuffle<i32>(i64x2.extmul_low_i32x4_u(x, y), i64x2.extmul_high_i32x4_u(x, y), 1, 3, 5, 7);
}

/** Stores four blocks, one after the other, of which c0 … c3 have the first to the fourth word. */
function storeBlocks(y: usize, c0: v128, c1: v128, c2: v128, c3: v128): void {
  const low01 = v128.shuffle<i32>(c0, c1, 0, 4, 1, 5);
  const low23 = v128.shuffle<i32>(c2, c3, 0, 4, 1, 5);
  const high01 = v128.shuffle<i32>(c0, c1, 2, 6, 3, 7);
  const high23 = v128.shuffle<i32>(c2, c3, 2, 6, 3, 7);
  v128.store(y, v128.shuffle<i64>(low01, low23, 0, 2));
  v128.store(y, v128.shuffle<i64>(low01, low23, 1, 3), 16);
  v128.store(y, v128.shuffle<i64>(high01, high23, 0, 2), 32);
  v128.store(y, v128.shuffle<i64>(high01, high23, 1, 3), 48);
}

/**
 * order = a permutation of 0 … n-1; it depends on the key, stream and pass. Words come from Philox's blocks (b, pass, stream, 0)
 * in order; eight blocks are computed at a time, in the lanes of two sets of vectors: one would wait for its own products.
 *
 *     room: | 32 words | keys of the rounds, 20 | multipliers, 2 |
 *
 * The constants are read from there, as an engine would build those of the code anew in each round.
 */
export function permute(order: usize, n: i32, k0: i32, k1: i32, stream: i32, pass: i32, room: usize): void {
  const keys = room + 128;
  const end = keys + (ROUNDS << 3);
  for (let key = keys; key < end; key += 8, k0 += WEYL_0, k1 += WEYL_1) {
    i32.store(key, k0);
    i32.store(key, k1, 4);
  }
  i32.store(end, <i32>MULTIPLIER_0);
  i32.store(end, <i32>MULTIPLIER_1, 4);
  const m0 = v128.load32_splat(end);
  const m1 = v128.load32_splat(end, 4);
  let blocks = i32x4(0, 1, 2, 3);
  for (let i = 0; i < n; blocks = i32x4.add(blocks, i32x4.splat(8))) {
    let c0 = blocks;
    let c1 = i32x4.splat(pass);
    let c2 = i32x4.splat(stream);
    let c3 = i32x4.splat(0);
    let d0 = i32x4.add(blocks, i32x4.splat(4));
    let d1 = c1;
    let d2 = c2;
    let d3 = c3;
    for (let key = keys; key < end; key += 8) {
      const key0 = v128.load32_splat(key);
      const key1 = v128.load32_splat(key, 4);
      const c = v128.xor(upper(c2, m1), v128.xor(c1, key0));
      c1 = i32x4.mul(c2, m1);
      c2 = v128.xor(upper(c0, m0), v128.xor(c3, key1));
      c3 = i32x4.mul(c0, m0);
      c0 = c;
      const d = v128.xor(upper(d2, m1), v128.xor(d1, key0));
      d1 = i32x4.mul(d2, m1);
      d2 = v128.xor(upper(d0, m0), v128.xor(d3, key1));
      d3 = i32x4.mul(d0, m0);
      d0 = d;
    }
    storeBlocks(room, c0, c1, c2, c3);
    storeBlocks(room + 64, d0, d1, d2, d3);
    for (let word = room; word < keys; word += 4) i = placeDrawn(order, i, n, i32.load(word));
  }
}
