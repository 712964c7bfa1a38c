import { checkNumber, isIndex } from '../errors';
import { needOneBuild } from './alone';

/** Where numbers come from: Philox's key, the stream, and the first block. */
export interface RandomKey {
  readonly key: readonly [low: number, high: number];
  readonly stream: number;
  readonly first: number;
}

/** What a number is drawn for. Streams of one seed are independent. */
export enum Stream {
  values,
  order,
  split,
  dropout,
  sampler,
  buffer,
}

let seed: number | undefined;
let drawn = 0;

/** The seed of everything that has none of its own: that of `manualSeed`, or one from the system. */
export function currentSeed(): number {
  // Engines seed Math.random from the system; where `crypto` is loaded on its first use, that takes longer than a training.
  seed ??= Math.floor(Math.random() * Number.MAX_SAFE_INTEGER);
  return seed;
}

/** A seed as Philox's key: its lower and its upper 32 bits. */
export function keyOf(value: number): readonly [number, number] {
  return [value | 0, Math.floor(value / 2 ** 32) | 0];
}

/** Takes `blocks` blocks of the stream of values. */
export function drawBlocks(blocks: number): RandomKey {
  const first = drawn;
  drawn += blocks;
  return { key: keyOf(currentSeed()), stream: Stream.values, first };
}

/**
 * Seeds everything that has no seed of its own: initial values, `rand`, `randn`, shuffles. The same seed gives the same bits.
 *
 * @param value a whole number from 0 to 2^53 - 1.
 * @throws OptionError for anything else.
 * @example
 * manualSeed(7);
 * const a = rand([2]).toArray();
 * manualSeed(7);
 * expect(rand([2]).toArray()).toEqual(a);
 */
export function manualSeed(value: number): void {
  needOneBuild();
  checkSeed('manualSeed', value);
  seed = value;
  drawn = 0;
}

/** Runs `fn` as if its seed had just been set, and leaves what others draw as it was. */
export function withSeed<T>(value: number, fn: () => T): T {
  const outer = { seed, drawn };
  seed = value;
  drawn = 0;
  try {
    return fn();
  } finally {
    ({ seed, drawn } = outer);
  }
}

export function checkSeed(owner: string, value: unknown): asserts value is number {
  checkNumber(`The seed of ${owner}`, value, {
    needed: 'a whole number from 0 to 2⁵³ - 1',
    holds: (n) => isIndex.holds(n) && Number.isSafeInteger(n),
  });
}

const MULTIPLIERS = [0xd2511f53, 0xcd9e8d57] as const;
const WEYL = [0x9e3779b9, 0xbb67ae85] as const;
const ROUNDS = 10;

/** The upper half of the product of two 32-bit words. */
function highWord(a: number, b: number): number {
  const [low, high] = [a & 0xffff, a >>> 16];
  const [lowB, highB] = [b & 0xffff, b >>> 16];
  const middle = high * lowB + ((low * lowB) >>> 16);
  return high * highB + (middle >>> 16) + ((low * highB + (middle & 0xffff)) >>> 16);
}

/** Numbers for TypeScript's own choices: those of one seed, stream and pass, one after the other. */
export class Draws {
  private block = 0;
  private spare: number | undefined;

  constructor(
    private readonly seed: number,
    private readonly place: { stream: Stream; pass: number },
  ) {}

  /** A number from [0, 1) with 53 bits: two words of Philox's block (b, pass, stream, 0), of which each gives two numbers. */
  next(): number {
    const { spare } = this;
    this.spare = undefined;
    if (spare !== undefined) return spare;
    let [c0, c1, c2, c3] = [this.block++, this.place.pass, this.place.stream as number, 0];
    let [k0, k1] = keyOf(this.seed);
    for (let round = 0; round < ROUNDS; round++) {
      const [high0, high1] = [highWord(c0, MULTIPLIERS[0]), highWord(c2, MULTIPLIERS[1])];
      const [low0, low1] = [Math.imul(c0, MULTIPLIERS[0]), Math.imul(c2, MULTIPLIERS[1])];
      c0 = high1 ^ c1 ^ k0;
      c1 = low1;
      c2 = high0 ^ c3 ^ k1;
      c3 = low0;
      k0 = (k0 + WEYL[0]) | 0;
      k1 = (k1 + WEYL[1]) | 0;
    }
    this.spare = fraction(c2, c3);
    return fraction(c0, c1);
  }
}

/** 53 bits of two words as a number from [0, 1). */
function fraction(high: number, low: number): number {
  return ((high >>> 0) * 2 ** 21 + (low >>> 11)) / 2 ** 53;
}

/** What `manualSeed` sets and drawing advances, as a part of a checkpoint. */
export const random = {
  stateDict() {
    return { seed: currentSeed(), drawn };
  },

  loadStateDict(state: { seed: number; drawn: number }): void {
    checkSeed('the random state', state?.seed);
    checkNumber('drawn', state.drawn, isIndex);
    ({ seed, drawn } = state);
  },
};
