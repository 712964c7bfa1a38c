import { describe, expect, it } from 'vitest';
import { Binary, Kernel, Unary } from '../assembly/kernel';
import { pairs, rough } from './support/numbers';
import { blank, expectBits, floats, floatsIn, integers, integersIn, run } from './support/rooms';

const f = Math.fround;
/** Nothing, one, and primes and their neighbours around a vector and a line. */
const SIZES = [0, 1, 2, 3, 4, 5, 7, 15, 16, 17, 19, 251, 256, 257, 509, 512, 513];

const LARGEST = 3.4028234663852886e38;
const LEAST_NORMAL = 2 ** -126;
const LEAST = 2 ** -149;
/** What functions go wrong on. */
const SPECIAL = [
  ...[0, 1, 0.5, 2, 87.5, 104, 2 ** 24, 2 ** 31, LEAST, LEAST_NORMAL - LEAST, LEAST_NORMAL, LARGEST].flatMap((v) => [
    v,
    -v,
  ]),
  ...[Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN],
];

function mapped(unary: Unary, x: ArrayLike<number>, p = 0): Float32Array {
  const y = blank(x.length);
  run(Kernel.mapUnary, unary, floats(x), y, x.length, p);
  return floatsIn(y);
}

const P = f(0.3);

/** The functions of one element that round once at most. */
const UNARY: { name: keyof typeof Unary; oracle: (x: number) => number }[] = [
  { name: 'negate', oracle: (x) => -x },
  { name: 'absolute', oracle: Math.abs },
  { name: 'square', oracle: (x) => x * x },
  { name: 'squareRoot', oracle: Math.sqrt },
  { name: 'relu', oracle: (x) => Math.max(x, 0) },
  { name: 'leakyRelu', oracle: (x) => (x < 0 ? x * P : x) },
  { name: 'scale', oracle: (x) => x * P },
  { name: 'shift', oracle: (x) => x + P },
];

describe.each(UNARY)('mapUnary: $name', ({ name, oracle }) => {
  const unary = Unary[name];

  it.each(SIZES)('is the float64 result, rounded, for %i elements', (n) => {
    const x = rough(n, n);
    expectBits(name, mapped(unary, x, P), x.map(oracle));
  });

  it('is the float64 result, rounded, for the special values', () => {
    expectBits(name, mapped(unary, SPECIAL, P), SPECIAL.map(f).map(oracle));
  });

  it('may write over what it reads', () => {
    const x = rough(37, 1);
    const room = floats(x);
    run(Kernel.mapUnary, unary, room, room, x.length, P);
    expectBits(name, floatsIn(room), x.map(oracle));
  });
});

describe('mapUnary between types', () => {
  const toInt = [
    0,
    0.9,
    -0.9,
    1.5,
    -1.5,
    2 ** 24 + 2,
    2 ** 31,
    -(2 ** 31),
    1e30,
    -1e30,
    Number.NaN,
    Number.POSITIVE_INFINITY,
  ];

  it('rounds floats towards 0 and keeps them in the range of integers; NaN is 0', () => {
    const y = blank(toInt.length);
    run(Kernel.mapUnary, Unary.toInt, floats(toInt), y, toInt.length, 0);
    const clamped = toInt.map(
      (v) => Math.trunc(Math.min(Math.max(Number.isNaN(v) ? 0 : v, -(2 ** 31)), 2 ** 31 - 1)) + 0,
    );
    expect(Array.from(integersIn(y))).toEqual(clamped);
  });

  it('rounds integers to the nearest float', () => {
    const x = [0, 1, -1, 2 ** 24, 2 ** 24 + 1, -(2 ** 24) - 3, 2 ** 31 - 1, -(2 ** 31)];
    const y = blank(x.length);
    run(Kernel.mapUnary, Unary.toFloat, integers(x), y, x.length, 0);
    expectBits('toFloat', floatsIn(y), x);
  });
});

/** Row and column strides of an operand, given the columns of y. */
const LAYOUTS = {
  'a matrix': (n: number) => [n, 1],
  'a part of a matrix': (n: number) => [n + 3, 1],
  'a row for all': () => [0, 1],
  'a column for all': () => [1, 0],
  'one number': () => [0, 0],
} satisfies Record<string, (columns: number) => [row: number, column: number]>;

type LayoutName = keyof typeof LAYOUTS;
const NAMES = Object.keys(LAYOUTS) as LayoutName[];

type Zip = (a: number, b: number) => number;

interface Layouts {
  rows: number;
  columns: number;
  a: LayoutName;
  b: LayoutName;
}

/** mapBinary and its oracle over one pair of layouts. */
function expectZip(binary: Binary, oracle: Zip, { rows, columns, a: la, b: lb }: Layouts): void {
  const [aRow, aColumn] = LAYOUTS[la](columns);
  const [bRow, bColumn] = LAYOUTS[lb](columns);
  const [a, b] = [rough(rows * (columns + 3) + 1, 1), rough(rows * (columns + 3) + 1, 2)];
  const y = blank(rows * columns);
  run(Kernel.mapBinary, binary, floats(a), floats(b), y, rows, columns, aRow, aColumn, bRow, bColumn, P);
  const expected = new Float32Array(rows * columns);
  for (let at = 0; at < expected.length; at++) {
    const [i, j] = [Math.floor(at / columns), at % columns];
    expected[at] = oracle(a[i * aRow + j * aColumn] as number, b[i * bRow + j * bColumn] as number);
  }
  expectBits(`${Binary[binary]} of ${la} and ${lb}, ${rows} x ${columns}`, floatsIn(y), expected);
}

/** The functions of two elements whose roundings can be written down. */
const BINARY: { name: keyof typeof Binary; oracle: Zip }[] = [
  { name: 'add', oracle: (a, b) => a + b },
  { name: 'subtract', oracle: (a, b) => a - b },
  { name: 'multiply', oracle: (a, b) => a * b },
  { name: 'divide', oracle: (a, b) => a / b },
  { name: 'maximum', oracle: Math.max },
  { name: 'minimum', oracle: Math.min },
  { name: 'equal', oracle: (a, b) => Number(a === b) },
  { name: 'greater', oracle: (a, b) => Number(a > b) },
  { name: 'less', oracle: (a, b) => Number(a < b) },
  { name: 'absoluteGradient', oracle: (dy, x) => (x === 0 ? 0 : x < 0 ? -dy : dy) },
  { name: 'reluGradient', oracle: (dy, y) => (y > 0 ? dy : 0) },
  { name: 'leakyReluGradient', oracle: (dy, x) => (x > 0 ? dy : dy * P) },
  { name: 'tanhGradient', oracle: (dy, y) => dy * f(1 - f(y * y)) },
  { name: 'sigmoidGradient', oracle: (dy, y) => dy * f(y * f(1 - y)) },
];

describe.each(BINARY)('mapBinary: $name', ({ name, oracle }) => {
  const binary = Binary[name];

  it.each(pairs([0, 1, 3], [0, 1, 3, 4, 5, 16, 17, 257]))(
    'is the float64 result, rounded, for %i x %i',
    (rows, columns) => {
      for (const [a, b] of pairs(NAMES, NAMES)) expectZip(binary, oracle, { rows, columns, a, b });
    },
  );

  it('is the float64 result, rounded, for pairs of special values', () => {
    const all = pairs(SPECIAL.map(f), SPECIAL.map(f)).filter(([, x]) => !name.endsWith('Gradient') || !Number.isNaN(x));
    const y = blank(all.length);
    const [a, b] = [floats(all.map(([v]) => v)), floats(all.map(([, v]) => v))];
    run(Kernel.mapBinary, binary, a, b, y, 1, all.length, all.length, 1, all.length, 1, P);
    expectBits(
      name,
      floatsIn(y),
      all.map(([v, w]) => oracle(v, w)),
    );
  });

  it('may write over either matrix that it reads', () => {
    const [a, b] = [rough(35, 1), rough(35, 2)];
    for (const over of [0, 1] as const) {
      const rooms = [floats(a), floats(b)] as const;
      run(Kernel.mapBinary, binary, ...rooms, rooms[over], 5, 7, 7, 1, 7, 1, P);
      expectBits(
        name,
        floatsIn(rooms[over]),
        a.map((v, i) => oracle(v, b[i] as number)),
      );
    }
  });
});

describe('select', () => {
  it.each(SIZES)('takes a where the condition is not 0, else b, for %i elements', (n) => {
    const choices = [0, 1, -0, -2, Number.NaN, LEAST];
    const c = Array.from({ length: n }, (_, i) => choices[i % choices.length] as number);
    const [a, b] = [rough(n, 1), rough(n, 2)];
    const y = blank(n);
    run(Kernel.select, floats(c), floats(a), floats(b), y, n);
    expectBits(
      'y',
      floatsIn(y),
      a.map((v, i) => (c[i] === 0 ? (b[i] as number) : v)),
    );
  });
});
