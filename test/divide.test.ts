import { describe, expect, it } from 'vitest';
import { Kernel, Unary } from '../assembly/kernel';
import { emit, newStorage } from '../src/tensor/driver';
import { divide } from '../src/wasm/divide';
import type { Storage } from '../src/wasm/heap';
import type { Operand, Step } from '../src/wasm/record';
import { CALLS, cases, flat, PANELS, WHOLE, wordsOf } from './support/calls';
import { pairs } from './support/numbers';

/** Runs a step whose new storages are not in memory yet. */
function runNew({ kernel, args }: Step, homes: Map<Storage, Storage>): void {
  const home = (storage: Storage) => {
    if (storage.block || storage.outside) return storage;
    const known = homes.get(storage) ?? newStorage(storage.bytes);
    homes.set(storage, known);
    return known;
  };
  emit(kernel, ...args.map((a) => (typeof a === 'object' ? ({ ...a, storage: home(a.storage) } as Operand) : a)));
}

describe('a divided call', () => {
  it.each(pairs(cases, [2, 3, 4, 8]))('gives the bits of the whole one: %o in %i parts', ({ kernel, make }, count) => {
    const whole = make();
    emit(kernel, ...whole.args);
    const again = make();
    const panels = Array.from({ length: count }, () => newStorage(PANELS));
    const division = divide({ kernel, args: again.args }, panels);
    expect(division, 'it can be divided').toBeDefined();
    const { parts = [], after = [] } = division ?? {};
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.length).toBeLessThanOrEqual(count);
    // Backwards, so that a part that needs an earlier one is found out.
    const homes = new Map<Storage, Storage>();
    for (const part of [...parts].reverse()) runNew(part, homes);
    for (const step of after) runNew(step, homes);
    expect(wordsOf(again)).toEqual(wordsOf(whole));
  });

  it('is there for every kernel but those that must stay whole', () => {
    const kernels = Object.values(Kernel).filter((k): k is Kernel => typeof k === 'number');
    expect(kernels.filter((k) => !CALLS[k])).toEqual(WHOLE);
  });

  it('has no parts that would be empty', () => {
    const { args } = flat(16, (x, y) => [Unary.tanh, x, y, 16, 0]);
    expect(divide({ kernel: Kernel.mapUnary, args }, [newStorage(64), newStorage(64)])).toBeUndefined();
    const three = flat(48, (x, y) => [Unary.tanh, x, y, 48, 0]);
    const panels = Array.from({ length: 8 }, () => newStorage(64));
    expect(divide({ kernel: Kernel.mapUnary, args: three.args }, panels)?.parts.map((p) => p.args[3])).toEqual([
      16, 16, 16,
    ]);
  });
});
