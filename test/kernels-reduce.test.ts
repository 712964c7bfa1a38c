import { describe, expect, it } from 'vitest';
import { Kernel, Loss, Unary } from '../assembly/kernel';
import { numbers, pairs, rough, small, upTo } from './support/numbers';
import { byPartials, inBlocks, ofColumn } from './support/orders';
import { blank, expectBits, floats, floatsIn, integers, integersIn, run } from './support/rooms';

const f = Math.fround;
const LENGTHS = [0, 1, 2, 3, 4, 5, 7, 15, 16, 17, 31, 33, 251, 256, 257, 513];
const ROWS = [0, 1, 2, 3, 255, 256, 257, 513];

const rowOf = (x: Float32Array, i: number, n: number) => x.subarray(i * n, (i + 1) * n);
const term = (x: ArrayLike<number>) => (i: number) => x[i] as number;

function mapped(unary: Unary, x: ArrayLike<number>): Float32Array {
  const y = blank(x.length);
  run(Kernel.mapUnary, unary, floats(x), y, x.length, 0);
  return floatsIn(y);
}

describe('sumColumns', () => {
  const sums = (x: Float32Array, rows: number, n: number, divisor = 1) => {
    const y = blank(rows);
    run(Kernel.sumColumns, floats(x), y, rows, n, divisor);
    return floatsIn(y);
  };

  it.each(LENGTHS)('is the float64 sum of whole numbers, divided, for rows of %i', (n) => {
    const x = small(3 * n, 1);
    const exact = upTo(3).map((i) => rowOf(x, i, n).reduce((a, b) => a + b, 0) / 3);
    expectBits('y', sums(x, 3, n, 3), exact);
  });

  it.each(LENGTHS)('sums in order (b), to the bit, for rows of %i', (n) => {
    const x = rough(5 * n, 2);
    const expected = upTo(5).map((i) => byPartials(n, term(rowOf(x, i, n))));
    expectBits('y', sums(x, 5, n), expected);
  });
});

describe('sumRows', () => {
  const sums = (
    x: Float32Array,
    { outer, m, n, divisor }: { outer: number; m: number; n: number; divisor: number },
  ) => {
    const y = blank(outer * n);
    run(Kernel.sumRows, floats(x), y, outer, m, n, divisor);
    return floatsIn(y);
  };

  it.each(pairs(ROWS, [0, 1, 3, 4, 5, 16, 17]))('sums in order (c), to the bit, for %i rows of %i', (m, n) => {
    const x = rough(2 * m * n, 1);
    const expected = upTo(2 * n).map((at) => {
      const [o, j] = [Math.floor(at / n), at % n];
      return f((n === 1 ? ofColumn : inBlocks)(m, (i) => x[(o * m + i) * n + j] as number) / 7);
    });
    expectBits('y', sums(x, { outer: 2, m, n, divisor: 7 }), expected);
  });

  it.each(ROWS)('sums the products of two columns in order (c), to the bit, for %i rows', (m) => {
    const [x, z] = [rough(m, 1), rough(m, 2)];
    const y = blank(1);
    run(Kernel.sumRows, floats(x), y, 1, m, 1, 7, 0, 0, floats(z));
    expectBits('y', floatsIn(y), [f(ofColumn(m, (i) => (x[i] as number) * (z[i] as number)) / 7)]);
  });
});

describe('extremeColumns and indexExtreme', () => {
  const extremes = (x: ArrayLike<number>, n: number, sign: number) => {
    const [y, at] = [blank(x.length / n), blank(x.length / n)];
    run(Kernel.extremeColumns, floats(x), y, x.length / n, n, sign);
    run(Kernel.indexExtreme, floats(x), at, x.length / n, n, sign);
    return { values: Array.from(floatsIn(y)), indices: Array.from(integersIn(at)) };
  };

  it.each(LENGTHS.filter((n) => n > 0))('find the first largest and the first smallest of %i', (n) => {
    const x = small(6 * n, n);
    const rows = upTo(6).map((i) => Array.from(rowOf(x, i, n)));
    const tops = rows.map((row) => Math.max(...row));
    const bottoms = rows.map((row) => Math.min(...row));
    expect(extremes(x, n, 1)).toEqual({ values: tops, indices: rows.map((row, i) => row.indexOf(tops[i] as number)) });
    expect(extremes(x, n, -1)).toEqual({
      values: bottoms,
      indices: rows.map((row, i) => row.indexOf(bottoms[i] as number)),
    });
  });

  it('hold for infinities, and give NaN and the place of the first one', () => {
    const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
    expect(extremes([-inf, -inf, 1, nan, 5, nan, inf, 2], 2, 1)).toEqual({
      values: [-inf, nan, nan, inf],
      indices: [0, 1, 1, 0],
    });
    expect(extremes([inf, inf, nan, 1], 2, -1)).toEqual({ values: [inf, nan], indices: [0, 0] });
  });
});

/** exp(x - top) by the kernels' own exp, which functions.test.ts measures, and their sum in order (b). */
function exponentials(x: Float32Array): { top: number; e: Float32Array; sum: number } {
  const top = Math.max(...x);
  const e = mapped(
    Unary.exp,
    x.map((v) => v - top),
  );
  return { top, e, sum: byPartials(x.length, term(e)) };
}

const logOf = (x: number) => mapped(Unary.log, [x])[0] as number;

describe('softmaxColumns', () => {
  it.each(LENGTHS.filter((n) => n > 0))('sums in order (b), to the bit, for rows of %i', (n) => {
    const x = rough(3 * n, n).map((v) => v * 10);
    for (const logarithm of [0, 1]) {
      const y = blank(3 * n);
      run(Kernel.softmaxColumns, floats(x), y, 3, n, logarithm);
      const expected = upTo(3).flatMap((i) => {
        const row = rowOf(x, i, n);
        const { top, e, sum } = exponentials(row);
        return Array.from(logarithm ? row.map((v) => f(v - top) - logOf(sum)) : e.map((v) => v / sum));
      });
      expectBits(`logarithm ${logarithm}`, floatsIn(y), expected);
    }
  });

  it('does not overflow where exp would, and spreads a row of equals evenly', () => {
    const y = blank(6);
    run(Kernel.softmaxColumns, floats([1e38, -1e38, 0, 300, 300, 300]), y, 2, 3, 0);
    expectBits('y', floatsIn(y), [1, 0, 0, 1 / 3, 1 / 3, 1 / 3]);
  });
});

describe('elementwiseLoss', () => {
  /** Value and slope of one element in float32; the logistic one by the kernels' own softplus and sigmoid. */
  const RULES = {
    squared: (o: Float32Array, t: Float32Array) => {
      const d = o.map((v, i) => v - (t[i] as number));
      return { value: d.map((v) => v * v), slope: d.map((v) => v + v) };
    },
    logistic: (o: Float32Array, t: Float32Array) => ({
      value: mapped(Unary.softplus, o).map((v, i) => v - f((o[i] as number) * (t[i] as number))),
      slope: mapped(Unary.sigmoid, o).map((v, i) => v - (t[i] as number)),
    }),
  };
  const kinds = ['squared', 'logistic'] as const;
  const shapes = [...pairs(ROWS, [1, 3, 17]), ...pairs([2], LENGTHS)];

  it.each(pairs(kinds, shapes))(
    '%s: sums rows in order (b) and over rows in order (c), to the bit, for %j',
    (kind, [m, n]) => {
      const [o, t] = [rough(m * n, 1), rough(m * n, 2)];
      const divisor = Math.max(m * n, 1);
      const { value, slope } = RULES[kind](o, t);
      const sum = ofColumn(m, (i) => byPartials(n, term(rowOf(value, i, n))));
      for (const wanted of [true, false]) {
        const [y, dx] = [blank(1), blank(m * n)];
        run(Kernel.elementwiseLoss, Loss[kind], floats(o), floats(t), y, wanted ? dx : undefined, m, n, divisor);
        expectBits('loss', floatsIn(y), [sum / divisor]);
        const scale = f(1 / divisor);
        if (wanted)
          expectBits(
            'slope',
            floatsIn(dx),
            slope.map((v) => v * scale),
          );
      }
    },
  );
});

describe('softmaxCrossEntropy', () => {
  it.each([...pairs(ROWS, [2, 10]), ...pairs([3], [1, 3, 4, 5, 16, 17, 100])])(
    'sums rows in order (b) and over rows in order (c), to the bit, for %i rows of %i classes',
    (m, n) => {
      const o = rough(m * n, 1).map((v) => v * 5);
      const next = numbers(m + n);
      const labels = upTo(m).map(() => Math.floor(next() * n));
      const [y, dx] = [blank(1), blank(m * n)];
      const divisor = Math.max(m, 1);
      run(Kernel.softmaxCrossEntropy, floats(o), integers(labels), y, dx, m, n, divisor);
      const scale = f(1 / divisor);
      const rows = upTo(m).map((i) => exponentials(rowOf(o, i, n)));
      const losses = rows.map(({ top, sum }, i) =>
        f(logOf(sum) - f((o[i * n + (labels[i] as number)] as number) - top)),
      );
      const slopes = rows.flatMap(({ e, sum }, i) => {
        const slope = e.map((v) => v * f(scale / sum));
        slope[labels[i] as number] = (slope[labels[i] as number] as number) - scale;
        return Array.from(slope);
      });
      expectBits('loss', floatsIn(y), [ofColumn(m, term(losses)) / divisor]);
      expectBits('slope', floatsIn(dx), slopes);
    },
  );
});
