import { fit } from 'downhill';
import {
  DataLoader,
  type DataLoaderOptions,
  type Dataset,
  randomSplit,
  Subset,
  TensorDataset,
  WeightedRandomSampler,
} from 'downhill/data';
import { describe, expect, it } from 'vitest';
import { Draws, Stream } from '../src/wasm/random';
import { upTo } from './support/numbers';
import { philox } from './support/philox';
import { classes, classification, stateOf } from './support/training';

const numbered = (rows: number) => new TensorDataset(Float32Array.from(upTo(rows)));
const pass = (batches: Iterable<readonly { toTypedArray(): ArrayLike<number> }[]>) =>
  [...batches].map(([rows]) => Array.from(rows?.toTypedArray() ?? []));

describe('draws', () => {
  it.each([
    [0, 0],
    [42, 7],
    [Number.MAX_SAFE_INTEGER, 2 ** 31 - 2],
  ])("are Philox's words for seed %d and pass %d", (seed, pass) => {
    const key = [seed % 2 ** 32, Math.floor(seed / 2 ** 32)];
    const draws = new Draws(seed, { stream: Stream.sampler, pass });
    for (let block = 0; block < 200; block++) {
      const [a, b, c, d] = philox([block, pass, Stream.sampler, 0], key) as [number, number, number, number];
      const wanted = [
        [a, b],
        [c, d],
      ].map(([high, low]) => Number((BigInt(high as number) << 21n) | (BigInt(low as number) >> 11n)) / 2 ** 53);
      expect([draws.next(), draws.next()]).toEqual(wanted);
    }
  });
});

/** The sum of (found - wanted)² / wanted. */
function chiSquared(found: readonly number[], wanted: readonly number[]): number {
  return found.reduce((sum, n, i) => sum + (n - (wanted[i] as number)) ** 2 / (wanted[i] as number), 0);
}

describe('a WeightedRandomSampler', () => {
  it.each([1, 2, 3])('draws rows in proportion to their weights, and none of weight 0 (seed %d)', (seed) => {
    const weights = [1, 0, 2, 0.5, 3, 0, 7, 0];
    const sampler = new WeightedRandomSampler(weights, { count: 5000, seed });
    const found = weights.map(() => 0);
    for (const p of upTo(8)) for (const row of sampler.order(p)) found[row] = (found[row] as number) + 1;
    const positive = weights.map((w, i) => ({ w, n: found[i] as number })).filter(({ w }) => w > 0);
    expect(positive.reduce((sum, { n }) => sum + n, 0)).toBe(40_000);
    const wanted = positive.map(({ w }) => (w / 13.5) * 40_000);
    // 4 degrees of freedom: above 18.5 once in 1000 samples.
    expect(
      chiSquared(
        positive.map(({ n }) => n),
        wanted,
      ),
    ).toBeLessThan(18.5);
  });

  it('draws pairs without replacement as often as their probabilities say', () => {
    const weights = [1, 2, 3, 4];
    const sampler = new WeightedRandomSampler(weights, { count: 2, replacement: false, seed: 6 });
    const passes = 20_000;
    const found = new Map<string, number>();
    for (const p of upTo(passes)) {
      const pair = sampler.order(p).join();
      found.set(pair, (found.get(pair) ?? 0) + 1);
    }
    const pairs = upTo(4).flatMap((i) =>
      upTo(4)
        .filter((j) => j !== i)
        .map((j) => [i, j] as const),
    );
    const chance = (i: number, j: number) =>
      ((weights[i] as number) / 10) * ((weights[j] as number) / (10 - (weights[i] as number)));
    expect(found.size).toBe(pairs.length);
    // 11 degrees of freedom: above 31.3 once in 1000 samples.
    expect(
      chiSquared(
        pairs.map(([i, j]) => found.get(`${i},${j}`) ?? 0),
        pairs.map(([i, j]) => chance(i, j) * passes),
      ),
    ).toBeLessThan(31.3);
  });

  it('without replacement draws every row of a weight above 0 once, if asked for as many', () => {
    const weights = upTo(1000).map((i) => (i % 3 === 0 ? 0 : 10 ** (i % 17)));
    const order = new WeightedRandomSampler(weights, { count: 666, replacement: false, seed: 1 }).order(3);
    expect([...order].sort((a, b) => a - b)).toEqual(upTo(1000).filter((i) => i % 3 !== 0));
  });

  it('gives an order that is a function of seed and pass', () => {
    const order = (seed: number, p: number) => [
      ...new WeightedRandomSampler([1, 1, 1, 1], { count: 50, seed }).order(p),
    ];
    expect(order(1, 5)).toEqual(order(1, 5));
    expect(order(1, 5)).not.toEqual(order(1, 6));
    expect(order(1, 5)).not.toEqual(order(2, 5));
  });
});

describe('a loader with a sampler', () => {
  it("takes a sampler's rows, through a Subset too", () => {
    const sampler = { length: 3, order: (p: number) => [p, 0, p] };
    const odd = new Subset(numbered(10), [1, 3, 5, 7]);
    const loader = new DataLoader(odd, { batchSize: 2, sampler });
    expect([loader.length, loader.rows]).toEqual([2, 3]);
    expect([pass(loader), pass(loader)]).toEqual([
      [[1, 1], [1]],
      [[3, 1], [3]],
    ]);
    expect(pass(new DataLoader(odd, { batchSize: 2, sampler, dropLast: true }))).toEqual([[1, 1]]);
  });

  const rows = 80;
  const weights = upTo(rows).map((i) => i % 5);
  const samplers: [string, Dataset, DataLoaderOptions][] = [
    ['weights', classes(rows), { sampler: new WeightedRandomSampler(weights, { count: 101, seed: 3 }) }],
    [
      'weights, each row once',
      classes(rows),
      { sampler: new WeightedRandomSampler(weights, { count: 37, replacement: false, seed: 3 }) },
    ],
    [
      'an order of its own, of a part',
      randomSplit(classes(100), [80, 20], { seed: 1 })[0] as Subset,
      { sampler: { length: 50, order: (p) => upTo(50).map((i) => (i * 7 + p) % rows) } },
    ],
  ];

  it.each(samplers)('trains to the same bits eager and compiled, by %s', async (_, dataset, { sampler }) => {
    const states = [];
    for (const compiled of [true, false]) {
      const training = classification(dataset, { shuffle: false, batchSize: 16 });
      const loader = new DataLoader(dataset, { batchSize: 16, ...(sampler && { sampler }) });
      const { model, optimizer, loss } = training;
      const { epochs } = await fit(model, loader, { loss, optimizer, epochs: 4, compiled });
      states.push([stateOf({ ...training, loader }), epochs.map((row) => row.loss)]);
    }
    expect(states[0]).toEqual(states[1]);
  });

  it('weighs the rows that it gave, in batches put together', async () => {
    const sampleWeight = upTo(rows).map((i) => (i % 4) + 1);
    const results = [];
    for (const [batchSize, accumulate, compiled] of [
      [32, 1, true],
      [16, 2, true],
      [16, 2, false],
    ] as const) {
      const sampler = new WeightedRandomSampler(weights, { count: 64, seed: 3 });
      const training = classification(classes(rows));
      const loader = new DataLoader(classes(rows), { batchSize, sampler });
      const { model, optimizer, loss } = training;
      const options = { loss, optimizer, epochs: 3, accumulate, sampleWeight, compiled };
      const { epochs } = await fit(model, loader, options);
      results.push([stateOf({ ...training, loader }), epochs.map((row) => row.loss)]);
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });
});

describe('a pass that goes on from a batch', () => {
  const sampler = new WeightedRandomSampler(upTo(50), { seed: 3 });
  const loaders: [string, () => DataLoader][] = [
    ['in order', () => new DataLoader(numbered(50), { batchSize: 8 })],
    ['shuffled', () => new DataLoader(numbered(50), { batchSize: 8, shuffle: true, seed: 1 })],
    ['of a Subset', () => new DataLoader(new Subset(numbered(50), upTo(30)), { batchSize: 8, shuffle: true, seed: 1 })],
    ['by a sampler', () => new DataLoader(numbered(50), { batchSize: 8, sampler })],
  ];

  it.each(loaders)('has the batches that were left, %s', (_, make) => {
    const whole = make();
    whole.epoch = 6;
    const batches = pass(whole);
    for (const first of [0, 1, whole.length - 1, whole.length]) {
      const loader = make();
      loader.epoch = 6;
      expect(pass(loader.from(first))).toEqual(batches.slice(first));
      expect(loader.epoch).toBe(7);
    }
  });
});
