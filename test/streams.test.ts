import { setTimeout as sleep } from 'node:timers/promises';
import { tensor } from 'downhill';
import {
  DataLoader,
  type DataLoaderOptions,
  IterableDataset,
  type IterableDatasetOptions,
  type Row,
  type RowSource,
} from 'downhill/data';
import { describe, expect, it } from 'vitest';
import { upTo } from './support/numbers';

const row = (i: number): Row => [[i, i / 2], i];

function* inOrder(count: number): Generator<Row> {
  for (let i = 0; i < count; i++) yield row(i);
}

/** Rows that come when they like. */
async function* slowly(count: number): AsyncGenerator<Row> {
  for (let i = 0; i < count; i++) {
    if (i % 7 === 3) await sleep(1);
    yield row(i);
  }
}

async function* inBlocks(count: number, size: number): AsyncGenerator<Row> {
  for (let i = 0; i < count; i += size) {
    const rows = upTo(Math.min(size, count - i)).map((k) => i + k);
    if (i === 2 * size) yield [tensor([], { shape: [0, 2] }), []];
    yield i % 2 === 0
      ? [rows.map((k) => [k, k / 2]), rows]
      : [tensor(rows.map((k) => [k, k / 2])), Float32Array.from(rows)];
  }
}

const sources: [string, IterableDatasetOptions, (count: number) => ReturnType<RowSource>][] = [
  ['a generator', {}, inOrder],
  ['an array', {}, (count) => [...inOrder(count)]],
  ['rows that come one by one', { prefetch: 5 }, slowly],
  ['the promise of an array', {}, async (count) => [...inOrder(count)]],
  ['the promise of rows that come one by one', {}, async (count) => slowly(count)],
  ['rows one ahead', { prefetch: 1 }, slowly],
  ['blocks', { blocks: true }, (count) => inBlocks(count, 7)],
  ['blocks larger than what is read ahead', { blocks: true, prefetch: 3 }, (count) => inBlocks(count, 20)],
];

async function batchesOf(loader: AsyncIterable<readonly { toArray(): unknown }[]>): Promise<unknown[][]> {
  const found = [];
  for await (const batch of loader) found.push(batch.map((t) => t.toArray()));
  return found;
}

const idsOf = async (loader: AsyncIterable<readonly { toArray(): unknown }[]>) =>
  (await batchesOf(loader)).map(([, ids]) => ids as number[]);

describe('an IterableDataset', () => {
  it.each(sources)('gives the rows of %s in batches', async (_, options, source) => {
    for (const [count, batchSize] of [
      [50, 8],
      [8, 8],
      [3, 8],
      [1, 1],
    ] as const) {
      const loader = new DataLoader(new IterableDataset(() => source(count), options), { batchSize });
      const wanted = upTo(Math.ceil(count / batchSize)).map((b) =>
        upTo(count).slice(b * batchSize, (b + 1) * batchSize),
      );
      expect(await batchesOf(loader)).toEqual(wanted.map((rows) => [rows.map((i) => [i, i / 2]), rows]));
      expect(loader.epoch).toBe(1);
    }
  });

  it('gives nothing where nothing comes, and leaves out a batch that is not full if told to', async () => {
    expect(await idsOf(new DataLoader(new IterableDataset(() => [])))).toEqual([]);
    const loader = new DataLoader(new IterableDataset(() => inOrder(10)), { batchSize: 4, dropLast: true });
    expect(await idsOf(loader)).toEqual([upTo(8).slice(0, 4), upTo(8).slice(4)]);
    expect([loader.length, loader.rows]).toEqual([Infinity, Infinity]);
  });

  it('has shapes and integers as the first row has them', async () => {
    const source = () =>
      [
        [
          [
            [1, 2],
            [3, 4],
          ],
          Int32Array.of(7, 8),
          3,
        ],
      ] as Row[];
    for await (const batch of new DataLoader(new IterableDataset(source))) {
      expect(batch.map(({ shape, dtype }) => [shape, dtype])).toEqual([
        [[1, 2, 2], 'float32'],
        [[1, 2], 'int32'],
        [[1], 'float32'],
      ]);
    }
  });

  it('keeps the numbers of a row whose array is used again for the next', async () => {
    function* source(): Generator<Row> {
      const x = new Float32Array(1);
      for (let i = 0; i < 5; i++) {
        x[0] = i;
        yield [x, i];
      }
    }
    const [[x]] = (await batchesOf(new DataLoader(new IterableDataset(source), { batchSize: 5 }))) as [[unknown]];
    expect(x).toEqual([[0], [1], [2], [3], [4]]);
  });

  it('is told the number of the pass', async () => {
    const passes: number[] = [];
    const source = (pass: number) => {
      passes.push(pass);
      return inOrder(2);
    };
    const loader = new DataLoader(new IterableDataset(source), { batchSize: 2 });
    loader.epoch = 5;
    await idsOf(loader);
    await idsOf(loader);
    expect(passes).toEqual([5, 6]);
  });
});

describe('a shuffled stream', () => {
  const ids = async (
    source: (count: number) => Iterable<Row> | AsyncIterable<Row>,
    options: DataLoaderOptions,
    own: IterableDatasetOptions = {},
    pass = 0,
  ) => {
    const loader = new DataLoader(new IterableDataset(() => source(200), own), { batchSize: 9, seed: 4, ...options });
    loader.epoch = pass;
    return (await idsOf(loader)).flat();
  };
  const sorted = (list: number[]) => [...list].sort((a, b) => a - b);

  it.each([1, 2, 16, 200, 1024])('has each row once, from a buffer of %d rows', async (shuffleBuffer) => {
    const order = await ids(inOrder, {}, { shuffleBuffer });
    expect(sorted(order)).toEqual(upTo(200));
    // A row comes no earlier than the buffer lets it.
    expect(order.filter((id, i) => id >= i + shuffleBuffer)).toEqual([]);
    if (shuffleBuffer === 1) expect(order).toEqual(upTo(200));
    else expect(order).not.toEqual(upTo(200));
  });

  it('has an order that is a function of seed and pass, however its rows come', async () => {
    const own = { shuffleBuffer: 30 };
    const order = await ids(inOrder, {}, own);
    expect(await ids(slowly, {}, { ...own, prefetch: 3 })).toEqual(order);
    expect(await ids((n) => inBlocks(n, 11), {}, { ...own, blocks: true })).toEqual(order);
    expect(await ids(inOrder, { batchSize: 50 }, own)).toEqual(order);
    expect(await ids(inOrder, { seed: 5 }, own)).not.toEqual(order);
    expect(await ids(inOrder, {}, own, 1)).not.toEqual(order);
    expect(await ids(inOrder, { shuffle: true })).not.toEqual(upTo(200));
    expect(await ids(inOrder, { shuffle: false }, own)).toEqual(upTo(200));
  });

  it('draws evenly: each of three rows is first as often', async () => {
    const first = [0, 0, 0];
    const loader = new DataLoader(new IterableDataset(() => inOrder(3), { shuffleBuffer: 3 }), { seed: 1 });
    for (let pass = 0; pass < 3000; pass++) {
      for await (const [, id] of loader) {
        first[id.item()] = (first[id.item()] as number) + 1;
        break;
      }
    }
    // 2 degrees of freedom: above 13.8 once in 1000 samples.
    expect(first.reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0)).toBeLessThan(13.8);
  });

  it.each([{}, { shuffleBuffer: 25 }])('goes on from any batch: %o', async (own) => {
    const make = () => {
      const loader = new DataLoader(new IterableDataset(() => slowly(40), own), { batchSize: 6, seed: 2 });
      loader.epoch = 3;
      return loader;
    };
    const whole = await idsOf(make());
    for (const first of [0, 1, 6, 7, 9]) {
      const loader = make();
      expect(await idsOf(loader.from(first))).toEqual(whole.slice(first));
      expect(loader.epoch).toBe(4);
    }
  });
});

describe('reading ahead', () => {
  it.each([1, 10, 64])('asks for at most %d rows more than were handed out', async (prefetch) => {
    let read = 0;
    async function* source() {
      for (; read < 500; read++) yield row(read);
    }
    let handed = 0;
    const loader = new DataLoader(new IterableDataset(source, { prefetch }), { batchSize: 8 });
    for await (const [, ids] of loader) {
      handed += ids.size;
      await sleep(0);
      expect(read - handed).toBeLessThanOrEqual(prefetch);
      if (handed < 400) expect(read - handed).toBeGreaterThanOrEqual(Math.min(prefetch, 8) - 1);
    }
    expect(handed).toBe(500);
  });

  it('ends the iterable where a loop is broken off', async () => {
    let cleaned = 0;
    async function* source() {
      try {
        yield* slowly(1000);
      } finally {
        cleaned++;
      }
    }
    const dataset = new IterableDataset(source, { prefetch: 2 });
    for await (const _ of new DataLoader(dataset)) break;
    await sleep(5);
    expect(cleaned).toBe(1);
  });
});
