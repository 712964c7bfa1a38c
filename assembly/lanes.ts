/** What the ends of rows need: loads that pad with +0, stores that stop, and the written order of a sum over 16 partials. */

export const INFINITY: f32 = Infinity as f32;

/** sum + a b: two roundings; in the relaxed build one, where the processor has an instruction for it. */
export function multiplyAdd(sum: v128, a: v128, b: v128): v128 {
  return f32x4.add(f32x4.mul(a, b), sum);
}

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

/** The folds of order (b) by 8 and 4: 16 partials in four vectors. Rotating the four vectors changes nothing. */
export function foldVectors(s0: v128, s1: v128, s2: v128, s3: v128): v128 {
  return f32x4.add(f32x4.add(s0, s2), f32x4.add(s1, s3));
}

/** The fold by 2 of two such sums. */
export function foldPair(a: v128, b: v128): v128 {
  return f32x4.add(v128.shuffle<f64>(a, b, 0, 2), v128.shuffle<f64>(a, b, 1, 3));
}

/** The fold by 1 of four sums in two such pairs, each sum in a lane of its own. */
export function foldPairs(ab: v128, cd: v128): v128 {
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 2, 4, 6), v128.shuffle<f32>(ab, cd, 1, 3, 5, 7));
}

/** The folds by 2 and 1 of one sum. */
export function foldLane(s: v128): f32 {
  const pairs = f32x4.add(s, v128.shuffle<f64>(s, s, 1, 0));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

export function fold(s0: v128, s1: v128, s2: v128, s3: v128): f32 {
  return foldLane(foldVectors(s0, s1, s2, s3));
}

/** max(x, 0); the sum makes 0 of -0. */
export function relu(x: v128): v128 {
  return f32x4.add(f32x4.pmax(x, f32x4.splat(0)), f32x4.splat(0));
}

/** Four numbers from four places. */
export function collect(a0: usize, a1: usize, a2: usize, a3: usize): v128 {
  let v = v128.load32_splat(a0);
  v = v128.load32_lane(a1, v, 1);
  v = v128.load32_lane(a2, v, 2);
  return v128.load32_lane(a3, v, 3);
}

/** Its four numbers to four places, the last first: where places are the same, the first stays. */
export function spread(v: v128, a0: usize, a1: usize, a2: usize, a3: usize): void {
  v128.store32_lane(a3, v, 3);
  v128.store32_lane(a2, v, 2);
  v128.store32_lane(a1, v, 1);
  v128.store32_lane(a0, v, 0);
}
