import { manualSeed, rand, randn } from 'downhill';
import { DataLoader, randomSplit, TensorDataset } from 'downhill/data';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Kernel } from '../assembly/kernel';
import { PERMUTING } from '../src/data/order';
import { runAt } from '../src/tensor/driver';
import { Stream } from '../src/wasm/random';
import { erf } from './support/functions.mjs';
import { upTo } from './support/numbers';
import { philox, shuffled, wordsOf } from './support/philox';
import { blank, expectBits, floatsIn, integersIn, run } from './support/rooms';

const ONES = 0xffffffff;

/** Random123 1.14, tests/kat_vectors, the lines of "philox4x32 10": counter, key, words. */
const KNOWN = [
  { of: 'zeros', counter: [0, 0, 0, 0], key: [0, 0], words: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8] },
  {
    of: 'ones',
    counter: [ONES, ONES, ONES, ONES],
    key: [ONES, ONES],
    words: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  },
  {
    of: 'the digits of pi',
    counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    key: [0xa4093822, 0x299f31d0],
    words: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  },
];

/** The top 24 bits of a word as a float in [0, 1). */
const unit = (word: number) => (word >>> 8) / 2 ** 24;

interface Fill {
  key: number[];
  stream: number;
  first: number;
}

function uniform(n: number, { key, stream, first }: Fill): Float32Array {
  const y = blank(n);
  run(Kernel.fillUniform, y, n, ...key, stream, first, 0, 1);
  return floatsIn(y);
}

const word32 = fc.oneof(fc.constantFrom(0, 1, ONES, 2 ** 31), fc.integer({ min: 0, max: ONES }));
const fills = fc.record({ key: fc.tuple(word32, word32), stream: word32, first: word32 });

describe('Philox4x32-10', () => {
  it.each(KNOWN)("of the test's oracle gives Random123's known answer for $of", ({ counter, key, words }) => {
    expect(philox(counter, key)).toEqual(words);
  });

  it("of the kernels gives Random123's known answer for zeros", () => {
    expectBits('words', uniform(4, { key: [0, 0], stream: 0, first: 0 }), (KNOWN[0]?.words ?? []).map(unit));
  });

  it('of the kernels gives what the oracle gives for every key, stream and counter', () => {
    const property = fc.property(fills, fc.integer({ min: 0, max: 23 }), (fill, n) => {
      const block = (i: number) => philox([(fill.first + i) % 2 ** 32, 0, fill.stream, 0], fill.key);
      const expected = upTo(Math.ceil(n / 4)).flatMap((i) => block(i).map(unit));
      expectBits('words', uniform(n, fill), expected.slice(0, n));
    });
    fc.assert(property, { numRuns: 300 });
  });
});

function permuted(n: number, { key, stream, pass }: { key: number[]; stream: number; pass: number }): number[] {
  const order = blank(n);
  runAt(pass, () => run(Kernel.permute, order, n, ...key, stream, blank(PERMUTING)));
  return Array.from(integersIn(order));
}

/** Pearson's statistic for counts that should all be equal. */
function chiSquared(counts: number[]): number {
  const mean = counts.reduce((a, b) => a + b, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0);
}

describe('permute', () => {
  it('is the shuffle of Fisher and Yates from the words of (block, pass, stream, 0)', () => {
    const pass = fc.integer({ min: 0, max: 2 ** 31 - 2 });
    const property = fc.property(fills, pass, fc.integer({ min: 0, max: 70 }), ({ key, stream }, passes, n) => {
      const next = wordsOf((i) => philox([i, passes, stream, 0], key));
      expect(permuted(n, { key, stream, pass: passes })).toEqual(shuffled(n, next));
    });
    fc.assert(property, { numRuns: 200 });
  });

  it.each([16_383, 16_384, 16_385, 20_000])('is so for %i rows, of which the last are placed one by a word', (n) => {
    const next = wordsOf((i) => philox([i, 5, Stream.order, 0], [1, 2]));
    expect(permuted(n, { key: [1, 2], stream: Stream.order, pass: 5 })).toEqual(shuffled(n, next));
  });

  it.each([0, 1, 2, 3, 255, 257, 10_007])('holds each of %i numbers once', (n) => {
    const order = permuted(n, { key: [1, 2], stream: Stream.order, pass: 3 });
    expect(order.sort((a, b) => a - b)).toEqual(upTo(n));
  });

  it('gives each of the 24 orders of four as often as the others', () => {
    const counts = new Map<string, number>();
    for (let pass = 0; pass < 24_000; pass++) {
      const order = permuted(4, { key: [42, 0], stream: Stream.order, pass }).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    // The 0.999 quantile of chi squared with 23 degrees of freedom.
    expect(chiSquared([...counts.values()])).toBeLessThan(49.73);
  });

  it('puts each number everywhere as often as elsewhere', () => {
    const counts = new Array<number>(100).fill(0);
    for (let pass = 0; pass < 10_000; pass++) {
      permuted(10, { key: [7, 0], stream: Stream.order, pass }).forEach((value, place) => {
        counts[value * 10 + place] = (counts[value * 10 + place] as number) + 1;
      });
    }
    // The 0.999 quantile of chi squared with 81 degrees of freedom, which a 10 x 10 table with fixed sums has.
    expect(chiSquared(counts)).toBeLessThan(126.1);
  });
});

/** Mean, variance, skewness and kurtosis. */
function moments(values: Float32Array | Int32Array): number[] {
  const x = Float64Array.from(values);
  const mean = x.reduce((a, b) => a + b, 0) / x.length;
  const central = (power: number) => x.reduce((sum, v) => sum + (v - mean) ** power, 0) / x.length;
  const variance = central(2);
  return [mean, variance, central(3) / variance ** 1.5, central(4) / variance ** 2];
}

describe('the distributions', () => {
  const n = 1_000_000;

  it('of rand has the moments of the uniform one and stays in [0, 1)', () => {
    manualSeed(42);
    const x = rand([n]).toTypedArray();
    const [mean, variance, skewness, kurtosis] = moments(x) as [number, number, number, number];
    expect([mean, variance * 12, skewness, kurtosis / 1.8].map((v) => Number(v.toFixed(2)))).toEqual([0.5, 1, 0, 1]);
    expect([Math.min(...x.slice(0, 1e5)) >= 0, x.every((v) => v < 1)]).toEqual([true, true]);
    const counts = new Array<number>(256).fill(0);
    for (const v of x) counts[Math.floor(v * 256)] = (counts[Math.floor(v * 256)] as number) + 1;
    // The 0.999 quantile of chi squared with 255 degrees of freedom.
    expect(chiSquared(counts)).toBeLessThan(330.5);
  });

  it('of randn has the moments of the normal one, its tails too', () => {
    manualSeed(42);
    const z = randn([n]).toTypedArray();
    const [mean, variance, skewness, kurtosis] = moments(z) as [number, number, number, number];
    for (const [actual, expected, deviation] of [
      [mean, 0, 1],
      [variance, 1, Math.SQRT2],
      [skewness, 0, Math.sqrt(6)],
      [kurtosis, 3, Math.sqrt(24)],
    ] as const) {
      expect(Math.abs(actual - expected)).toBeLessThan((4 * deviation) / Math.sqrt(n));
    }
    for (const [limit, share] of [
      [1, 0.3173105],
      [2, 0.0455003],
      [3, 0.0026998],
    ] as const) {
      const beyond = z.filter((v) => Math.abs(v) > limit).length / n;
      expect(Math.abs(beyond - share), `beyond ${limit}`).toBeLessThan(4 * Math.sqrt((share * (1 - share)) / n));
    }
  });

  it('of randn puts as many numbers between any two neighbouring quantiles', () => {
    manualSeed(7);
    const counts = new Array<number>(64).fill(0);
    // Of a number, the share of all that are below it.
    for (const z of randn([n]).toTypedArray()) {
      const bin = Math.floor(((1 + erf(z / Math.SQRT2)) / 2) * 64);
      counts[bin] = (counts[bin] as number) + 1;
    }
    // The 0.999 quantile of chi squared with 63 degrees of freedom.
    expect(chiSquared(counts)).toBeLessThan(103.4);
  });

  it('of randn has neighbours that do not depend on each other', () => {
    manualSeed(1);
    const z = randn([n]).toTypedArray();
    for (const lag of [1, 2, 3, 4]) {
      let sum = 0;
      for (let i = lag; i < n; i++) sum += (z[i] as number) * (z[i - lag] as number);
      expect(Math.abs(sum / n), `lag ${lag}`).toBeLessThan(4 / Math.sqrt(n));
    }
  });
});

describe('a seed', () => {
  const draw = (seed: number) => {
    manualSeed(seed);
    return [rand([5]), randn([3]), rand([2])].map((t) => t.toArray());
  };

  it('gives the same numbers again, and another one others', () => {
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    expect(draw(0)).not.toEqual(draw(2 ** 32));
  });

  it('gives rand, orders and splits numbers of their own', () => {
    const rows = new TensorDataset(Float32Array.from(upTo(100)));
    const [batch] = new DataLoader(rows, { batchSize: 100, shuffle: true, seed: 3 });
    const [part] = randomSplit(rows, [100], { seed: 3 });
    expect(batch?.[0].toArray()).not.toEqual(part?.tensors[0]?.toArray());
    manualSeed(3);
    expect(batch?.[0].toArray()).not.toEqual(rand([100]).toArray());
  });
});
