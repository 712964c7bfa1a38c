import { describe, expect, it } from 'vitest';
import { Kernel } from '../assembly/kernel';
import type { Argument } from '../src/wasm/record';
import { pairs, rough } from './support/numbers';
import { expectBits, floats, floatsIn, type Room, run } from './support/rooms';

const SIZES = [0, 1, 3, 4, 5, 15, 16, 17, 251];
/** Moments below this become 0, as assembly/update.ts says. */
const TINY = 2 ** -100;

/** A kernel, its row, how many tensors it remembers and how it takes them. The formulas are in golden-optimizers.test.ts. */
interface Rule {
  kernel: Kernel;
  row: number[];
  state: number;
  args: (state: Room[]) => Argument[];
  flags?: number[];
}

const ADAM = [0.01, 0.9, 0.1, 0.99, 0.01, 1.5, 1e-8, 0.02, 0.7, 0.4];
const RMSPROP = [0.01, 0.9, 0.1, 1e-8, 0.02, 0.5];
const all = (state: Room[]) => state;

const RULES: Record<string, Rule> = {
  'updateAdam, decay apart': {
    kernel: Kernel.updateAdam,
    row: ADAM,
    state: 2,
    args: ([u, v]) => [u, v, undefined],
    flags: [1, 0],
  },
  'updateAdam, looking ahead': {
    kernel: Kernel.updateAdam,
    row: ADAM,
    state: 2,
    args: ([u, v]) => [u, v, undefined],
    flags: [0, 1],
  },
  'updateAdam, largest': { kernel: Kernel.updateAdam, row: ADAM, state: 3, args: all, flags: [0, 0] },
  updateRmsprop: { kernel: Kernel.updateRmsprop, row: RMSPROP, state: 1, args: ([v]) => [v, undefined, undefined] },
  'updateRmsprop, centered': {
    kernel: Kernel.updateRmsprop,
    row: RMSPROP,
    state: 2,
    args: ([v, m]) => [v, m, undefined],
  },
  'updateRmsprop, all': { kernel: Kernel.updateRmsprop, row: RMSPROP, state: 3, args: all },
  updateAdadelta: { kernel: Kernel.updateAdadelta, row: [1, 0.9, 0.1, 1e-6, 0.02], state: 2, args: all },
  updateAdamax: { kernel: Kernel.updateAdamax, row: [0.01, 0.9, 0.1, 0.99, 0, 0.02], state: 2, args: all },
  updateLion: { kernel: Kernel.updateLion, row: [0.01, 0.9, 0.1, 0.99, 0.01, 0.02], state: 1, args: all },
};
const NAMES = Object.keys(RULES);

/** Applies a rule to p and the tensors that it remembers, with gradient g; returns what they became. */
function apply(name: string, [p, g, ...state]: readonly ArrayLike<number>[]): Float32Array[] {
  const { kernel, row, state: count, args, flags = [] } = RULES[name] as Rule;
  const [pr, gr, ...rooms] = [p, g, ...state.slice(0, count)].map((v) => floats(v ?? []));
  run(kernel, pr, gr, ...args(rooms), (p as Float32Array).length, { ...floats(row), stride: 0, mask: 0 }, ...flags);
  expectBits('the gradient', floatsIn(gr as Room), g ?? []);
  return [pr as Room, ...rooms].map(floatsIn);
}

/** p, g, and what is remembered: squares are positive and no smaller than those of means. */
function vectors(n: number): Float32Array[] {
  return [1, 2, 3, 4, 5].map((seed) => rough(n, seed)).map((v, i) => (i > 1 ? v.map(Math.abs) : v));
}

describe('an update', () => {
  it.each(pairs(SIZES, NAMES))('of %i elements is that of each alone: %s', (n, name) => {
    const whole = apply(name, vectors(n));
    const alone = Array.from({ length: n }, (_, i) =>
      apply(
        name,
        vectors(n).map((v) => v.slice(i, i + 1)),
      ),
    );
    whole.forEach((vector, which) => {
      expectBits(
        `operand ${which}`,
        vector,
        alone.map((one) => one[which]?.[0] as number),
      );
    });
  });

  it.each(NAMES)('makes what it remembers zero below 2⁻¹⁰⁰: %s', (name) => {
    const old = TINY * 0.99;
    const [, ...state] = apply(
      name,
      [0, 0, old, old, 0].map((x) => [x]),
    );
    expect(state.map(([x]) => x)).toEqual(state.map(() => 0));
  });

  it.each(NAMES)('does not swallow a NaN or an infinity of the gradient: %s', (name) => {
    const zeros = [0, 0, 0];
    const updated = apply(name, [zeros, [Number.NaN, Number.POSITIVE_INFINITY, 1], zeros, zeros, zeros]);
    for (const vector of updated) expect(Array.from(vector, Number.isFinite)).toEqual([false, false, true]);
  });
});

describe('updateRmsprop', () => {
  it('takes a variance that rounding made negative for 0', () => {
    const g = 0.1;
    const [p] = apply('updateRmsprop, centered', [[0], [g], [g * g * 0.99999], [g]]);
    expect(Number.isFinite(p?.[0])).toBe(true);
  });
});

describe('updateLion', () => {
  it('stays where the mean is 0', () => {
    expect(apply('updateLion', [[0], [0], [0]]).map(([x]) => x)).toEqual([0, 0]);
  });
});
