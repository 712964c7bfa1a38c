import { type Tensor, tensor } from 'downhill';
import { DataLoader, randomSplit, Subset, TensorDataset } from 'downhill/data';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { upTo } from './support/numbers';

const numbered = (rows: number) => new TensorDataset(Float32Array.from(upTo(rows)));
const ids = (t: Tensor | undefined) => Array.from((t as Tensor).toTypedArray());

describe('the rows of a dataset', () => {
  const sets = fc.record({
    rows: fc.integer({ min: 1, max: 200 }),
    batchSize: fc.integer({ min: 1, max: 230 }),
    shuffle: fc.boolean(),
    seed: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  });

  it('are each in one batch of a pass; all batches are full but the last', () => {
    const property = fc.property(sets, ({ rows, ...options }) => {
      const loader = new DataLoader(numbered(rows), options);
      const batches = [...loader].map(([batch]) => ids(batch));
      expect(batches).toHaveLength(loader.length);
      expect(batches.flat().sort((a, b) => a - b)).toEqual(upTo(rows));
      const sizes = batches.map((batch) => batch.length);
      const full = Math.min(options.batchSize, rows);
      expect(sizes).toEqual(sizes.map((_, i) => (i < sizes.length - 1 ? full : rows - full * (sizes.length - 1))));
    });
    fc.assert(property, { numRuns: 150 });
  });

  it('come in an order that is a function of seed and pass alone', () => {
    const property = fc.property(sets, fc.nat(1000), ({ rows, seed, batchSize }, pass) => {
      const order = (size: number, begin: (loader: DataLoader) => void) => {
        const loader = new DataLoader(numbered(rows), { batchSize: size, shuffle: true, seed });
        begin(loader);
        return [...loader].flatMap(([batch]) => ids(batch));
      };
      const jumped = order(batchSize, (loader) => {
        loader.epoch = pass;
      });
      const counted = order(rows, (loader) => {
        loader.epoch = Math.max(pass - 1, 0);
        for (const _ of loader) if (pass > 0) break;
        if (pass === 0) loader.epoch = 0;
      });
      expect(jumped).toEqual(counted);
    });
    fc.assert(property, { numRuns: 100 });
  });

  it('of a Subset are as they are, in batches and at once', () => {
    const y = tensor([1, 2, 3]);
    const part = new Subset(new TensorDataset([[1], [2], [3]], y), [2, 0]);
    const seen = () => [part.tensors[1]?.toArray(), [...new DataLoader(part, { batchSize: 2 })][0]?.[1].toArray()];
    expect(seen()).toEqual([
      [3, 1],
      [3, 1],
    ]);
    y.assign([10, 20, 30]);
    expect(seen()).toEqual([
      [30, 10],
      [30, 10],
    ]);
  });

  it('are split into parts without overlap, of Subsets too', () => {
    const property = fc.property(
      fc.integer({ min: 1, max: 300 }),
      fc.array(fc.nat(), { maxLength: 4 }),
      fc.nat(),
      (rows, cuts, seed) => {
        const ends = [0, ...cuts.map((c) => c % (rows + 1)).sort((a, b) => a - b), rows];
        const lengths = ends.slice(1).map((end, i) => end - (ends[i] as number));
        const odd = new Subset(
          numbered(2 * rows),
          upTo(rows).map((i) => 2 * i + 1),
        );
        for (const [whole, wanted] of [
          [numbered(rows), upTo(rows)],
          [odd, upTo(rows).map((i) => 2 * i + 1)],
        ] as const) {
          const parts = randomSplit(whole, lengths, { seed });
          expect(parts.map(({ length }) => length)).toEqual(lengths);
          const all = parts.flatMap((part) => (part.length > 0 ? ids(part.tensors[0]) : []));
          expect(all.sort((a, b) => a - b)).toEqual(wanted);
        }
      },
    );
    fc.assert(property, { numRuns: 100 });
  });

  it('are split by fractions to within a row', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 2, maxLength: 5 });
    const property = fc.property(fc.integer({ min: 1, max: 500 }), weights, (rows, list) => {
      const total = list.reduce((a, b) => a + b, 0);
      const parts = randomSplit(
        numbered(rows),
        list.map((w) => w / total),
        { seed: 1 },
      );
      parts.forEach((part, i) => {
        expect(Math.abs(part.length - (rows * (list[i] as number)) / total)).toBeLessThan(1 + 1e-9);
      });
      expect(parts.reduce((sum, part) => sum + part.length, 0)).toBe(rows);
    });
    fc.assert(property, { numRuns: 150 });
  });
});
