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

/** order = a permutation of 0 … n-1 by Fisher and Yates, each draw unbiased (Lemire 2019); it depends on the key, stream and pass. */
export function permute(order: usize, n: i32, k0: i32, k1: i32, stream: i32, pass: i32): void {
  for (let i = 0; i < n; i++) i32.store(order + (<usize>i << 2), i);
  let block: u32 = 0;
  let lane = 4;
  let words = i32x4.splat(0);
  for (let i = n - 1; i > 0; i--) {
    const count = <u32>i + 1;
    let scaled: u64;
    do {
      if (lane == 4) {
        words = philox(block++, pass, stream, 0, k0, k1);
        lane = 0;
      }
      scaled = <u64>(<u32>i32x4.extract_lane(words, 0)) * count;
      words = v128.shuffle<i32>(words, words, 1, 2, 3, 0);
      lane++;
    } while (<u32>scaled < count && <u32>scaled < (0 - count) % count);
    const j = order + (<usize>(scaled >> 32) << 2);
    const last = order + (<usize>i << 2);
    const v = i32.load(j);
    i32.store(j, i32.load(last));
    i32.store(last, v);
  }
}
