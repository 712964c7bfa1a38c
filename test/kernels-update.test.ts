import { describe, expect, it } from 'vitest';
import { Kernel } from '../assembly/kernel';
import { pairs, rough } from './support/numbers';
import { expectBits, floats, floatsIn, run } from './support/rooms';

const f = Math.fround;
const SIZES = [0, 1, 3, 4, 5, 15, 16, 17, 251, 257];
/** Moments below this become 0, as assembly/update.ts says. */
const TINY = 2 ** -100;

const flushed = (x: number) => (Math.abs(x) < TINY ? 0 : x);

interface Sgd {
  lr: number;
  momentum: number;
  keep: number;
  decay: number;
  nesterov: boolean;
}

type Vectors = readonly Float32Array[];

const at = (vectors: Vectors, i: number) => vectors.map((v) => v[i] as number);

/** The rule of `updateSgd` for element i, each operation rounded to float32. */
function sgdOf([p, g, v]: number[], { lr, momentum, keep, decay, nesterov }: Sgd): number[] {
  const gi = f((g as number) + f(decay * (p as number)));
  const vi = flushed(f(f(momentum * (v as number)) + f(keep * gi)));
  const step = nesterov ? f(gi + f(momentum * vi)) : vi;
  return [f((p as number) - f(lr * step)), vi];
}

function sgd([p, g, v]: Vectors, { lr, momentum, keep, decay, nesterov }: Sgd): Float32Array[] {
  const [pr, gr, vr] = [floats(p ?? []), floats(g ?? []), v && floats(v)];
  const row = { ...floats([lr, momentum, keep, decay]), stride: 16, mask: 0 };
  run(Kernel.updateSgd, pr, gr, vr, pr.length, row, nesterov ? 1 : 0);
  expectBits('the gradient', floatsIn(gr), g ?? []);
  return [floatsIn(pr), ...(vr ? [floatsIn(vr)] : [])];
}

const RULES: Record<string, Sgd> = {
  momentum: { lr: f(0.1), momentum: f(0.9), keep: 1, decay: 0, nesterov: false },
  'momentum with dampening and decay': { lr: f(0.1), momentum: f(0.9), keep: f(0.7), decay: f(0.01), nesterov: false },
  'nesterov with decay': { lr: f(0.1), momentum: f(0.9), keep: 1, decay: f(0.01), nesterov: true },
};
const NAMES = Object.keys(RULES);
const ruleOf = (name: string) => RULES[name] as Sgd;

describe('updateSgd', () => {
  it.each(pairs(SIZES, NAMES))('follows its rule to the bit for %i elements and %s', (n, name) => {
    const rule = ruleOf(name);
    const vectors = [rough(n, 1), rough(n, 2), rough(n, 3)];
    const expected = Array.from({ length: n }, (_, i) => sgdOf(at(vectors, i), rule));
    const [p = [], v = []] = sgd(vectors, rule);
    expectBits(
      'p',
      p,
      expected.map(([x]) => x as number),
    );
    expectBits(
      'v',
      v,
      expected.map(([, x]) => x as number),
    );
  });

  it.each(SIZES)('is p - lr (g + decay p) without a momentum, for %i elements', (n) => {
    const [p, g] = [rough(n, 1), rough(n, 2)];
    const [lr, decay] = [f(0.1), f(0.01)];
    const [y = []] = sgd([p, g], { lr, momentum: 0, keep: 1, decay, nesterov: false });
    expectBits(
      'p',
      y,
      p.map((x, i) => x - f(lr * f((g[i] as number) + f(decay * x)))),
    );
  });

  it('makes momenta below 2⁻¹⁰⁰ zero and keeps those above', () => {
    const v = [TINY * 0.75, -TINY * 0.75, TINY * 1.5, -TINY * 1.5].map((x) => x * 2);
    const zeros = new Float32Array(4);
    const rule = { lr: 1, momentum: 0.5, keep: 1, decay: 0, nesterov: false };
    const [, kept = []] = sgd([zeros, zeros, Float32Array.from(v)], rule);
    expect(Array.from(kept, Math.abs)).toEqual([0, 0, TINY * 1.5, TINY * 1.5]);
  });

  it.each(NAMES)('does not swallow a NaN or an infinity of the gradient: %s', (name) => {
    const g = Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, 1);
    const updated = sgd([new Float32Array(3), g, new Float32Array(3)], ruleOf(name));
    for (const vector of updated) expect(Array.from(vector, Number.isFinite)).toEqual([false, false, true]);
  });
});

const ROW = [0.01, 0.9, 0.1, 0.999, 0.001, 1.5, 1e-8, 0.02].map(f);

/** The rule of `updateAdam` for one element, each operation rounded to float32. */
function adamOf([p, g, u, v]: number[]): number[] {
  const [rate, beta1, rest1, beta2, rest2, root, eps, decay] = ROW as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const gi = f((g as number) + f(decay * (p as number)));
  const ui = flushed(f(f(beta1 * (u as number)) + f(rest1 * gi)));
  const vi = flushed(f(f(beta2 * (v as number)) + f(rest2 * f(gi * gi))));
  const size = f(f(f(Math.sqrt(vi)) * root) + eps);
  return [f((p as number) - f(rate * f(ui / size))), ui, vi];
}

function adam(vectors: Vectors): Float32Array[] {
  const [p, g, u, v] = vectors.map(floats) as [ReturnType<typeof floats>, ...ReturnType<typeof floats>[]];
  run(Kernel.updateAdam, p, g, u, v, undefined, p.length, { ...floats(ROW), stride: 32, mask: 0 }, 0, 0);
  return [p, u, v].flatMap((room) => (room ? [floatsIn(room)] : []));
}

describe('updateAdam', () => {
  it.each(SIZES)('follows its rule to the bit for %i elements', (n) => {
    const vectors = [rough(n, 1), rough(n, 2), rough(n, 3), rough(n, 4).map(Math.abs)];
    const expected = Array.from({ length: n }, (_, i) => adamOf(at(vectors, i)));
    adam(vectors).forEach((vector, which) => {
      expectBits(
        ['p', 'u', 'v'][which] as string,
        vector,
        expected.map((row) => row[which] as number),
      );
    });
  });

  it('makes moments below 2⁻¹⁰⁰ zero', () => {
    const one = (x: number) => Float32Array.of(x);
    const [, u, v] = adam([one(0), one(0), one(TINY), one(TINY)]);
    expect([u?.[0], v?.[0]]).toEqual([0, 0]);
  });

  it('does not swallow a NaN or an infinity of the gradient', () => {
    const zeros = new Float32Array(3);
    const [p, u, v] = adam([zeros, Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, 1), zeros, zeros]);
    for (const vector of [p, u, v]) expect(Array.from(vector ?? [], Number.isFinite)).toEqual([false, false, true]);
  });
});
