/** Deterministic numbers for tests: a function of the seed alone (Mulberry32). */
export function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Numbers in [-2, 2) with all bits of a float in use: sums of them round, and the order shows. */
export function rough(length: number, seed: number): Float32Array {
  const next = numbers(seed);
  return Float32Array.from({ length }, () => next() * 4 - 2);
}

/** Whole numbers from -4 to 4: sums of some thousand products of them are exact, in any order. */
export function small(length: number, seed: number): Float32Array {
  const next = numbers(seed);
  return Float32Array.from({ length }, () => Math.floor(next() * 9) - 4);
}

/** 0, 1, …, n - 1. */
export function upTo(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}

/** All pairs of two lists. */
export function pairs<A, B>(a: readonly A[], b: readonly B[]): [A, B][] {
  return a.flatMap((x) => b.map((y): [A, B] => [x, y]));
}
