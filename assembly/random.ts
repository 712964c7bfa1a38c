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

/**
 * A step of Fisher and Yates: swaps the last of the first i + 1 with one of them, drawn by a word without bias (Lemire 2019),
 * and returns how many are left to do: i where the word must be drawn again.
 */
function swapDrawn(order: usize, i: i32, word: u32): i32 {
  if (i == 0) return 0;
  const count = <u32>i + 1;
  const scaled = <u64>word * count;
  if (<u32>scaled < count && <u32>scaled < (0 - count) % count) return i;
  const j = order + (<usize>(scaled >> 32) << 2);
  const last = order + (<usize>i << 2);
  const v = i32.load(j);
  i32.store(j, i32.load(last));
  i32.store(last, v);
  return i - 1;
}

/**
 * order = a permutation of 0 … n-1; it depends on the key, stream and pass. Words come from Philox's blocks (b, pass, stream, 0)
 * in order; four blocks are computed at a time, one to a lane, while the words of the four before are used.
 *
 *     room: | 16 words | multipliers, 2 | what keys grow by, 2 |
 *
 * The constants are read from there, as an engine would build those of the code anew in each round.
 */
export function permute(order: usize, n: i32, k0: i32, k1: i32, stream: i32, pass: i32, room: usize): void {
  let blocks = i32x4(0, 1, 2, 3);
  for (let i = 0; i < n; i += 4) v128.store(order + (<usize>i << 2), i32x4.add(blocks, i32x4.splat(i)));
  i32.store(room, <i32>MULTIPLIER_0, 64);
  i32.store(room, <i32>MULTIPLIER_1, 68);
  i32.store(room, WEYL_0, 72);
  i32.store(room, WEYL_1, 76);
  const m0 = v128.load32_splat(room, 64);
  const m1 = v128.load32_splat(room, 68);
  const weyl0 = v128.load32_splat(room, 72);
  const weyl1 = v128.load32_splat(room, 76);
  // While there are no words yet, none are left to be placed.
  let i = 0;
  for (let known = false; !known || i > 0; blocks = i32x4.add(blocks, i32x4.splat(4))) {
    let c0 = blocks;
    let c1 = i32x4.splat(pass);
    let c2 = i32x4.splat(stream);
    let c3 = i32x4.splat(0);
    let key0 = i32x4.splat(k0);
    let key1 = i32x4.splat(k1);
    for (let round = 0; round < ROUNDS; round++) {
      // The products of the four lanes: 64 bits of two in each, the upper halves in odd places.
      const p01 = i64x2.extmul_low_i32x4_u(c0, m0);
      const p23 = i64x2.extmul_high_i32x4_u(c0, m0);
      const q01 = i64x2.extmul_low_i32x4_u(c2, m1);
      const q23 = i64x2.extmul_high_i32x4_u(c2, m1);
      c0 = v128.xor(v128.shuffle<i32>(q01, q23, 1, 3, 5, 7), v128.xor(c1, key0));
      c1 = v128.shuffle<i32>(q01, q23, 0, 2, 4, 6);
      c2 = v128.xor(v128.shuffle<i32>(p01, p23, 1, 3, 5, 7), v128.xor(c3, key1));
      c3 = v128.shuffle<i32>(p01, p23, 0, 2, 4, 6);
      key0 = i32x4.add(key0, weyl0);
      key1 = i32x4.add(key1, weyl1);
      if (round < 8) {
        const two = room + (<usize>round << 3);
        i = swapDrawn(order, i, i32.load(two));
        i = swapDrawn(order, i, i32.load(two, 4));
      }
    }
    if (!known) i = n - 1;
    known = true;
    // A lane of each is a block.
    const c01 = v128.shuffle<i32>(c0, c1, 0, 4, 1, 5);
    const c23 = v128.shuffle<i32>(c2, c3, 0, 4, 1, 5);
    const d01 = v128.shuffle<i32>(c0, c1, 2, 6, 3, 7);
    const d23 = v128.shuffle<i32>(c2, c3, 2, 6, 3, 7);
    v128.store(room, v128.shuffle<i64>(c01, c23, 0, 2));
    v128.store(room, v128.shuffle<i64>(c01, c23, 1, 3), 16);
    v128.store(room, v128.shuffle<i64>(d01, d23, 0, 2), 32);
    v128.store(room, v128.shuffle<i64>(d01, d23, 1, 3), 48);
  }
}
