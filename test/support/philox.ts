/** Philox4x32-10 in plain JavaScript, after Salmon, Moraes, Dror and Shaw 2011, section 3.3: the oracle of random.test.ts. */
export function philox(counter: readonly number[], key: readonly number[]): number[] {
  let [c0, c1, c2, c3] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
  let [k0, k1] = key.map(BigInt) as [bigint, bigint];
  for (let round = 0; round < 10; round++) {
    const [p0, p1] = [0xd2511f53n * c0, 0xcd9e8d57n * c2];
    [c0, c1, c2, c3] = [(p1 >> 32n) ^ c1 ^ k0, low(p1), (p0 >> 32n) ^ c3 ^ k1, low(p0)];
    [k0, k1] = [low(k0 + 0x9e3779b9n), low(k1 + 0xbb67ae85n)];
  }
  return [c0, c1, c2, c3].map(Number);
}

function low(x: bigint): bigint {
  return x & 0xffffffffn;
}

/**
 * A permutation of 0 … n - 1 by Fisher and Yates, inside out (Durstenfeld 1964): two rows by a word before row 2^14, one from there on,
 * unbiased by rejection (Brackett-Rozinsky and Lemire 2024, algorithm 3).
 */
export function shuffled(n: number, next: () => number): number[] {
  const order: number[] = [];
  while (order.length < n) {
    const i = order.length;
    const counts = i < 2 ** 14 ? [i + 1, i + 2] : [i + 1];
    const places = below(counts, next);
    for (const j of places.slice(0, n - i)) {
      order.push(order[j] as number);
      order[j] = order.length - 1;
    }
  }
  return order;
}

/** A whole number below each of the counts from one of the 32-bit words. */
function below(counts: readonly number[], next: () => number): number[] {
  const refused = 2 ** 32 % counts.reduce((a, b) => a * b);
  for (;;) {
    const drawn: number[] = [];
    let rest = BigInt(next());
    for (const count of counts) {
      const scaled = rest * BigInt(count);
      drawn.push(Number(scaled >> 32n));
      rest = low(scaled);
    }
    if (Number(rest) >= refused) return drawn;
  }
}

/** The words of blocks 0, 1, 2, … of a stream. */
export function wordsOf(block: (i: number) => number[]): () => number {
  let words: number[] = [];
  let i = 0;
  return () => {
    if (words.length === 0) words = block(i++);
    return words.shift() as number;
  };
}
