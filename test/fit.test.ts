import { accuracy, evaluate, fit, type Metric, OptionError, type Tensor } from 'downhill';
import { DataLoader } from 'downhill/data';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';
import { describe, expect, it } from 'vitest';
import { runtime } from '../src/wasm/runtime';
import { upTo } from './support/numbers';
import { classes, classification, line, regression, type Training } from './support/training';

/** So long that no slice ends for the sake of a pause. */
const UNHURRIED = 60_000;

async function callsOf(epochs: number, options: object = {}): Promise<number> {
  const { model, loader, optimizer, loss } = regression();
  const before = runtime().calls;
  await fit(model, loader, { loss, optimizer, epochs, yieldEvery: UNHURRIED, ...options });
  return runtime().calls - before;
}

describe('the calls into Wasm', () => {
  it('are one for an epoch of a line’s regression where somebody looks at epochs', async () => {
    const onEpochEnd = () => {};
    expect((await callsOf(25, { onEpochEnd })) - (await callsOf(5, { onEpochEnd }))).toBe(20);
  });

  it('are one for each batch where somebody listens to batches', async () => {
    const onBatchEnd = () => {};
    expect((await callsOf(3, { onBatchEnd })) - (await callsOf(1, { onBatchEnd }))).toBe(2 * 16);
  });

  it('are several for a long epoch, so that a page stays alive in between', async () => {
    const { model, loader, optimizer, loss } = regression(line(60_000), { batchSize: 1 });
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await fit(model, loader, { loss, optimizer, epochs: 1, yieldEvery: 1 });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(2);
  });
});

/** The rows of each batch of a pass, in order, and what fit made of them. */
async function seenBy(options: object): Promise<number[][]> {
  const { model, optimizer, loader, loss } = regression(line(10), { batchSize: 4, ...options });
  const seen: number[][] = [];
  const spy = (output: Tensor, target: Tensor) => {
    seen.push(target.toArray() as number[]);
    return (loss as nn.MSELoss).forward(output, target);
  };
  await fit(model, loader, { loss: spy, optimizer, epochs: 2, compiled: false });
  return seen.map((batch) => batch.flat());
}

describe('the batches of an epoch', () => {
  const rows = Array.from((line(10).tensors[1] as Tensor).toTypedArray());
  const sorted = (batches: number[][]) => batches.flat().sort();

  it('are all rows in their order without a shuffle, the last batch with what is left', async () => {
    const batches = await seenBy({ shuffle: false });
    const [a, b, c] = [rows.slice(0, 4), rows.slice(4, 8), rows.slice(8)];
    expect(batches).toEqual([a, b, c, a, b, c]);
  });

  it('are all rows in another order each pass with one', async () => {
    const batches = await seenBy({ shuffle: true });
    const [first, second] = [batches.slice(0, 3), batches.slice(3)];
    expect([sorted(first), sorted(second)]).toEqual([[...rows].sort(), [...rows].sort()]);
    expect(first).not.toEqual(second);
  });

  it('are full with dropLast', async () => {
    const batches = await seenBy({ shuffle: false, dropLast: true });
    expect(batches).toEqual([rows.slice(0, 4), rows.slice(4, 8), rows.slice(0, 4), rows.slice(4, 8)]);
  });
});

/** Trains two epochs, and returns the history beside the batches' losses. */
async function lossesOf({ model, optimizer, loader, loss }: Training) {
  const batches: { epoch: number; batch: number; loss: number }[] = [];
  const onBatchEnd = (row: (typeof batches)[number]) => batches.push(row);
  const history = await fit(model, loader, { loss, optimizer, epochs: 2, onBatchEnd });
  return { history, batches };
}

describe('the loss of an epoch', () => {
  it.each([
    ['weighs a last partial batch by its rows', { batchSize: 4 }, [4, 4, 2]],
    ['is that of the only batch in batch descent', { batchSize: 10 }, [10]],
    ['leaves out what dropLast drops', { batchSize: 4, dropLast: true }, [4, 4]],
    ['is the mean of all rows in stochastic descent', { batchSize: 1 }, new Array(10).fill(1)],
  ])('%s', async (_, options, weights: number[]) => {
    const { history, batches } = await lossesOf(regression(line(10), options));
    const total = weights.reduce((a, b) => a + b, 0);
    for (const row of history.epochs) {
      const own = batches.filter(({ epoch }) => epoch === row.epoch);
      expect(own.map(({ batch }) => batch)).toEqual(upTo(weights.length).map((i) => i + 1));
      expect(row.loss).toBe(own.reduce((sum, { loss }, i) => sum + loss * (weights[i] as number), 0) / total);
    }
    expect(history.epochs.map(({ epoch }) => epoch)).toEqual([1, 2]);
  });
});

describe('what an epoch is measured by', () => {
  it('is what evaluate gives on the validation rows and the metrics on both', async () => {
    const { model, optimizer, loader, loss } = classification();
    const validation = new DataLoader(classes(31, 5), { batchSize: 8 });
    const metrics = { accuracy };
    const history = await fit(model, loader, { loss, optimizer, epochs: 3, validation, metrics });
    const last = history.epochs.at(-1);
    const onValidation = await evaluate(model, validation, { loss, metrics });
    const onTraining = await evaluate(model, loader, { metrics });
    expect([last?.valLoss, last?.valAccuracy]).toEqual([onValidation.loss, onValidation.accuracy]);
    expect(last?.accuracy).toBe(onTraining.accuracy);
    expect([loader.epoch, validation.epoch], 'measuring begins no pass').toEqual([3, 0]);
  });

  it('is measured in eval mode, on all rows at once, without gradients', async () => {
    class Spy extends nn.Linear {
      readonly seen: unknown[] = [];
      override forward(x: Tensor): Tensor {
        const y = super.forward(x);
        this.seen.push([this.training, y.requiresGrad, y.shape[0]]);
        return y;
      }
    }
    const model = new Spy(4, 3);
    const { loader, loss } = classification();
    const shapes: unknown[] = [];
    const shape: Metric = (output, target) => shapes.push(output.shape, target.shape);
    await fit(model, loader, { loss, optimizer: new optim.SGD(model.parameters()), epochs: 1, metrics: { shape } });
    const measured = [...new Array(6).fill([false, false, 16]), [false, false, 7]];
    expect(model.seen.slice(-7)).toEqual(measured);
    expect(shapes).toEqual([[103, 3], [103]]);
  });
});

describe('a measure', () => {
  it.each(['epoch', 'loss', 'lr', 'seconds', 'valLoss'])(
    'cannot take the place of what a row has: %s',
    async (name) => {
      const { model, optimizer, loader, loss } = regression();
      const training = fit(model, loader, { loss, optimizer, epochs: 1, metrics: { [name]: () => 77 } });
      await expect(training).rejects.toThrow(new RegExp(`metric.*${name}`));
      await expect(training).rejects.toBeInstanceOf(OptionError);
    },
  );

  it('is not a loss of 0 where evaluate was given no loss', async () => {
    const { model, loader } = regression();
    expect(await evaluate(model, loader, { metrics: { one: () => 1 } })).toEqual({ one: 1 });
  });
});

describe('a training stops', () => {
  it('after the first epoch whose loss reaches the target', async () => {
    const { model, optimizer, loader, loss } = regression();
    const free = await fit(model, loader, { loss, optimizer, epochs: 30 });
    const targetLoss = free.epochs[11]?.loss as number;
    const again = regression();
    const earlyStopping = { targetLoss };
    const options = { loss: again.loss, optimizer: again.optimizer, epochs: 30, earlyStopping };
    const stopped = await fit(again.model, again.loader, options);
    expect([stopped.stoppedBy, stopped.epochs.length, free.stoppedBy]).toEqual(['targetLoss', 12, 'epochs']);
  });

  it('by the loss on the validation rows, where there are any', async () => {
    const { model, optimizer, loader, loss } = regression();
    const validation = new DataLoader(line(50, 9));
    const earlyStopping = { targetLoss: 0.2 };
    const { epochs } = await fit(model, loader, { loss, optimizer, epochs: 500, validation, earlyStopping });
    expect(epochs.map(({ valLoss }) => (valLoss as number) <= 0.2)).toEqual(
      epochs.map((_, i) => i === epochs.length - 1),
    );
  });

  it.each([true, false])(
    'when it is told to between two batches, and keeps what it learned (compiled: %s)',
    async (compiled) => {
      const { model, optimizer, loader, loss } = regression();
      const stop = new AbortController();
      const onBatchEnd = ({ epoch, batch }: { epoch: number; batch: number }) =>
        epoch === 2 && batch === 5 && stop.abort();
      const options = { loss, optimizer, epochs: 9, onBatchEnd, compiled, signal: stop.signal };
      const history = await fit(model, loader, options);
      expect([history.stoppedBy, history.epochs.length, loader.epoch]).toEqual(['signal', 1, 2]);
      expect(Object.values(optimizer.stateDict().state).map(({ step }) => step)).toEqual([21, 21]);
    },
  );

  it.each([true, false])(
    'before it begins when it is told so at once, and nothing is changed (compiled: %s)',
    async (compiled) => {
      const { model, optimizer, loader, loss } = regression();
      const before = model.stateDict();
      const options = { loss, optimizer, epochs: 9, compiled, signal: AbortSignal.abort() };
      const history = await fit(model, loader, options);
      expect([history.stoppedBy, history.epochs, loader.epoch]).toEqual(['signal', [], 0]);
      for (const [name, p] of model.namedParameters()) expect(p.toArray()).toEqual(before[name]?.toArray());
    },
  );
});

describe('the callbacks', () => {
  it('are awaited, in order', async () => {
    const { model, optimizer, loader, loss } = regression(line(8), { batchSize: 4 });
    const heard: string[] = [];
    const later = (what: string) => new Promise<void>((done) => setTimeout(() => done(void heard.push(what)), 2));
    await fit(model, loader, {
      loss,
      optimizer,
      epochs: 2,
      onBatchEnd: ({ epoch, batch }) => later(`${epoch}.${batch}`),
      onEpochEnd: ({ epoch }) => later(`${epoch}`),
    });
    expect(heard).toEqual(['1.1', '1.2', '1', '2.1', '2.2', '2']);
  });

  it('get the rows that the history has', async () => {
    const { model, optimizer, loader, loss } = regression();
    const rows: unknown[] = [];
    const history = await fit(model, loader, { loss, optimizer, epochs: 3, onEpochEnd: (row) => rows.push(row) });
    expect(rows).toEqual(history.epochs);
  });
});

describe('the mode of a model', () => {
  it('is train mode while it is trained, and each module gets back its own', async () => {
    const { model, optimizer, loader, loss } = classification();
    model.eval();
    (model.modules()[3] as nn.Module).training = true;
    const modes: boolean[][] = [];
    const note = () => modes.push(model.modules().map((m) => m.training));
    await fit(model, loader, { loss, optimizer, epochs: 1, onBatchEnd: note });
    note();
    expect(modes[0]).toEqual([true, true, true, true]);
    expect(modes.at(-1)).toEqual([false, false, false, true]);
  });
});
