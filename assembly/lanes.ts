/** What the ends of rows need: loads that pad with +0, stores that stop, and the written order of a sum over 16 partials. */

export const INFINITY: f32 = Infinity as f32;

/** A mask of the first `left` lanes: none for left <= 0, all for left >= 4. */
export function firstLanes(left: i32): v128 {
  return i32x4.gt_s(i32x4.splat(left), i32x4(0, 1, 2, 3));
}

/** Four elements, of which those from `left` on are +0. */
export function loadPart(x: usize, left: i32): v128 {
  return v128.and(v128.load(x), firstLanes(left));
}

/** Stores the first `left` lanes, 1 to 4 of them. */
export function storePart(y: usize, v: v128, left: i32): void {
  if (left >= 4) {
    v128.store(y, v);
    return;
  }
  f32.store(y, f32x4.extract_lane(v, 0));
  if (left > 1) f32.store(y, f32x4.extract_lane(v, 1), 4);
  if (left > 2) f32.store(y, f32x4.extract_lane(v, 2), 8);
}

/** The last folds of order (b): 16 partials in four vectors by 8, 4, 2, 1. Rotating the four vectors changes nothing. */
export function fold(s0: v128, s1: v128, s2: v128, s3: v128): f32 {
  const s = f32x4.add(f32x4.add(s0, s2), f32x4.add(s1, s3));
  const pairs = f32x4.add(s, i8x16.shuffle(s, s, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}
