import { describe, expect, it } from 'vitest';
import { Kernel } from '../assembly/kernel';
import { pairs, rough, small, upTo } from './support/numbers';
import { blank, expectBits, floats, floatsIn, integers, integersIn, run } from './support/rooms';

const SIZES = [0, 1, 3, 4, 5, 15, 16, 17, 251, 255, 256, 257, 511, 512, 513];

describe('copyWords and fillWords', () => {
  it.each(SIZES)('cover exactly %i words', (n) => {
    const x = rough(n, 1);
    const y = blank(n);
    run(Kernel.copyWords, floats(x), { ...y, stride: 0, mask: -1 }, n);
    expectBits('copy', floatsIn(y), x);
    run(Kernel.fillWords, y, n, -7);
    expect(Array.from(integersIn(y))).toEqual(new Array(n).fill(-7));
  });
});

describe('copyStrided', () => {
  const shapes = [
    [1, 1, 1, 5],
    [1, 1, 3, 1],
    [2, 3, 4, 5],
    [3, 1, 2, 17],
    [1, 0, 2, 3],
    [5, 7, 1, 2],
  ];
  const orders = [
    [0, 1, 2, 3],
    [3, 2, 1, 0],
    [1, 0, 3, 2],
  ];

  /** Strides of a contiguous array whose axes lie in this order. */
  function stridesBy(order: number[], shape: number[]): number[] {
    const strides = [0, 0, 0, 0];
    let step = 1;
    for (const axis of [...order].reverse()) {
      strides[axis] = step;
      step *= shape[axis] as number;
    }
    return strides;
  }

  it.each(pairs(shapes, orders))('takes the elements of %j from where their order %j puts them', (shape, order) => {
    const size = shape.reduce((n, d) => n * d, 1);
    const x = rough(size, 1);
    const [from, to] = [stridesBy(order, shape), stridesBy([0, 1, 2, 3], shape)];
    const y = blank(size);
    run(Kernel.copyStrided, floats(x), y, ...shape, ...from, ...to);
    const expected = upTo(size).map((at) => {
      const index = to.map((step, axis) => Math.floor(at / step) % (shape[axis] as number));
      return x[index.reduce((sum, i, axis) => sum + i * (from[axis] as number), 0)] as number;
    });
    expectBits('y', floatsIn(y), expected);
  });

  it('repeats a source whose stride is 0 and skips in the target', () => {
    const y = floats(new Array(9).fill(9));
    run(Kernel.copyStrided, floats([1, 2]), y, 1, 1, 2, 3, 0, 0, 1, 0, 0, 0, 5, 1);
    expect(Array.from(floatsIn(y))).toEqual([1, 1, 1, 9, 9, 2, 2, 2, 9]);
  });
});

describe('gatherRows and scatterRows', () => {
  const columns = [0, 1, 2, 3, 4, 15, 16, 17, 257];
  const index = [4, 0, 4, 2, 4];

  it.each(columns)('take rows by index, repeated ones too, of %i words', (n) => {
    const x = rough(5 * n, 1);
    const y = blank(index.length * n);
    run(Kernel.gatherRows, floats(x), { ...integers(index), stride: 0, mask: -1 }, y, index.length, n, x.length / n);
    const expected = index.flatMap((row) => Array.from(x.subarray(row * n, (row + 1) * n)));
    expectBits('y', floatsIn(y), expected);
  });

  it.each(columns)('add rows by index in order, to the bit, of %i floats', (n) => {
    const [x, before] = [rough(index.length * n, 1), rough(5 * n, 2)];
    const y = floats(before);
    run(Kernel.scatterRows, floats(x), integers(index), y, index.length, n, 2 ** 20);
    const expected = before.slice();
    index.forEach((row, i) => {
      for (let j = 0; j < n; j++) {
        expected[row * n + j] = (expected[row * n + j] as number) + (x[i * n + j] as number);
      }
    });
    expectBits('y', floatsIn(y), expected);
  });

  it('advance along the index with the step, modulo its mask', () => {
    const rows = { ...integers([3, 1, 0, 2]), stride: 4, mask: 3 };
    const y = blank(1);
    run(Kernel.gatherRows, floats([10, 11, 12, 13]), rows, y, 1, 1, 4);
    expect(Array.from(floatsIn(y)), 'eager steps are number 0').toEqual([13]);
  });
});

describe('findNonFinite', () => {
  const found = (values: ArrayLike<number>) => {
    const at = blank(1);
    run(Kernel.findNonFinite, floats(values), values.length, at);
    return integersIn(at)[0];
  };

  it.each(SIZES)('finds nothing among %i finite numbers, whatever stands behind them', (n) => {
    expect(found(small(n, 1))).toBe(-1);
  });

  it.each(SIZES.filter((n) => n > 0))('finds the first of two at the ends of %i numbers', (n) => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const x = small(n, 1);
      x[n - 1] = bad;
      expect(found(x)).toBe(n - 1);
      x[0] = bad;
      expect(found(x)).toBe(0);
    }
  });

  it('passes the largest float and subnormals', () => {
    expect(found([3.4028234663852886e38, -3.4028234663852886e38, 2 ** -149])).toBe(-1);
  });
});
