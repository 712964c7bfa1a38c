import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Binary, Kernel, Unary } from '../assembly/kernel';
import { CHUNK, startFunctions } from '../bench/lib/functions.mjs';
import { ORACLES } from './support/functions.mjs';
import { blank, expectBits, floats, floatsIn, run } from './support/rooms';
import { worstOf } from './support/ulp.mjs';

type Name = 'exp' | 'log' | 'tanh' | 'sigmoid' | 'sin' | 'cos' | 'softplus' | 'elu';
/** Products of x and a share of it: where the share underflows, so do they. */
type Gated = 'silu' | 'gelu';

const NAMES: Name[] = ['exp', 'log', 'tanh', 'sigmoid', 'sin', 'cos', 'softplus', 'elu'];
const oracles: Record<string, (x: number) => number> = {
  ...ORACLES,
  elu: (x) => (x > 0 ? x : Math.expm1(x)),
};
const exactly = (name: string, x: Float32Array) => Float64Array.from(x, oracles[name] as (x: number) => number);

/** Units in the last place that a function may be off by at the worst, over all floats. */
const PROMISED = 2;

function applied(unary: Unary, x: Float32Array): Float32Array {
  const y = blank(x.length);
  run(Kernel.mapUnary, unary, floats(x), y, x.length, 1);
  return floatsIn(y);
}

function expectWithin(ulps: number, { ulps: worst, at }: ReturnType<typeof worstOf>): void {
  expect(worst, at).toBeLessThanOrEqual(ulps);
}

/** A prime: its multiples meet all exponents with ever new mantissas. */
const STRIDE = 9973;

function everyNth(): Float32Array {
  const count = Math.floor(2 ** 32 / STRIDE);
  return new Float32Array(Uint32Array.from({ length: count }, (_, i) => i * STRIDE).buffer);
}

/** Arguments and exact values of one function, from high-precision arithmetic: functions/functions.py. */
function exactValues(name: string): { args: Float32Array[]; values: number[]; lines: string[] } {
  const text = readFileSync(new URL('./functions/values.txt', import.meta.url), 'utf8');
  const lines = text.split('\n').filter((line) => line.startsWith(`${name} `));
  const fields = lines.map((line) => line.split(' ').slice(1));
  const column = (i: number) =>
    new Float32Array(Uint32Array.from(fields, (field) => Number.parseInt(field[i] as string, 16)).buffer);
  const args = (fields[0] as string[]).slice(0, -1).map((_, i) => column(i));
  return { args, values: fields.map((field) => Number(field.at(-1))), lines };
}

describe.each(NAMES)('%s', (name) => {
  it(`is within its bound in units of the last place at every ${STRIDE}th float`, () => {
    const x = everyNth();
    const exact = exactly(name, x);
    expectWithin(
      PROMISED,
      worstOf(applied(Unary[name], x), exact, (i) => `${name}(${x[i]})`),
    );
  });

  it('is within its bound of the exact values where it is hard', () => {
    const { args, values, lines } = exactValues(name);
    const [x] = args as [Float32Array];
    expectWithin(
      PROMISED,
      worstOf(applied(Unary[name], x), values, (i) => lines[i] as string),
    );
  });
});

describe('the functions within others', async () => {
  const { x, z, apply } = await startFunctions();

  /** Results and exact values; x outside of what the function is for are 0. */
  function measured(name: string, isFor: (x: number) => boolean): ReturnType<typeof worstOf> {
    // Some other multiple of a prime than above, so that a chunk reaches over all floats.
    const step = Math.floor(2 ** 32 / CHUNK) - 3;
    new Uint32Array(x.buffer, x.byteOffset, CHUNK).forEach((_, i, bits) => {
      bits[i] = i * step;
    });
    x.forEach((v, i) => {
      if (!isFor(v)) x[i] = 0;
    });
    apply(name);
    return worstOf(z, exactly(name, x), (i) => `${name}(${x[i]})`);
  }

  it.each([
    ['erf', () => true],
    ['expm1', () => true],
    ['log1p', (v: number) => v >= 0 && v <= 1],
  ])('%s is within its bound at floats spread over all', (name, isFor) => {
    expectWithin(PROMISED, measured(name, isFor));
  });

  it('erf and expm1 have the special values', () => {
    const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
    x.set([nan, inf, -inf, 0, -0, 2 ** -149, -(2 ** -149)]);
    apply('erf');
    expectBits('erf', z.slice(0, 7), [nan, 1, -1, 0, -0, 2 ** -149, -(2 ** -149)]);
    apply('expm1');
    expectBits('expm1', z.slice(0, 7), [nan, inf, -1, 0, -0, 2 ** -149, -(2 ** -149)]);
  });

  it("the oracle's erf is Abramowitz and Stegun's table 7.1", () => {
    for (const [v, exact] of [
      [0.1, 0.112462916],
      [0.5, 0.5204998778],
      [1, 0.8427007929],
      [2, 0.995322265],
    ] as const)
      expect(oracles.erf?.(v)).toBeCloseTo(exact, 9);
  });
});

describe.each<Gated>(['silu', 'gelu'])('%s', (name) => {
  it('is within 5e-7 of the exact values, or 5e-7 of them where they are above 1', () => {
    const { args, values, lines } = exactValues(name);
    const [x] = args as [Float32Array];
    const y = applied(Unary[name], x);
    const off = lines.filter((_, i) => {
      const exact = values[i] as number;
      return !(Math.abs((y[i] as number) - exact) <= 5e-7 * Math.max(1, Math.abs(exact)));
    });
    expect(off).toEqual([]);
  });
});

describe('pow', () => {
  const powers = (x: ArrayLike<number>, y: ArrayLike<number>) => {
    const z = blank(x.length);
    run(Kernel.mapBinary, Binary.power, floats(x), floats(y), z, 1, x.length, x.length, 1, x.length, 1, 0);
    return floatsIn(z);
  };

  it('is within 2 units in the last place of the exact values', () => {
    const { args, values, lines } = exactValues('pow');
    const [x, y] = args as [Float32Array, Float32Array];
    expectWithin(
      PROMISED,
      worstOf(powers(x, y), values, (i) => lines[i] as string),
    );
  });

  it('has the special values of IEEE 754', () => {
    const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
    const table = [
      ...[0, -0, 1, -2, inf, nan].map((x) => [x, 0, 1]),
      ...[inf, -inf, 5, nan].map((y) => [1, y, 1]),
      ...[inf, -inf].map((y) => [-1, y, 1]),
      ...[0.5, -1.5, inf].flatMap((y) => [[nan, y, nan]]),
      ...[2, nan].map((x) => [x, nan, nan]),
      ...[-1, -8, -0.5].map((x) => [x, 1 / 3, nan]),
      [0, 3, 0],
      [-0, 3, -0],
      [-0, 2, 0],
      [-0, 0.5, 0],
      [0, -3, inf],
      [-0, -3, -inf],
      [-0, -2, inf],
      [-0, -0.5, inf],
      [2, inf, inf],
      [-2, inf, inf],
      [0.5, inf, 0],
      [-0.5, inf, 0],
      [2, -inf, 0],
      [0.5, -inf, inf],
      [0, inf, 0],
      [0, -inf, inf],
      [inf, 2, inf],
      [inf, -2, 0],
      [-inf, 3, -inf],
      [-inf, 2, inf],
      [-inf, 0.5, inf],
      [-inf, -3, -0],
      [-inf, -0.5, 0],
      [-2, 3, -8],
      [-2, 2, 4],
      [-1, 2 ** 24, 1],
      [-1, 2 ** 24 - 1, -1],
    ] as [x: number, y: number, z: number][];
    const z = powers(
      table.map(([x]) => x),
      table.map(([, y]) => y),
    );
    table.forEach(([x, y, expected], i) => {
      expectBits(`${x} to the power of ${y}`, [z[i] as number], [expected]);
    });
  });
});

describe('the special values', () => {
  const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
  const x = Float32Array.of(nan, inf, -inf, 0, -0);
  const table: Record<Name | Gated, number[]> = {
    exp: [nan, inf, 0, 1, 1],
    log: [nan, inf, nan, -inf, -inf],
    tanh: [nan, 1, -1, 0, -0],
    sigmoid: [nan, 1, 0, 0.5, 0.5],
    sin: [nan, nan, nan, 0, -0],
    cos: [nan, nan, nan, 1, 1],
    softplus: [nan, inf, 0, Math.LN2, Math.LN2],
    elu: [nan, inf, -1, 0, -0],
    silu: [nan, inf, nan, 0, -0],
    gelu: [nan, inf, nan, 0, -0],
  };

  it.each(Object.entries(table))('of %s are those of its limits', (name, expected) => {
    expectBits(name, applied(Unary[name as Name | Gated], x), expected);
  });
});
