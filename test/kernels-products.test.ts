import { describe, expect, it } from 'vitest';
import { Activation, BLOCK, Kernel, NARROW, PACKED_COLUMNS, PACKED_ROWS, PANEL } from '../assembly/kernel';
import { pairs, rough, small } from './support/numbers';
import { byPartials, inBlocks, type Product, productBy, type Strides } from './support/orders';
import { blank, expectBits, floats, floatsIn, type Room, run } from './support/rooms';

type Layout = (rows: number, columns: number) => Strides;

/** How a matrix may lie: as it is, transposed, and as a part of a larger one. */
const LAYOUTS = {
  rows: (_, columns) => ({ row: columns, column: 1 }),
  columns: (rows) => ({ row: 1, column: rows }),
  'rows with gaps': (_, columns) => ({ row: columns + 3, column: 1 }),
  'columns with gaps': (rows) => ({ row: 1, column: rows + 5 }),
  'gaps everywhere': (_, columns) => ({ row: 2 * columns + 1, column: 2 }),
} satisfies Record<string, Layout>;

type LayoutName = keyof typeof LAYOUTS;

/** Which a and which b: x Wᵀ, dy W and dyᵀ x are the first three. */
const TRANSPOSES: [LayoutName, LayoutName][] = [
  ['rows', 'columns'],
  ['rows', 'rows'],
  ['columns', 'rows'],
  ['columns', 'columns'],
  ['gaps everywhere', 'rows with gaps'],
  ['columns with gaps', 'columns with gaps'],
];
const EPILOGUES = pairs([false, true], [false, true]);

interface Shape {
  m: number;
  n: number;
  k: number;
}

type Fill = (length: number, seed: number) => Float32Array;

/** The elements that a matrix of these strides reaches over. */
function reach(rows: number, columns: number, { row, column }: Strides): number {
  return rows === 0 || columns === 0 ? 0 : (rows - 1) * row + (columns - 1) * column + 1;
}

interface Form {
  layouts: [LayoutName, LayoutName];
  biased: boolean;
  relu: boolean;
  fill: Fill;
}

function problem({ m, n, k }: Shape, { layouts: [la, lb], biased, relu, fill }: Form): Product {
  const [sa, sb] = [LAYOUTS[la](m, k), LAYOUTS[lb](k, n)];
  const bias = biased ? fill(n, 3) : undefined;
  return { a: fill(reach(m, k, sa), 1), b: fill(reach(k, n, sb), 2), m, n, k, sa, sb, bias, relu };
}

const upTo = (n: number, unit: number) => Math.ceil(n / unit) * unit;

/** The room for the panels of b and, where its columns are not contiguous, for packed rows of a. */
function panelsOf({ m, n, k, sa }: Product): Room {
  const rows = sa.column === 1 ? 0 : upTo(Math.min(m, PACKED_ROWS), 4);
  return blank(Math.min(k, BLOCK) * (upTo(Math.min(n, PACKED_COLUMNS), PANEL) + rows));
}

function product(given: Product): Float32Array {
  const { a, b, m, n, k, sa, sb, bias, relu, gate } = given;
  const c = blank(m * n);
  const activation = relu ? Activation.relu : Activation.none;
  const [left, right] = [floats(a), floats(b)];
  const rest = [c, m, n, k, bias && floats(bias), activation, panelsOf(given), gate && floats(gate)];
  run(Kernel.product, left, sa.row, sa.column, right, sb.row, sb.column, ...rest);
  return floatsIn(c);
}

/** The rows of a and the columns of b are contiguous, and columns of b lie `sb.column` apart. */
function productNarrow({ a, b, m, n, k, sb, bias, relu }: Product): Float32Array {
  const c = blank(m * n);
  const activation = relu ? Activation.relu : Activation.none;
  run(Kernel.productNarrow, floats(a), floats(b), sb.column, c, m, n, k, bias && floats(bias), activation);
  return floatsIn(c);
}

/** The sum in float64, in which whole numbers of this size are exact. */
function exactly(k: number, term: (p: number) => number): number {
  let sum = 0;
  for (let p = 0; p < k; p++) sum += term(p);
  return sum;
}

const name = ({ m, n, k }: Shape) => `${m} x ${k} x ${n}`;

type ProductKernel = (given: Product) => Float32Array;

interface Check {
  kernel: ProductKernel;
  /** How the oracle sums, and of which numbers. */
  sum: (k: number, term: (p: number) => number) => number;
  fill: Fill;
  layouts?: [LayoutName, LayoutName][];
}

/** Compares a product in each layout, the epilogues taking turns. */
function expectProducts(shape: Shape, { kernel, sum, fill, layouts = TRANSPOSES }: Check): void {
  layouts.forEach((pair, i) => {
    const [biased, relu] = EPILOGUES[i % EPILOGUES.length] as [boolean, boolean];
    const given = problem(shape, { layouts: pair, biased, relu, fill });
    const what = `${name(shape)}, a by ${pair[0]}, b by ${pair[1]}, bias ${biased}, relu ${relu}`;
    expectBits(what, kernel(given), productBy(sum, given));
  });
}

const WIDTHS = [0, 1, 7, 8, 9, 15, 16, 17, 31, 257];
const DEPTHS = [0, 1, 3, 4, 5, 255, 256, 257, 513];
const HEIGHTS = [0, 1, 2, 3, 4, 5, 7, 61, 63, 64, 65, 131];

describe('product', () => {
  const exact: Check = { kernel: product, sum: exactly, fill: small };

  it.each(pairs(WIDTHS, DEPTHS))('is the float64 sum of whole numbers for n = %i and k = %i', (n, k) => {
    expectProducts({ m: 3, n, k }, exact);
  });

  it.each(pairs(HEIGHTS, [16, 17]))('is the float64 sum of whole numbers for m = %i rows and n = %i', (m, n) => {
    expectProducts({ m, n, k: 258 }, exact);
  });

  it.each([511, 512, 513, 1025])('is the float64 sum of whole numbers across packed blocks of columns, n = %i', (n) => {
    expectProducts({ m: 3, n, k: 257 }, exact);
  });

  it.each(pairs([1, 16, 17, 513], [1, 2, 255, 256, 257, 513, 769]))(
    'sums in order (a), to the bit, for n = %i and k = %i',
    (n, k) => expectProducts({ m: 3, n, k }, { kernel: product, sum: inBlocks, fill: rough }),
  );

  it.each(pairs([66, 130], [65, 80]))('packs far columns of a, to the bit, for m = %i and n = %i', (m, n) => {
    const layouts: [LayoutName, LayoutName][] = [
      ['columns', 'rows'],
      ['columns with gaps', 'columns'],
    ];
    for (const k of [256, 259]) {
      expectProducts({ m, n, k }, { ...exact, layouts });
      expectProducts({ m, n, k }, { kernel: product, sum: inBlocks, fill: rough, layouts });
    }
  });

  it.each(pairs([1, 2, 3], [1, 4, 5, 9, 13, 16, 17, 33]))(
    'is 0 where its gate is not above 0, and else the sum, for m = %i and n = %i',
    (m, n) => {
      for (const k of [1, 257]) {
        for (const layouts of TRANSPOSES) {
          const given = problem({ m, n, k }, { layouts, biased: false, relu: false, fill: rough });
          const gate = small(m * n, 9);
          gate.set([Number.NaN, -0].slice(0, m * n));
          const gated = { ...given, gate };
          expectBits(`k ${k}, a by ${layouts[0]}`, product(gated), productBy(inBlocks, gated));
        }
      }
    },
  );

  it('gives +0, and no -0, for the sum of nothing and for sums of -0', () => {
    const given = problem({ m: 2, n: 9, k: 3 }, { layouts: ['rows', 'rows'], biased: false, relu: false, fill: small });
    const zeros = { ...given, a: new Float32Array(6).fill(-0), b: new Float32Array(27).fill(1) };
    expectBits('sum of -0', product(zeros), new Float32Array(18));
    expectBits('sum of nothing', product({ ...zeros, k: 0 }), new Float32Array(18));
  });

  it('carries NaN and infinities of a row into that row alone', () => {
    const a = [1, Number.NaN, 1, 1, 1, Number.POSITIVE_INFINITY];
    const b = new Float32Array(2 * 16).fill(1);
    const strides = { row: 2, column: 1 };
    const c = product({ a, b, m: 3, n: 16, k: 2, sa: strides, sb: { row: 16, column: 1 } });
    const row = (value: number) => new Array<number>(16).fill(value);
    expectBits('c', c, [...row(Number.NaN), ...row(2), ...row(Number.POSITIVE_INFINITY)]);
  });

  it('lets no NaN pass as 0 through the relu', () => {
    const given = { a: [Number.NaN], b: new Float32Array(16).fill(1), m: 1, n: 16, k: 1 };
    const strides = { row: 16, column: 1 };
    expectBits('c', product({ ...given, sa: strides, sb: strides, relu: true }), new Array(16).fill(Number.NaN));
  });
});

describe('productNarrow', () => {
  const columns: [LayoutName, LayoutName][] = [
    ['rows', 'columns'],
    ['rows', 'columns with gaps'],
  ];
  const narrow = [0, 1, 2, 3, 5, NARROW - 1];
  const depths = [0, 1, 3, 4, 15, 16, 17, 31, 32, 33, 127, 257];

  const layouts = [...columns, ...columns];

  it.each(pairs(narrow, depths))('is the float64 sum of whole numbers for n = %i and k = %i', (n, k) => {
    const exact: Check = { kernel: productNarrow, sum: exactly, fill: small, layouts };
    for (const m of [0, 1, 2, 65]) expectProducts({ m, n, k }, exact);
  });

  it.each(depths)('sums in order (b), to the bit, for k = %i', (k) => {
    expectProducts({ m: 5, n: 7, k }, { kernel: productNarrow, sum: byPartials, fill: rough, layouts });
  });

  it('lets no NaN pass as 0 through the relu', () => {
    const strides = { row: 1, column: 1 };
    const given = { a: [Number.NaN], b: [1], m: 1, n: 1, k: 1, sa: strides, sb: strides, relu: true };
    expect(productNarrow(given)).toEqual(new Float32Array([Number.NaN]));
  });
});
