import { manualSeed, parameter, rand, randn, type Tensor, tensor, zeros } from 'downhill';
import * as nn from 'downhill/nn';
import { describe, expect, it } from 'vitest';
import { expectClose, readGolden } from './golden/read.js';
import { any, failure, testFailures } from './support/failures';

type Drawn = { low: number; high: number } | { mean: number; std: number };
type Rule = 'xavierUniform' | 'xavierNormal' | 'kaimingUniform' | 'kaimingNormal';

interface Case {
  name: Rule;
  options: object;
  shape: number[];
  drawn: Drawn;
}

const golden = readGolden<{ gains: Record<nn.Nonlinearity, number>; cases: Case[] }>('inits');
const cases = golden.cases.map((c) => ({ ...c, title: `${c.name} ${JSON.stringify(c.options)} of ${c.shape}` }));

/** The share of a normal distribution below z, to 1e-7 (Abramowitz and Stegun 1964, 7.1.26). */
function belowNormal(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const half = (series * Math.exp(-x * x)) / 2;
  return z > 0 ? 1 - half : half;
}

const belowOf = (drawn: Drawn) => (x: number) =>
  'std' in drawn ? belowNormal((x - drawn.mean) / drawn.std) : (x - drawn.low) / (drawn.high - drawn.low);

/** Kolmogorov's distance between a sample and a distribution, times √n: above 1.95 once in a thousand. */
function distance(sample: Tensor, below: (x: number) => number): number {
  const sorted = Array.from(sample.toTypedArray()).sort((a, b) => a - b);
  const n = sorted.length;
  const gap = (x: number, i: number) => Math.max(Math.abs(below(x) - i / n), Math.abs(below(x) - (i + 1) / n));
  return sorted.reduce((most, x, i) => Math.max(most, gap(x, i)), 0) * Math.sqrt(n);
}

/** A distribution that is 3% wider. */
const wider = (drawn: Drawn): Drawn =>
  'std' in drawn ? { mean: 0, std: drawn.std * 1.03 } : { low: drawn.low * 1.03, high: drawn.high * 1.03 };

describe('init', () => {
  it.each(cases)("draws from PyTorch's distribution, in place: $title", ({ name, options, shape, drawn }) => {
    const p = parameter(zeros(shape));
    manualSeed(5);
    expect(nn.init[name](p, options)).toBe(p);
    expect([...p.shape, p.requiresGrad]).toEqual([...shape, true]);
    manualSeed(5);
    const unit = 'std' in drawn ? randn(shape) : rand(shape);
    const [from, by] = 'std' in drawn ? [drawn.mean, drawn.std] : [drawn.low, drawn.high - drawn.low];
    const expected = Array.from(unit.toTypedArray(), (u) => from + by * u);
    expectClose(name, p.toTypedArray(), expected, () => 1e-6 * by);
  });

  it.each(cases.filter((c) => c.shape[0] === 30 && Object.keys(c.options).length === 0))(
    'has the shape of its distribution: $title',
    (c) => {
      const { name, options, drawn } = c;
      // As many numbers as a sample needs.
      const scale = 10;
      const p = parameter(zeros(c.shape.map((n) => n * scale)));
      manualSeed(11);
      nn.init[name](p, options);
      const narrow = Object.fromEntries(Object.entries(drawn).map(([k, v]) => [k, v / Math.sqrt(scale)])) as Drawn;
      expect(distance(p, belowOf(narrow))).toBeLessThan(1.95);
      expect(distance(p, belowOf(wider(narrow)))).toBeGreaterThan(1.95);
    },
  );

  it.each(Object.entries(golden.gains))("has PyTorch's gain: %s", (name, gain) => {
    expect(nn.init.calculateGain(name as nn.Nonlinearity, 0.2)).toBeCloseTo(gain, 11);
  });

  it('fills with one value, evenly or normally', () => {
    const { weight, bias } = new nn.Linear(2, 3);
    expect(nn.init.constant(bias as Tensor, 0.25).toArray()).toEqual([0.25, 0.25, 0.25]);
    expect(nn.init.zeros(bias as Tensor).toArray()).toEqual([0, 0, 0]);
    expect(nn.init.ones(bias as Tensor).toArray()).toEqual([1, 1, 1]);
    const drawn = nn.init.uniform(weight, { a: -3, b: -2 }).toTypedArray();
    expect(drawn.every((x) => x >= -3 && x < -2)).toBe(true);
    expect(nn.init.normal(weight, { mean: 7, std: 0 }).toArray()).toEqual([
      [7, 7],
      [7, 7],
      [7, 7],
    ]);
  });

  it('draws other numbers each time', () => {
    const { weight } = new nn.Linear(2, 3);
    const first = nn.init.xavierNormal(weight).toArray();
    expect(nn.init.xavierNormal(weight).toArray()).not.toEqual(first);
  });

  const p = () => parameter(zeros([2, 3]));
  testFailures([
    failure('no tensor', () => nn.init.uniform(any([1])), Error, /init.uniform got 1; give it a parameter/),
    failure('integers', () => nn.init.zeros(tensor(new Int32Array(2))), Error, /init.constant got an int32 tensor/),
    failure(
      'a bias',
      () => nn.init.xavierUniform(parameter([1])),
      Error,
      /ShapeError: init.xavierUniform.*shape \[1\]/,
    ),
    failure(
      'no rule',
      () => nn.init.calculateGain(any('gelu')),
      Error,
      /nonlinearity is gelu; it must be one of 'linear'/,
    ),
    failure(
      'a mode',
      () => nn.init.kaimingNormal(p(), any({ mode: 'fan_in' })),
      Error,
      /mode is "fan_in"; it must be 'fanIn'/,
    ),
    failure(
      'a name',
      () => nn.init.xavierNormal(p(), any({ gian: 1 })),
      Error,
      /init.xavierNormal has no option "gian"; did/,
    ),
    failure(
      'a deviation',
      () => nn.init.normal(p(), { std: -1 }),
      Error,
      /std is -1; it must be a finite number of at least 0/,
    ),
    failure('a bound', () => nn.init.uniform(p(), { b: Number.NaN }), Error, /b is NaN; it must be a finite number/),
  ]);
});
