import { beforeAll, describe, expect, it, vi } from 'vitest';
import { Kernel } from '../assembly/kernel';
import type { Pool } from '../src/wasm/pool';
import { bitsOf, type Fresh, fresh, RUNS } from './support/runs';

const COUNTS = [2, 3, 4, 8];
const names = Object.keys(RUNS);
const DRIVERS = [true, false];

const poolOf = (library: Fresh) => library.runtime().pool as Pool;

/** By run: what one thread gives. */
const alone = new Map<string, string[]>();

/** Does something until all threads have had part in it: where the machine is busy, they may come too late. */
async function together(library: Fresh, work: () => void | Promise<void>): Promise<void> {
  const { pool } = library.runtime();
  const before = pool?.runs;
  do await work();
  while (pool && pool.runs === before);
}

/** The bits of every call of the table. */
async function bitsOfCalls(library: Fresh): Promise<Map<string, number[][]>> {
  const { cases, wordsOf } = await import('./support/calls');
  const { emit } = await import('../src/tensor/driver');
  const bits = new Map<string, number[][]>();
  for (const { name, kernel, make } of cases) {
    await together(library, () => {
      const call = make();
      emit(kernel, ...call.args);
      bits.set(name, wordsOf(call));
    });
  }
  return bits;
}

let calls: Map<string, number[][]>;

beforeAll(async () => {
  const library = await fresh({ threads: 1 });
  for (const name of names) alone.set(name, await bitsOf(library, name));
  calls = await bitsOfCalls(library);
});

describe.each(COUNTS)('%i threads', (threads) => {
  it.each(names)('train %s to the bits of one, and take part in it', async (name) => {
    const library = await fresh({ threads });
    for (const compiled of DRIVERS) {
      await together(library, async () => {
        expect(await bitsOf(library, name, { compiled })).toEqual(alone.get(name));
      });
    }
  });

  it('share each kernel that can be divided, and give its bits', async () => {
    expect(await bitsOfCalls(await fresh({ threads }))).toEqual(calls);
  });
});

/** Segments in which the other thread does not come to where this one waits for it. */
function stuck(library: Fresh, pool: Pool): Parameters<Pool['run']>[0] {
  const { heap } = library.runtime();
  const { pool: block } = pool.meeting();
  const storage = heap.allocate(64);
  const at = heap.pin(storage);
  heap.i32.set([Kernel.barrier, 12, block], at / 4);
  const lists = [
    { start: at, end: at + 12 },
    { start: 0, end: 0 },
  ];
  return [{ start: 0, end: 0, lists, first: 0, last: 1 }];
}

describe('a thread that dies', () => {
  it('before a call leaves the call to this one, and says so', async () => {
    const library = await fresh({ threads: 3 });
    const pool = poolOf(library);
    const [stop] = (pool as unknown as { stops: (() => void)[] }).stops;
    stop?.();
    expect(await bitsOf(library, 'a classifier')).toEqual(alone.get('a classifier'));
    await vi.waitFor(() =>
      expect(library.runtimeInfo()).toMatchObject({ threads: 1, why: 'thread 1 stopped: it was ended' }),
    );
  });

  it('in the middle of a call makes it an error, not a wait for ever', async () => {
    const library = await fresh({ threads: 2 });
    const pool = poolOf(library);
    // Where the machine is busy the other may come too late, and then nothing is run.
    await vi.waitFor(() => expect(() => pool.run(stuck(library, pool))).toThrow(library.StateError), 20_000);
    expect(library.runtimeInfo()).toMatchObject({ threads: 1, why: 'a thread stopped in the middle of its work' });
    expect(await bitsOf(library, 'a classifier')).toEqual(alone.get('a classifier'));
  });

  it.each([
    ['epoch by epoch', 1, { onEpochEnd: () => {} }],
    ['epoch by epoch', 2, { onEpochEnd: () => {} }],
    ['epoch by epoch', 3, { onEpochEnd: () => {} }],
    ['epoch by epoch', 4, { onEpochEnd: () => {} }],
    ['all epochs together', 1, {}],
    ['all epochs together', 2, {}],
  ])('changes nothing of what fit ends with, %s, in its call %i', async (_, deadly, options) => {
    const library = await fresh({ threads: 2 });
    const pool = poolOf(library);
    const run = pool.run.bind(pool);
    let made = 0;
    vi.spyOn(pool, 'run').mockImplementation((segments) => {
      const done = run(segments);
      // What is run at once, such as a model's initial values, has one segment of lists alone.
      if (segments[0]?.start === 0 || ++made !== deadly) return done;
      pool.close('the test has ended it');
      throw new library.StateError('half of the call is done');
    });
    expect(await bitsOf(library, 'one with dropout', options)).toEqual(alone.get('one with dropout'));
    expect(library.runtimeInfo().threads).toBe(1);
  });
});

describe('how many threads there are', () => {
  it('is what configure asks for', async () => {
    const { runtimeInfo } = await fresh({ threads: 3 });
    expect(runtimeInfo()).toMatchObject({ threads: 3, why: 'configure({ threads: 3 }) asked for them' });
  });

  it('is one where there is no shared memory', async () => {
    vi.stubGlobal('crossOriginIsolated', false);
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const library = await fresh({ threads: 2 });
    vi.unstubAllGlobals();
    warn.mockRestore();
    const why = 'the page is not cross-origin isolated (COOP and COEP headers), so it has no shared memory';
    expect(library.runtimeInfo()).toMatchObject({ threads: 1, why });
    expect(await bitsOf(library, 'a classifier')).toEqual(alone.get('a classifier'));
  });

  it('is that too where this thread may not wait for them, and another leads', async () => {
    const wait = vi.spyOn(Atomics, 'wait').mockImplementation(() => {
      throw new TypeError('Atomics.wait cannot be called in this context');
    });
    const library = await fresh({ threads: 2 });
    wait.mockRestore();
    expect(library.runtimeInfo()).toMatchObject({ threads: 2, why: 'configure({ threads: 2 }) asked for them' });
    expect(poolOf(library).isOurs).toBe(false);
    for (const name of ['a wide network', 'a classifier', 'a large batch, block by block']) {
      await together(library, async () => {
        expect(await bitsOf(library, name)).toEqual(alone.get(name));
      });
    }
  });

  it('is one where none can be started', async () => {
    const library = await fresh({});
    const pool = poolOf(library);
    const threads = process.getBuiltinModule('node:worker_threads');
    vi.spyOn(process, 'getBuiltinModule').mockReturnValue({
      ...threads,
      Worker: class {
        constructor() {
          throw new Error('no more threads');
        }
      },
    } as never);
    pool.meeting();
    vi.restoreAllMocks();
    expect(library.runtimeInfo()).toMatchObject({
      threads: 1,
      why: 'no thread could be started: Error: no more threads',
    });
    expect(await bitsOf(library, 'a wide network')).toEqual(alone.get('a wide network'));
  });

  it.each([0, -1, 1.5, 65, Number.NaN, '2', 'all'])('cannot be %s', async (threads) => {
    const { configure, OptionError } = await import('downhill');
    expect(() => configure({ threads: threads as number })).toThrow(OptionError);
  });
});

describe("'auto'", () => {
  it('starts no thread for what is small', async () => {
    const library = await fresh({ threads: 'auto' });
    const start = vi.spyOn(poolOf(library), 'meeting');
    for (const name of ['a line at full batch', 'a line at batch 1', 'a logistic model', 'one with layer norm']) {
      expect(await bitsOf(library, name)).toEqual(alone.get(name));
    }
    expect(start).not.toHaveBeenCalled();
  });

  it('starts threads for what is large, and works alone until they are there', async () => {
    const library = await fresh({ threads: 'auto' });
    const pool = poolOf(library);
    expect(await bitsOf(library, 'a wide network')).toEqual(alone.get('a wide network'));
    await vi.waitFor(() => expect(pool.isReady).toBe(true));
    await together(library, async () => {
      expect(await bitsOf(library, 'a wide network')).toEqual(alone.get('a wide network'));
    });
  });
});
