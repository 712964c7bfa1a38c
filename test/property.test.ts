import { type Tensor, tensor } from 'downhill';
import { DataLoader, randomSplit, Subset, TensorDataset } from 'downhill/data';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rough, upTo } from './support/numbers';
import { expectBits } from './support/rooms';

const f = Math.fround;
type Shape = readonly number[];

const sizeOf = (shape: Shape) => shape.reduce((n, d) => n * d, 1);

/** Position number `at` of a shape, as an index along each axis. */
function indexOf(shape: Shape, at: number): number[] {
  const index: number[] = [];
  let rest = at;
  for (const d of [...shape].reverse()) {
    index.unshift(rest % d);
    rest = Math.floor(rest / d);
  }
  return index;
}

/** The element at an index, where axes of size 1 and missing ones repeat. */
function elementAt(values: ArrayLike<number>, shape: Shape, index: Shape): number {
  const own = index.slice(index.length - shape.length);
  return values[shape.reduce((at, d, i) => at * d + (d === 1 ? 0 : (own[i] as number)), 0)] as number;
}

const dims = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 5 });
const full = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 5 });

/** Two shapes that broadcast, and what they broadcast to. */
const broadcast = dims.chain((shape) => {
  const part = fc
    .tuple(fc.integer({ min: 0, max: shape.length }), fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }))
    .map(([from, ones]) => shape.map((d, i) => (ones[i] ? 1 : d)).slice(from));
  return fc.tuple(part, part).map(([a, b]) => {
    const rank = Math.max(a.length, b.length);
    const at = (s: Shape, i: number) => s[i - rank + s.length] ?? 1;
    return { a, b, shape: upTo(rank).map((i) => (at(a, i) === 1 ? at(b, i) : at(a, i))) };
  });
});

const made = (shape: Shape, seed: number) => tensor(rough(sizeOf(shape), seed), { shape });

const OPS = {
  add: (a: number, b: number) => a + b,
  sub: (a: number, b: number) => a - b,
  mul: (a: number, b: number) => a * b,
  div: (a: number, b: number) => a / b,
  maximum: Math.max,
  gt: (a: number, b: number) => Number(a > b),
} as const;
type OpName = keyof typeof OPS;

describe('broadcasting', () => {
  it.each(Object.keys(OPS) as OpName[])('pairs elements as NumPy does, whatever the shapes: %s', (name) => {
    const property = fc.property(broadcast, ({ a, b, shape }) => {
      const [x, y] = [made(a, 1), made(b, 2)];
      const [xs, ys] = [x.toTypedArray(), y.toTypedArray()];
      const z = x[name](y);
      expect(z.shape).toEqual(shape);
      const expected = upTo(sizeOf(shape)).map((at) => {
        const index = indexOf(shape, at);
        return f(OPS[name](elementAt(xs, a, index), elementAt(ys, b, index)));
      });
      expectBits(name, z.toTypedArray(), expected);
    });
    fc.assert(property, { numRuns: 150 });
  });

  it('sums a gradient back to the shape that it came from', () => {
    const property = fc.property(broadcast, ({ a, b, shape }) => {
      const [x, y] = [made(a, 1), made(b, 2)];
      x.requiresGrad = true;
      y.requiresGrad = true;
      x.add(y).sum().backward();
      // Each element is used once for every element of the result that it is stretched over.
      const uses = (own: Shape) => (sizeOf(own) === 0 ? 0 : sizeOf(shape) / sizeOf(own));
      for (const [t, own] of [
        [x, a],
        [y, b],
      ] as const) {
        expect(t.grad?.shape).toEqual(own);
        expectBits('gradient', t.grad?.toTypedArray() ?? [], new Array(sizeOf(own)).fill(uses(own)));
      }
    });
    fc.assert(property, { numRuns: 200 });
  });

  it('chooses by a condition of any shape', () => {
    const property = fc.property(broadcast, ({ a, b, shape }) => {
      const [c, x] = [made(a, 1).gt(0), made(b, 2)];
      const [cs, xs] = [c.toTypedArray(), x.toTypedArray()];
      const expected = upTo(sizeOf(shape)).map((at) => {
        const index = indexOf(shape, at);
        return elementAt(cs, a, index) ? elementAt(xs, b, index) : 7;
      });
      expectBits('where', c.where(x, 7).toTypedArray(), expected);
    });
    fc.assert(property, { numRuns: 150 });
  });
});

const axisIn = (shape: Shape) => fc.integer({ min: 0, max: shape.length - 1 });

describe('moves', () => {
  it('a transpose has element [.., j, .., i, ..] where the tensor has [.., i, .., j, ..], and its own is the tensor', () => {
    const property = fc.property(
      full.chain((shape) => fc.tuple(fc.constant(shape), axisIn(shape), axisIn(shape))),
      ([shape, i, j]) => {
        const x = made(shape, 1);
        const turned = x.transpose(i, j);
        const swap = <T>(list: readonly T[]) => list.map((v, k) => (k === i ? list[j] : k === j ? list[i] : v) as T);
        expect(turned.shape).toEqual(swap(shape));
        const values = x.toTypedArray();
        const expected = upTo(x.size).map((at) => elementAt(values, shape, swap(indexOf(turned.shape, at))));
        expectBits('transposed', turned.toTypedArray(), expected);
        expectBits('twice', turned.transpose(i, j).toTypedArray(), values);
        expectBits(
          'counted from the end',
          x.transpose(i - shape.length, j - shape.length).toTypedArray(),
          turned.toTypedArray(),
        );
      },
    );
    fc.assert(property, { numRuns: 200 });
  });

  it('parts of a tensor put together again are the tensor, views among them too', () => {
    const property = fc.property(
      full.chain((shape) =>
        fc.tuple(fc.constant(shape), axisIn(shape), fc.array(fc.nat(), { maxLength: 4 }), fc.boolean()),
      ),
      ([shape, k, cuts, turned]) => {
        const x = turned ? made([...shape].reverse(), 1).transpose(0, -1) : made(shape, 1);
        const axis = k % x.shape.length;
        const n = x.shape[axis] as number;
        const ends = [0, ...cuts.map((c) => c % (n + 1)).sort((p, q) => p - q), n];
        const parts = ends.slice(1).map((end, i) => x.slice(ends[i] as number, end, { axis }));
        const [head, ...rest] = parts as [Tensor, ...Tensor[]];
        const whole = head.concat(rest, { axis });
        expect(whole.shape).toEqual(x.shape);
        expectBits('whole', whole.toTypedArray(), x.toTypedArray());
      },
    );
    fc.assert(property, { numRuns: 200 });
  });

  it('a reshape keeps the order of the elements, of views too', () => {
    const property = fc.property(full, fc.boolean(), (shape, turned) => {
      const x = turned ? made(shape, 1).transpose(0, -1) : made(shape, 1);
      const flat = x.reshape([-1]);
      expect(flat.shape).toEqual([x.size]);
      expectBits('flat', flat.toTypedArray(), x.toTypedArray());
      expectBits(
        'and back',
        flat
          .reshape([...shape].reverse())
          .reshape([-1])
          .toTypedArray(),
        x.toTypedArray(),
      );
    });
    fc.assert(property, { numRuns: 150 });
  });

  it('a stack holds each of its parts', () => {
    const property = fc.property(
      full.chain((shape) => fc.tuple(fc.constant(shape), fc.integer({ min: 0, max: shape.length }))),
      ([shape, axis]) => {
        const [a, b] = [made(shape, 1), made(shape, 2)];
        const both = a.stack(b, { axis });
        expect(both.shape).toEqual([...shape.slice(0, axis), 2, ...shape.slice(axis)]);
        expectBits('first', both.slice(0, 1, { axis }).toTypedArray(), a.toTypedArray());
        expectBits('second', both.slice(1, 2, { axis }).toTypedArray(), b.toTypedArray());
      },
    );
    fc.assert(property, { numRuns: 100 });
  });

  it('a change in a view is a change in what it looks at', () => {
    const property = fc.property(full, (shape) => {
      const x = made(shape, 1);
      const turned = x.transpose(0, -1);
      const values = made(turned.shape, 2);
      turned.assign(values);
      expectBits('the view', turned.toTypedArray(), values.toTypedArray());
      expectBits('what it looks at', x.toTypedArray(), values.transpose(0, -1).toTypedArray());
    });
    fc.assert(property, { numRuns: 100 });
  });
});

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
