// What one core can do, measured by two kernels that do nothing else.

const FACTORS: usize = 1024;

/**
 * Ten independent sums of products, `turns` times: 80 operations of f32 a turn. One factor of each product changes with the
 * turn, so that none can be hoisted, and ten sums keep both pipes full while an addition takes its four cycles.
 */
export function multiplyAdd(turns: i32): f32 {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let s4 = s0;
  let s5 = s0;
  let s6 = s0;
  let s7 = s0;
  let s8 = s0;
  let s9 = s0;
  for (let t = 0; t < turns; t++) {
    const x = v128.load32_splat(<usize>(t & 63) << 2, FACTORS);
    s0 = f32x4.add(s0, f32x4.mul(x, v128.load(FACTORS, 256)));
    s1 = f32x4.add(s1, f32x4.mul(x, v128.load(FACTORS, 272)));
    s2 = f32x4.add(s2, f32x4.mul(x, v128.load(FACTORS, 288)));
    s3 = f32x4.add(s3, f32x4.mul(x, v128.load(FACTORS, 304)));
    s4 = f32x4.add(s4, f32x4.mul(x, v128.load(FACTORS, 320)));
    s5 = f32x4.add(s5, f32x4.mul(x, v128.load(FACTORS, 336)));
    s6 = f32x4.add(s6, f32x4.mul(x, v128.load(FACTORS, 352)));
    s7 = f32x4.add(s7, f32x4.mul(x, v128.load(FACTORS, 368)));
    s8 = f32x4.add(s8, f32x4.mul(x, v128.load(FACTORS, 384)));
    s9 = f32x4.add(s9, f32x4.mul(x, v128.load(FACTORS, 400)));
  }
  const low = f32x4.add(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)), s4);
  const high = f32x4.add(f32x4.add(f32x4.add(s5, s6), f32x4.add(s7, s8)), s9);
  return f32x4.extract_lane(f32x4.add(low, high), 0);
}

/** The sum of `bytes` of floats from `x` on, two lines of the cache a turn. */
export function readSum(x: usize, bytes: usize): f32 {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (const end = x + bytes; x < end; x += 128) {
    s0 = f32x4.add(f32x4.add(s0, v128.load(x)), v128.load(x, 64));
    s1 = f32x4.add(f32x4.add(s1, v128.load(x, 16)), v128.load(x, 80));
    s2 = f32x4.add(f32x4.add(s2, v128.load(x, 32)), v128.load(x, 96));
    s3 = f32x4.add(f32x4.add(s3, v128.load(x, 48)), v128.load(x, 112));
  }
  return f32x4.extract_lane(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)), 0);
}
