import { DivergenceError, evaluate, fit, predict, type Tensor, tensor, zeros } from 'downhill';
import { DataLoader } from 'downhill/data';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';
import { describe, expect, it } from 'vitest';
import { runtime } from '../src/wasm/runtime';
import { bitsOf } from './golden/bits.js';
import { classes, classification, line, regression, rowsOf, settled, stateOf, type Training } from './support/training';

async function train(training: Training, epochs: number, options: object = {}): Promise<unknown> {
  const { model, loader, loss, optimizer } = training;
  const history = await fit(model, loader, { loss, optimizer, epochs, ...options });
  return { history: rowsOf(history), state: stateOf(training) };
}

/** Makes tensors of 40 MiB together and looks at each of them: enough to move everything else out of memory. */
function churn(): number {
  const made = Array.from({ length: 40 }, (_, i) => zeros([2 ** 18]).add(i));
  return made.reduce((sum, t) => sum + (t.slice(0, 1).item() as number), 0);
}

const turn = () => new Promise<void>((done) => setImmediate(done));

describe('while fit is training', () => {
  it('memory may grow', async () => {
    const alone = await train(classification(), 3);
    const { heap } = runtime();
    const sizes = [heap.bytes];
    const large: Tensor[] = [];
    const grow = () => {
      large.push(zeros([heap.bytes / 4]));
      heap.pin((large.at(-1) as Tensor).storage);
      sizes.push(heap.bytes);
    };
    expect(await train(classification(), 3, { onEpochEnd: grow })).toEqual(alone);
    expect(sizes, 'memory grew each time').toEqual([...new Set(sizes)]);
    for (const t of large) {
      heap.unpin(t.storage);
      t.dispose();
    }
  });

  it.each([true, false])('another fit may run, and both end as if they were alone (compiled: %s)', async (compiled) => {
    const options = { onBatchEnd: turn, onEpochEnd: turn, compiled };
    const alone = [await train(regression(), 4, options), await train(classification(), 4, options)];
    const together = await Promise.all([train(regression(), 4, options), train(classification(), 4, options)]);
    expect(together).toEqual(alone);
  });

  it('a page goes on, also through many short ones in a row', async () => {
    let turns = 0;
    const count = () => {
      turns++;
      waiting = setImmediate(count);
    };
    let waiting = setImmediate(count);
    const until = performance.now() + 10_000;
    while (turns < 2 && performance.now() < until) await train(classification(), 1);
    clearImmediate(waiting);
    expect(turns).toBeGreaterThan(1);
  });

  it.each([
    ['step by step', { onBatchEnd: turn }],
    ['whole epochs', {}],
  ])('two fits of %s may share a loader, and each begins passes of its own', async (_, options) => {
    const { loader, loss } = regression();
    const one = () => {
      const model = settled(new nn.Linear(1, 1));
      return fit(model, loader, { loss, optimizer: new optim.SGD(model.parameters()), epochs: 3, ...options });
    };
    await Promise.all([one(), one()]);
    expect(loader.epoch).toBe(6);
  });

  it.each([true, false])('the user may make more tensors than memory keeps (compiled: %s)', async (compiled) => {
    const alone = await train(classification(), 3, { compiled });
    const sums: number[] = [];
    const crowded = await train(classification(), 3, { compiled, onEpochEnd: () => sums.push(churn()) });
    expect(crowded).toEqual(alone);
    expect(sums).toEqual([780, 780, 780]);
  });

  it('the user may train another model by hand, evaluate and predict', async () => {
    const alone = await train(classification(), 3);
    const other = regression();
    const meddle = async () => {
      for (const [x, t] of other.loader) {
        other.optimizer.zeroGrad();
        new nn.MSELoss().forward(other.model.forward(x), t).backward();
        other.optimizer.step();
      }
      await predict(other.model, [[1], [2]]);
      await evaluate(other.model, other.loader, { loss: other.loss });
    };
    expect(await train(classification(), 3, { onEpochEnd: meddle })).toEqual(alone);
  });

  it('its own model can be used in a callback without a trace in the result', async () => {
    const [alone, training] = [await train(classification(), 3), classification()];
    const { model } = training;
    const look = async () => {
      await predict(model, [[1, 2, 3, 4]]);
      model
        .forward(tensor([[1, 2, 3, 4]]))
        .sum()
        .backward();
      model.stateDict();
    };
    expect(await train(training, 3, { onEpochEnd: look })).toEqual(alone);
  });

  it('the same optimizer cannot serve a second fit', async () => {
    const training = classification();
    const first = train(training, 3, { onBatchEnd: turn });
    const second = train(training, 3, { onBatchEnd: turn });
    const [a, b] = await Promise.allSettled([first, second]);
    expect(a.status).toBe('fulfilled');
    expect(b).toMatchObject({ status: 'rejected', reason: { name: 'StateError' } });
  });
});

it('a metric that gives a tensor is told to give a number', async () => {
  const metrics = { mean: (output: Tensor) => output.mean() as never };
  await expect(train(classification(), 1, { metrics })).rejects.toThrow(
    /metric mean gave is Tensor .* a number; use item/,
  );
});

it.each([true, false])(
  'an optimizer in use refuses the fit of another model, and the first goes on (compiled: %s)',
  async (compiled) => {
    const alone = await train(classification(), 3, { compiled });
    const training = classification();
    const first = train(training, 3, { compiled });
    const { model, loader } = classification();
    await expect(train({ ...training, model, loader }, 3, { compiled })).rejects.toThrow(/This optimizer is in use/);
    expect(await first).toEqual(alone);
  },
);

class Boom extends Error {}

const boom = () => {
  throw new Boom();
};

describe('a fit that ends with an error', () => {
  const throwing = [
    { what: 'onEpochEnd', options: { onEpochEnd: boom } },
    { what: 'onBatchEnd', options: { onBatchEnd: boom } },
    { what: 'a rejected onEpochEnd', options: { onEpochEnd: () => Promise.reject(new Boom()) } },
    { what: 'a metric', options: { metrics: { boom } } },
    { what: 'the loss', options: { loss: boom } },
  ];
  const both = throwing.flatMap((row) => [true, false].map((compiled) => ({ ...row, compiled })));

  it.each(both)(
    'from $what passes it on and leaves all usable (compiled: $compiled)',
    async ({ options, compiled }) => {
      const training = classification();
      training.model.eval();
      await expect(train(training, 2, { ...options, compiled })).rejects.toBeInstanceOf(Boom);
      expect(training.model.training).toBe(false);
      const twin = { ...classification(), ...copied(training) };
      expect(await train(training, 2)).toEqual(await train(twin, 2, { compiled: false }));
    },
  );

  it('gives back all memory that it had pinned', async () => {
    const { model, optimizer, loader } = classification();
    const broken = () => fit(model, loader, { loss: boom, optimizer, epochs: 1 });
    await expect(broken()).rejects.toBeInstanceOf(Boom);
    const before = pinnedBytes();
    for (let i = 0; i < 20; i++) await expect(broken()).rejects.toBeInstanceOf(Boom);
    expect(pinnedBytes()).toBe(before);
  });
});

/** Bytes of everything that is pinned. */
function pinnedBytes(): number {
  const { heap } = runtime();
  let pinned = 0;
  type Block = { bytes: number; before?: Block; owner?: { pins: number } };
  for (let b = (heap as unknown as { allocator: { last?: Block } }).allocator.last; b; b = b.before) {
    if (b.owner && b.owner.pins > 0) pinned += b.bytes;
  }
  return pinned;
}

/** Another model, optimizer and loader in the same state. */
function copied({ model, optimizer, loader }: Training): Pick<Training, 'model' | 'optimizer' | 'loader'> {
  const twin = classification();
  twin.model.loadStateDict(model.stateDict());
  twin.optimizer.loadStateDict(optimizer.stateDict() as never);
  twin.loader.epoch = loader.epoch;
  return twin;
}

describe('a training that diverges', () => {
  const rows = line(100);
  const wild = (compiled: boolean) => {
    const training = regression(rows, { batchSize: 16 });
    training.optimizer.lr = 1e4;
    return { training, run: () => train(training, 20, { compiled }) };
  };

  /** What the loop reaches by hand: the state before the first step whose loss or parameters are not finite. */
  function byHand(): { epoch: number; batch: number; model: unknown } {
    const { model, optimizer, loader } = wild(false).training;
    for (let epoch = 1; ; epoch++) {
      let batch = 0;
      for (const [x, t] of loader) {
        const before = bitsOf(model.stateDict());
        batch++;
        optimizer.zeroGrad();
        const loss = new nn.MSELoss().forward(model.forward(x), t);
        loss.backward();
        optimizer.step();
        const numbers = [loss, ...model.parameters()].map((p) => p.item());
        if (!numbers.every(Number.isFinite)) return { epoch, batch, model: before };
      }
    }
  }

  it.each([true, false])(
    'names epoch, batch, tensor and cause, and keeps the last finite parameters (compiled: %s)',
    async (compiled) => {
      const { training, run } = wild(compiled);
      const error = (await run().catch((e) => e)) as DivergenceError;
      expect(error).toBeInstanceOf(DivergenceError);
      const { epoch, batch, model } = byHand();
      expect([error.epoch, error.batch]).toEqual([epoch, batch]);
      expect(error.message).toMatch(
        new RegExp(`^Training diverged in epoch ${epoch}, batch ${batch}: .* is not finite`),
      );
      expect(error.message).toMatch(/learning rate that is too large/);
      expect(bitsOf(training.model.stateDict())).toEqual(model);
    },
  );

  it('is the same error to the last bit of the parameters from both drivers', async () => {
    const [compiled, eager] = [wild(true), wild(false)];
    const errors: DivergenceError[] = [];
    for (const { run } of [compiled, eager]) await run().catch((e: DivergenceError) => errors.push(e));
    const [first, second] = errors.map(({ message, epoch, batch, tensor }) => ({ message, epoch, batch, tensor }));
    expect(first).toBeDefined();
    expect(second).toEqual(first);
    expect(stateOf(eager.training)).toEqual(stateOf(compiled.training));
  });

  it.each([true, false])('is found when a parameter is lost in the very last step (compiled: %s)', async (compiled) => {
    const model = settled(new nn.Linear(1, 1));
    const optimizer = new optim.SGD(model.parameters(), { lr: 1e38 });
    const loader = new DataLoader(line(4), { batchSize: 4 });
    const before = bitsOf(model.stateDict());
    const loss = (o: Tensor, t: Tensor) => o.sub(t).square().mean().mul(100);
    const error = await fit(model, loader, { loss, optimizer, epochs: 1, compiled }).catch((e) => e);
    expect(error).toBeInstanceOf(DivergenceError);
    expect([error.epoch, error.batch, error.tensor]).toEqual([1, 1, 'weight']);
    expect(bitsOf(model.stateDict())).toEqual(before);
  });

  it('is found by both drivers where only what the optimizer remembers is lost', async () => {
    const outcomes: unknown[] = [];
    for (const compiled of [true, false]) {
      const training = { ...classification(classes(40)), loss: (o: Tensor) => o.mean().mul(1e25) };
      const error = await train(training, 2, { compiled }).catch((e: DivergenceError) => e.message);
      outcomes.push({ error, state: stateOf(training) });
    }
    expect(outcomes[0]).toHaveProperty('error', expect.stringContaining('optimizer state is not finite'));
    expect(outcomes[1]).toEqual(outcomes[0]);
  });

  it('can be trained on with a smaller rate', async () => {
    const { training, run } = wild(true);
    await expect(run()).rejects.toThrow(DivergenceError);
    training.model.loadStateDict(regression().model.stateDict());
    training.optimizer.lr = 0.01;
    const { epochs } = await fit(training.model, training.loader, { ...pick(training), epochs: 30 });
    expect(epochs.at(-1)?.loss).toBeLessThan(1);
  });

  it('is one for Adam too, whose moments must not swallow a NaN', async () => {
    const { model, loader, optimizer } = classification(classes(40));
    const loss = (o: Tensor) => o.sub(o).sqrt().sum();
    const error = await fit(model, loader, { loss, optimizer, epochs: 1 }).catch((e) => e);
    expect(error).toBeInstanceOf(DivergenceError);
  });
});

const pick = ({ loss, optimizer }: Training) => ({ loss, optimizer });
