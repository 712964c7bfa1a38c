import { checkNumber, isIndex } from '../errors';

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
}

let seed: number | undefined;
let drawn = 0;

function systemSeed(): number {
  const words = crypto.getRandomValues(new Uint32Array(2));
  return (words[0] as number) * 2 ** 21 + ((words[1] as number) >>> 11);
}

/** The seed of everything that has none of its own: that of `manualSeed`, or one from the system. */
export function currentSeed(): number {
  seed ??= systemSeed();
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
  checkSeed('manualSeed', value);
  seed = value;
  drawn = 0;
}

export function checkSeed(owner: string, value: unknown): asserts value is number {
  checkNumber(`The seed of ${owner}`, value, {
    needed: 'a whole number from 0 to 2⁵³ - 1',
    holds: (n) => isIndex.holds(n) && Number.isSafeInteger(n),
  });
}
