import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryError, StateError } from '../src/errors';
import { Heap, type Storage } from '../src/wasm/heap';
import { numbers } from './support/numbers';

const MIB = 2 ** 20;
/** What tensors that nobody has pinned may hold, as src/wasm/heap.ts says. */
const LOOSE = 32 * MIB;

/** Writes a storage's first and last word. */
function write(heap: Heap, storage: Storage, value: number): void {
  const at = heap.address(storage) / 4;
  heap.i32[at] = value;
  heap.i32[at + storage.bytes / 4 - 1] = value;
}

/** The first and the last word of a storage, wherever it is. */
function wordsOf(heap: Heap, storage: Storage): (number | undefined)[] {
  return [0, storage.bytes - 4].map((offset) => new Int32Array(heap.read(storage, { offset, bytes: 4 }))[0]);
}

function filled(heap: Heap, bytes: number, value: number): Storage {
  heap.clock++;
  const storage = heap.allocate(bytes);
  write(heap, storage, value);
  return storage;
}

interface World {
  heap: Heap;
  live: { storage: Storage; value: number; pinned?: number }[];
  made: number;
}

interface Step {
  name: string;
  run: (world: World) => void;
}

const one = ({ live }: World, which: number) => live[which % Math.max(1, live.length)];

const allocate = (words: number): Step => ({
  name: `allocate ${words} words`,
  run: (world) => {
    const value = ++world.made;
    world.live.push({ storage: filled(world.heap, words * 4, value), value });
  },
});

const use = (which: number): Step => ({
  name: `use ${which}`,
  run: (world) => {
    const it = one(world, which);
    if (!it) return;
    world.heap.clock++;
    it.value = ++world.made;
    write(world.heap, it.storage, it.value);
  },
});

const free = (which: number): Step => ({
  name: `free ${which}`,
  run: (world) => {
    const it = one(world, which);
    if (!it || it.pinned !== undefined) return;
    world.heap.free(it.storage);
    world.live.splice(world.live.indexOf(it), 1);
  },
});

const pin = (which: number): Step => ({
  name: `pin or unpin ${which}`,
  run: (world) => {
    const it = one(world, which);
    if (!it) return;
    world.heap.clock++;
    if (it.pinned === undefined) it.pinned = world.heap.pin(it.storage);
    else {
      world.heap.unpin(it.storage);
      delete it.pinned;
    }
  },
});

/** Everything is where it was put, and what is pinned has not moved. */
function expectKept({ heap, live }: World): void {
  for (const { storage, value, pinned } of live) {
    expect(wordsOf(heap, storage), 'a storage keeps its words').toEqual([value, value]);
    if (pinned !== undefined) expect(storage.block?.address, 'a pinned storage stays in place').toBe(pinned);
  }
  const inside = live.reduce((sum, { storage }) => sum + (storage.block?.bytes ?? 0), 0);
  expect(heap.taken, 'what is taken is what is live and in memory').toBe(inside);
}

const words = fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: (6 * MIB) / 4 }));
const steps = fc.oneof(
  { weight: 4, arbitrary: words.map(allocate) },
  { weight: 3, arbitrary: fc.nat().map(use) },
  { weight: 2, arbitrary: fc.nat().map(free) },
  { weight: 1, arbitrary: fc.nat().map(pin) },
);

describe('the heap', () => {
  it('keeps the words of every storage, in memory or out, whatever is done to it', () => {
    const property = fc.property(fc.array(steps, { minLength: 10, maxLength: 80 }), (list) => {
      const world: World = { heap: new Heap(), live: [], made: 0 };
      for (const { run } of list) {
        run(world);
        expectKept(world);
      }
    });
    fc.assert(property, { numRuns: 30 });
  });

  it('moves the longest unused out and brings them back with their values', () => {
    const heap = new Heap();
    const all = Array.from({ length: 60 }, (_, i) => filled(heap, MIB, i));
    const outside = all.map(({ block }) => block === undefined);
    expect(outside.filter(Boolean).length).toBeGreaterThan(60 - LOOSE / MIB - 1);
    expect(outside, 'the first made are out, the last made are in').toEqual([...outside].sort().reverse());
    for (const [i, storage] of all.entries()) {
      heap.clock++;
      heap.address(storage);
      expect(wordsOf(heap, storage)).toEqual([i, i]);
    }
  });

  it('moves nothing that was used in the same tick', () => {
    const heap = new Heap();
    heap.clock++;
    const operands = [20, 20, 20].map((mib) => heap.allocate(mib * MIB));
    expect(operands.every(({ block }) => block)).toBe(true);
  });

  it('starts every storage at a multiple of 64 bytes and never at 0', () => {
    const heap = new Heap();
    const addresses = [0, 4, 64, 68, 1000].map((bytes) => heap.address(heap.allocate(bytes)));
    expect(addresses.filter((address) => address === 0 || address % 64 !== 0)).toEqual([]);
  });

  it('holds no more than twice its tensors at their largest while 100 of random sizes are replaced 100,000 times', () => {
    const heap = new Heap();
    const next = numbers(1);
    const live = Array.from({ length: 100 }, () => heap.allocate(4));
    for (let i = 0; i < 100_000; i++) {
      const which = Math.floor(next() * live.length);
      heap.clock++;
      heap.free(live[which] as Storage);
      live[which] = heap.allocate(4 * Math.ceil(next() * 40_000));
    }
    expect(heap.bytes).toBeLessThan(2 * 100 * 160_000);
  });

  it('lets a set of tensors that is used again and again stay, although it is larger than the mark', () => {
    const heap = new Heap();
    const all = Array.from({ length: 48 }, (_, i) => filled(heap, MIB, i));
    const pass = () => {
      let back = 0;
      for (const storage of all) {
        heap.clock++;
        if (!storage.block) back++;
        heap.address(storage);
      }
      return back;
    };
    pass();
    expect(pass()).toBe(0);
  });
});

describe('a storage that was freed', () => {
  it.each([
    ['in memory', 0],
    ['moved out', 40],
  ])('cannot be used: %s', (_, others) => {
    const heap = new Heap();
    const storage = filled(heap, MIB, 1);
    for (let i = 0; i < others; i++) filled(heap, MIB, 2);
    heap.free(storage);
    for (const use of [() => heap.address(storage), () => heap.read(storage, { offset: 0, bytes: 4 })]) {
      expect(use).toThrow(StateError);
      expect(use).toThrow(/used after it was disposed/);
    }
  });

  it('can be freed again without harm', () => {
    const heap = new Heap();
    const storage = heap.allocate(MIB);
    heap.free(storage);
    heap.free(storage);
    expect(heap.taken).toBe(0);
  });
});

describe('a heap with a limit', () => {
  it.each([[4 * MIB], [3_000_000], [1_100_000], [MIB / 2]])(
    'of %i bytes is filled up to its end and never past it',
    (limit) => {
      const heap = new Heap(limit);
      const kept: Storage[] = [];
      const fill = () => {
        for (;;) {
          const storage = filled(heap, 4096, kept.length);
          heap.pin(storage);
          kept.push(storage);
        }
      };
      expect(fill).toThrow(MemoryError);
      expect(kept.map((storage) => wordsOf(heap, storage))).toEqual(kept.map((_, i) => [i, i]));
      expect(heap.bytes).toBeLessThanOrEqual(limit);
    },
  );

  it('never takes the last page of 4 GiB', () => {
    const heap = new Heap(2 ** 33);
    heap.pin(heap.allocate(2 ** 32 - 2 ** 28));
    expect(() => heap.allocate(2 ** 28)).toThrow(/past 4294901760/);
    expect(heap.bytes).toBeLessThan(2 ** 32);
  });

  it('says how much was asked for, how much is held, and what may be done', () => {
    const heap = new Heap(4 * MIB);
    heap.pin(heap.allocate(2 * MIB));
    heap.allocate(MIB);
    heap.clock++;
    const ask = () => heap.allocate(3 * MIB);
    expect(ask).toThrow(MemoryError);
    expect(ask).toThrow(/^3145728 bytes were asked for .* holds 2097152 bytes .* past 4194304\. Use a smaller batch/);
  });

  it('goes on after a request that was refused', () => {
    const heap = new Heap(4 * MIB);
    const kept = filled(heap, MIB, 7);
    heap.clock++;
    expect(() => heap.allocate(8 * MIB)).toThrow(MemoryError);
    expect(wordsOf(heap, kept)).toEqual([7, 7]);
    expect(wordsOf(heap, filled(heap, MIB, 8))).toEqual([8, 8]);
  });
});
