import { parameter, type Tensor, tensor } from 'downhill';
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

describe('the sum of nothing', () => {
  /** Leaves numbers behind in memory that is free. */
  function litter(): void {
    const made = upTo(64).map(() => tensor([5, 6, 7, 8]));
    for (const t of made) t.dispose();
  }

  it.each([[[0]], [[0, 1]], [[2, 0]], [[0, 3]], [[2, 0, 3]], [[0, 1, 0, 1]]])(
    'is 0, whatever stood in memory: %j',
    (shape) => {
      litter();
      expect(made(shape, 1).sum().item()).toBe(0);
      shape.forEach((_, axis) => {
        litter();
        const sums = made(shape, 1).sum({ axis }).toTypedArray();
        expect(Array.from(sums)).toEqual(new Array(sums.length).fill(0));
      });
    },
  );

  it('is the gradient of what was stretched over nothing', () => {
    const x = parameter([[7]]);
    litter();
    x.add(made([0, 1, 0, 1], 1))
      .sum()
      .backward();
    expect(x.grad?.toArray()).toEqual([[0]]);
  });
});
