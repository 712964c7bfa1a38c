import { afterEach, describe, expect, it, vi } from 'vitest';
import type { FitOptions } from '../src/train/options';
import { type Fresh, fresh } from './support/runs';

const MEMORIES = [
  [1, 'copied'],
  [2, 'shared'],
] as const;

/** A training that takes some slices, and what can be told of it. */
async function training(threads: number, { lr = 0.01 } = {}) {
  const own = await fresh({ threads });
  const { worker } = await import('downhill/worker');
  const make = () => {
    own.manualSeed(9);
    const model = new own.Linear(5, 2);
    const optimizer = new own.SGD(model.parameters(), { lr, momentum: 0.9 });
    const loader = new own.DataLoader(new own.TensorDataset(own.randn([400, 5]), own.randn([400, 2])), {
      batchSize: 4,
    });
    const state = () => text([model.stateDict(), optimizer.stateDict()]);
    const fit = (options: Partial<FitOptions>) =>
      own.fit(model, loader, { loss: new own.MSELoss(), optimizer, epochs: 3, yieldEvery: 0.01, ...options });
    return { model, optimizer, state, fit };
  };
  return { own, worker, make };
}

const text = (value: unknown) => JSON.stringify(value, (_, v) => (v?.toTypedArray ? [...v.toTypedArray()] : v));

/** Lets the threads that are started from here on be ended. */
function catchThreads(): { terminate(): Promise<unknown> }[] {
  const threads = process.getBuiltinModule('node:worker_threads');
  const started: { terminate(): Promise<unknown> }[] = [];
  class Caught extends threads.Worker {
    constructor(...args: ConstructorParameters<typeof threads.Worker>) {
      super(...args);
      started.push(this);
    }
  }
  const real = process.getBuiltinModule.bind(process);
  const found = (id: string) => (id === 'node:worker_threads' ? { ...threads, Worker: Caught } : real(id as 'node:os'));
  vi.spyOn(process, 'getBuiltinModule').mockImplementation(found as never);
  return started;
}

/** No thread can be started from here on. */
function forbidThreads(): void {
  const Worker = class {
    constructor() {
      throw new Error('no more threads');
    }
  };
  const real = process.getBuiltinModule.bind(process);
  const found = (id: string) => (id === 'node:worker_threads' ? { Worker } : real(id as 'node:os'));
  vi.spyOn(process, 'getBuiltinModule').mockImplementation(found as never);
}

afterEach(() => void vi.restoreAllMocks());

const stepsOf = (own: Fresh, { optimizer }: { optimizer: InstanceType<Fresh['SGD']> }) =>
  own && (optimizer.stateDict().state[0]?.step ?? 0);

describe.each(MEMORIES)('with %i threads, memory is %s, and a worker', (threads, memory) => {
  it('the model is as it was until fit is done, but in callbacks', async () => {
    const { worker, make } = await training(threads);
    const { state, fit, model } = make();
    const before = text(model.stateDict());
    const between: string[] = [];
    const after: string[] = [];
    await fit({
      worker,
      progressEvery: 0,
      onProgress: () => void between.push(text(model.stateDict())),
      onEpochEnd: () => void after.push(text(model.stateDict())),
    });
    expect(new Set(between)).toEqual(new Set([before]));
    expect(between.length).toBeGreaterThan(3);
    expect(new Set([before, ...after]).size).toBe(4);
    expect(after.at(-1)).toBe(text(model.stateDict()));
    const here = make();
    await here.fit({});
    expect(state()).toBe(here.state());
  });

  it('takes no step on this thread', async () => {
    const { own, worker, make } = await training(threads);
    const { fit } = make();
    const before = own.runtime().calls;
    await fit({ worker, epochs: 5 });
    const there = own.runtime().calls - before;
    await make().fit({ epochs: 5 });
    expect(there).toBeLessThan((own.runtime().calls - before - there) / 5);
  });

  it('a training that diverges names what it names here, and keeps what it keeps here', async () => {
    const { own, worker, make } = await training(threads, { lr: 30 });
    const told: unknown[] = [];
    for (const options of [{}, { worker }]) {
      const { fit, state } = make();
      const error = await fit(options).catch((e) => e);
      expect(error).toBeInstanceOf(own.DivergenceError);
      told.push([error.message, error.epoch, error.batch, error.tensor, state()]);
    }
    expect(told[1]).toEqual(told[0]);
  });

  it('a signal stops it between two steps, and what was learned stays', async () => {
    const { own, worker, make } = await training(threads);
    const there = make();
    const stop = new AbortController();
    const options = { worker, signal: stop.signal, progressEvery: 0, onProgress: () => stop.abort(), epochs: 1e6 };
    expect(await there.fit(options)).toMatchObject({ stoppedBy: 'signal', worker: memory });
    const steps = stepsOf(own, there) as number;
    expect(steps).toBeGreaterThan(0);
    const here = make();
    const enough = new AbortController();
    await here.fit({
      signal: enough.signal,
      onBatchEnd: ({ epoch, batch }) => (epoch - 1) * 100 + batch === steps && enough.abort(),
    });
    expect(there.state()).toBe(here.state());
  });

  it('a pause holds it up', async () => {
    const { own, worker, make } = await training(threads);
    const there = make();
    const pause = new own.Pause();
    let reports = 0;
    const onProgress = () => {
      if (++reports !== 3) return;
      pause.pause();
      setTimeout(() => {
        expect(reports).toBe(3);
        pause.resume();
      }, 30);
    };
    await there.fit({ worker, pause, progressEvery: 0, onProgress });
    expect(reports).toBeGreaterThan(3);
    const here = make();
    await here.fit({});
    expect(there.state()).toBe(here.state());
  });

  it('trains here where no thread can be started, and says why', async () => {
    const { worker, make } = await training(threads);
    const [here, there] = [make(), make()];
    await here.fit({});
    forbidThreads();
    const history = await there.fit({ worker });
    expect(there.state()).toBe(here.state());
    expect(history.worker).toBe(undefined);
    expect(history.why).toMatch(/no more threads/);
  });

  it('is not asked for steps that are not recorded', async () => {
    const { own, worker, make } = await training(threads);
    await expect(make().fit({ worker, compiled: false })).rejects.toThrow(own.OptionError);
    await expect(make().fit({ worker, compiled: false })).rejects.toThrow(/^compiled is false, and worker needs/);
    await expect(make().fit({ worker: true as never })).rejects.toThrow(/import \{ worker \} from 'downhill\/worker'/);
  });
});

describe('a worker that dies', () => {
  it('over shared memory leaves the rest to this thread, and says why', async () => {
    const { worker, make } = await training(2);
    const here = make();
    await here.fit({ epochs: 20 });
    const started = catchThreads();
    const there = make();
    let reports = 0;
    const onProgress = () => ++reports === 3 && started[0]?.terminate();
    const history = await there.fit({ worker, epochs: 20, progressEvery: 0, onProgress });
    expect(history).toMatchObject({ worker: 'shared', why: 'it was ended' });
    expect(there.state()).toBe(here.state());
    expect((await make().fit({ worker })).why).toBe(undefined);
  });

  it('over a copy is an error, and the model is what was last shown', async () => {
    const { own, worker, make } = await training(1);
    const started = catchThreads();
    const there = make();
    const shown: string[] = [];
    const onEpochEnd = ({ epoch }: { epoch: number }) => {
      shown.push(there.state());
      if (epoch === 2) void started[0]?.terminate();
    };
    await expect(there.fit({ worker, epochs: 1e6, onEpochEnd })).rejects.toThrow(own.StateError);
    expect(there.state()).toBe(shown.at(-1));
  });
});
