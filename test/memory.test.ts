import { fit, noGrad, parameter, rand, randn, type Tensor, tensor, zeros } from 'downhill';
import { DataLoader, TensorDataset } from 'downhill/data';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';
import { describe, expect, it, vi } from 'vitest';
import { runtime } from '../src/wasm/runtime';
import { type Held, held, MIB } from './support/memory';
import { upTo } from './support/numbers';

/** Neither memory may have grown; the collector's own book-keeping and compiled code are allowed for. */
function expectFlat(before: Held, after: Held): void {
  expect(after.wasm, 'bytes of the runtime').toBe(before.wasm);
  expect((after.heap - before.heap) / MIB, 'MiB of JavaScript').toBeLessThan(2);
}

/** Holds a loop against a first part of it: long enough that memory has reached what it stays at. */
function expectLoopFlat(first: number, rest: number, body: (i: number) => void): void {
  for (let i = 0; i < first; i++) body(i);
  const before = held();
  for (let i = 0; i < rest; i++) body(i);
  expectFlat(before, held());
}

describe('memory stays flat', () => {
  it('over 1,000,000 eager steps: zeroGrad, forward, loss, backward, step', () => {
    const w = parameter([0]);
    const optimizer = new optim.SGD([w], { lr: 0.1 });
    expectLoopFlat(10_000, 990_000, () => {
      optimizer.zeroGrad();
      w.sub(3).square().backward();
      optimizer.step();
    });
    expect(w.item()).toBeCloseTo(3, 5);
  });

  it('over 20,000 eager steps of a model, its losses dropped', () => {
    const model = new nn.Sequential(new nn.Linear(8, 16), new nn.ReLU(), new nn.Linear(16, 1));
    const optimizer = new optim.Adam(model.parameters());
    const [x, y] = [randn([16, 8]), randn([16, 1])];
    const criterion = new nn.MSELoss();
    expectLoopFlat(2_000, 18_000, () => {
      optimizer.zeroGrad();
      criterion.forward(model.forward(x), y).backward();
      optimizer.step();
    });
  });

  it('over a synchronous loop of 100,000 forward passes', () => {
    const model = new nn.Linear(8, 4);
    const x = randn([16, 8]);
    expectLoopFlat(10_000, 90_000, () => void model.forward(x));
  });

  it('over a synchronous loop of operations that make 1 GiB', () => {
    const x = randn([256, 256]);
    expectLoopFlat(2 ** 10, 2 ** 12, () => void x.add(1));
  });

  it('over 200 fresh fits in a row', async () => {
    const fresh = async () => {
      const loader = new DataLoader(new TensorDataset(rand([200, 8]), rand([200, 1])), {
        batchSize: 32,
        shuffle: true,
      });
      const model = new nn.Sequential(new nn.Linear(8, 64), new nn.ReLU(), new nn.Linear(64, 1));
      await fit(model, loader, { loss: new nn.MSELoss(), optimizer: new optim.Adam(model.parameters()), epochs: 1 });
    };
    for (let i = 0; i < 100; i++) await fresh();
    const before = held();
    for (let i = 0; i < 100; i++) await fresh();
    expectFlat(before, held());
  });

  it('over fits in a row on fresh data of 8 MiB each', async () => {
    const fresh = async () => {
      const loader = new DataLoader(new TensorDataset(rand([2 ** 15, 64]), rand([2 ** 15, 1])), { batchSize: 1024 });
      const model = new nn.Linear(64, 1);
      await fit(model, loader, { loss: new nn.MSELoss(), optimizer: new optim.SGD(model.parameters()), epochs: 1 });
    };
    for (let i = 0; i < 10; i++) await fresh();
    const before = held();
    for (let i = 0; i < 20; i++) await fresh();
    expectFlat(before, held());
  });

  it('over loaders that are broken off', () => {
    const data = new TensorDataset(rand([2 ** 14, 16]), rand([2 ** 14, 1]));
    const loader = new DataLoader(data, { batchSize: 64, shuffle: true });
    expectLoopFlat(1000, 2000, () => {
      for (const [x] of loader) if (x.size > 0) break;
    });
  });
});

describe('beside its data', () => {
  it('full-batch descent on 100,000 rows of 64 takes less than 2 MiB, shuffled or not, from its first to its last epoch', async () => {
    const dataset = new TensorDataset(randn([100_000, 64]), randn([100_000, 1]));
    const { heap } = runtime();
    for (const shuffle of [false, true]) {
      const model = new nn.Linear(64, 1);
      const optimizer = new optim.SGD(model.parameters(), { lr: 0.01 });
      const loader = new DataLoader(dataset, { batchSize: dataset.length, shuffle });
      const before = heap.taken;
      const more: number[] = [];
      const onEpochEnd = () => more.push((heap.taken - before) / MIB);
      await fit(model, loader, { loss: new nn.MSELoss(), optimizer, epochs: 3, onEpochEnd });
      expect(more).toHaveLength(3);
      expect(Math.max(...more)).toBeLessThan(2);
      expect(Math.min(...more)).toBeGreaterThan(0);
    }
  });
});

describe('nobody is punished for keeping a tensor', () => {
  it('losses that were pushed are read after the epoch', () => {
    const w = parameter([1]);
    const optimizer = new optim.SGD([w], { lr: 0.5 });
    const losses: Tensor[] = [];
    for (let i = 0; i < 3000; i++) {
      optimizer.zeroGrad();
      const loss = w.mul(i);
      loss.backward();
      losses.push(loss);
      w.assign([1]);
    }
    expect(losses.map((loss) => loss.item())).toEqual(upTo(3000));
  });

  it('[...loader] of 48 MiB is used twice', () => {
    const rows = 3 * 2 ** 14;
    const x = Float32Array.from({ length: rows * 256 }, (_, i) => i % 10_007);
    const loader = new DataLoader(new TensorDataset(tensor(x, { shape: [rows, 256] })), { batchSize: 1024 });
    const batches = [...loader];
    const sums = upTo(48).map((b) => x.subarray(b * 1024 * 256, (b + 1) * 1024 * 256).reduce((a, v) => a + v, 0));
    for (let pass = 0; pass < 2; pass++) {
      batches.forEach(([batch], b) => {
        const total = batch.sum().item();
        expect(Math.abs(total - (sums[b] as number)) / total, `batch ${b} of pass ${pass}`).toBeLessThan(1e-6);
        expect(batch.slice(1023).toTypedArray()).toEqual(x.slice((b * 1024 + 1023) * 256, (b + 1) * 1024 * 256));
      });
    }
  });

  it('two backward()s before one step add up', () => {
    const w = parameter([2, 3]);
    w.square().sum().backward();
    w.mul(10).sum().backward();
    expect(w.grad?.toArray()).toEqual([14, 16]);
    new optim.SGD([w], { lr: 1 }).step();
    expect(w.toArray()).toEqual([-12, -13]);
  });

  it('a gradient that was shown outlives zeroGrad and the next backward()', () => {
    const w = parameter([2, 3]);
    const optimizer = new optim.SGD([w], { lr: 1 });
    w.square().sum().backward();
    const first = w.grad;
    w.square().sum().backward();
    const second = w.grad;
    optimizer.zeroGrad();
    w.sum().backward();
    expect([first, second, w.grad].map((g) => g?.toArray())).toEqual([
      [4, 6],
      [8, 12],
      [1, 1],
    ]);
  });

  it('a gradient of the user’s own outlives zeroGrad and the next backward()', () => {
    const w = parameter([2]);
    const optimizer = new optim.SGD([w], { lr: 1 });
    const own = tensor([5]);
    w.grad = own;
    w.mul(2).sum().backward();
    expect(w.grad?.toArray()).toEqual([7]);
    w.grad = own;
    optimizer.zeroGrad();
    expect(own.toArray()).toEqual([5]);
  });

  it('a tensor is kept while 200 MiB pass, and so is a graph that is not used until then', () => {
    const kept = tensor(upTo(1000));
    const w = parameter(upTo(1000));
    const loss = w.mul(kept).square().sum();
    for (let i = 0; i < 200; i++) zeros([2 ** 18]).add(i);
    expect(kept.toArray()).toEqual(upTo(1000));
    loss.backward();
    expect(w.grad?.toTypedArray()).toEqual(Float32Array.from(upTo(1000), (i) => 2 * i * i * i));
  });

  it('views see what is assigned after both moved out of memory', () => {
    const base = tensor(upTo(6));
    const view = base.reshape([2, 3]);
    const turned = view.transpose();
    for (let i = 0; i < 50; i++) zeros([2 ** 18]).add(i);
    base.assign(upTo(6).map((v) => v * 10));
    expect(view.toArray()).toEqual([
      [0, 10, 20],
      [30, 40, 50],
    ]);
    expect(turned.toArray()).toEqual([
      [0, 30],
      [10, 40],
      [20, 50],
    ]);
  });
});

describe('dispose', () => {
  it('frees at once, and `using` does the same at the end of its block', () => {
    const large = () => zeros([2 ** 22]);
    const peak = (make: () => void) => {
      for (let i = 0; i < 20; i++) make();
      return held().wasm;
    };
    const alone = peak(() => large().dispose());
    const scoped = peak(() => {
      using t = large();
      expect(t.size).toBe(2 ** 22);
    });
    expect(scoped).toBe(alone);
  });

  it.each([
    ['a view', (t: Tensor) => t.reshape([2, 1])],
    ['a detached one', (t: Tensor) => t.detach()],
    ['a transposed one', (t: Tensor) => t.reshape([1, 2]).transpose()],
  ])('of a tensor leaves %s as it is, also when it is called twice', (_, look) => {
    const t = tensor([1, 2]);
    const view = look(t);
    t.dispose();
    t[Symbol.dispose]();
    expect(view.toTypedArray()).toEqual(new Float32Array([1, 2]));
  });

  it('of a view leaves the tensor as it is', () => {
    const t = tensor([1, 2]);
    const view = t.reshape([2, 1]);
    view.dispose();
    view.dispose();
    expect(t.toArray()).toEqual([1, 2]);
  });

  it('in a loop without gradients keeps nothing', () => {
    const x = randn([64, 64]);
    expectLoopFlat(100, 10_000, () => noGrad(() => x.add(1).dispose()));
  });
});

/** The library anew, with a limit of its own. */
async function limited(maxMemory: number) {
  vi.resetModules();
  const fresh = await import('downhill');
  fresh.configure({ maxMemory });
  return fresh;
}

describe('a limit on memory', () => {
  it('is a MemoryError that says how much was asked for and is held, and the library goes on', async () => {
    const { MemoryError, tensor: make, zeros: zero, runtimeInfo } = await limited(8 * MIB);
    const kept = make(upTo(1000));
    const ask = () => zero([4 * 2 ** 20]);
    expect(ask).toThrow(MemoryError);
    expect(ask).toThrow(/^16777216 bytes were asked for.* holds \d+ bytes .*not grow past 8388608.*smaller batch/);
    expect(kept.add(1).toArray()).toEqual(upTo(1000).map((v) => v + 1));
    expect(runtimeInfo().bytes).toBeLessThanOrEqual(8 * MIB);
  });

  it('does not stop tensors of more than that in all, one after another or kept', async () => {
    const { zeros: zero } = await limited(8 * MIB);
    const kept = upTo(40).map((i) => zero([2 ** 18]).add(i));
    expect(kept.map((t) => t.slice(2 ** 18 - 1).item())).toEqual(upTo(40));
  });

  it('leaves a model, its optimizer and its loader as they were when a fit does not fit', async () => {
    const fresh = await limited(8 * MIB);
    const { BatchNorm1d, Linear, MSELoss, Sequential, SGD, DataLoader: Loader, MemoryError } = fresh;
    const model = new Sequential(new Linear(64, 512), new BatchNorm1d(512), new Linear(512, 1));
    const optimizer = new SGD(model.parameters(), { momentum: 0.9 });
    const data = new fresh.TensorDataset(fresh.rand([4096, 64]), fresh.rand([4096, 1]));
    const train = (batchSize: number) => {
      const loader = new Loader(data, { batchSize });
      return fresh.fit(model, loader, { loss: new MSELoss(), optimizer, epochs: 1 }).then(() => loader.epoch);
    };
    const before = model.stateDict();
    for (let i = 0; i < 3; i++) await expect(train(4096)).rejects.toBeInstanceOf(MemoryError);
    for (const [name, p] of model.namedParameters()) {
      expect(p.toArray(), name).toEqual(before[name]?.toArray());
      expect(p.storage.pins, name).toBe(0);
    }
    expect(await train(64)).toBe(1);
  });
});
