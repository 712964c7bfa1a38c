import {
  AveragedModel,
  accuracy,
  type Checkpointer,
  type FitOptions,
  fit,
  getEmaAvgFn,
  manualSeed,
  rand,
  type States,
  type Tensor,
  tensor,
} from 'downhill';
import { DataLoader, type DataLoaderOptions, type Dataset, TensorDataset, WeightedRandomSampler } from 'downhill/data';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';
import { describe, expect, it } from 'vitest';
import { bitsOf } from './golden/bits.js';
import { any, errorOf } from './support/failures';
import { classes, rowsOf, settled, stateOf, type Training } from './support/training';

/** What a training is made of, anew each time. */
interface Recipe {
  model: () => nn.Module;
  optimizer?: (model: nn.Module) => optim.SGD | optim.Adam;
  options?: (made: Training) => Partial<FitOptions>;
  order?: () => DataLoaderOptions;
}

const EPOCHS = 4;
/** Five batches an epoch, the last of them not full. */
const ROWS = 37;

const shuffled = () => ({ shuffle: true });

const network = (...between: nn.Module[]) =>
  settled(new nn.Sequential(new nn.Linear(4, 6), ...between, new nn.Linear(6, 3)));

const adam = (model: nn.Module) => new optim.Adam(model.parameters(), { lr: 0.02 });

/** Remembers in a tensor that is no parameter, and in a number. */
class Remembering extends nn.Module {
  readonly layer = new nn.Linear(4, 3);
  readonly mean = tensor([0, 0, 0]);
  scale = 0.9;
  forward(x: Tensor): Tensor {
    const y = this.layer.forward(x);
    this.mean.assign(this.mean.mul(this.scale).add(y.detach().mean({ axis: 0 })));
    return y.add(this.mean);
  }
  override getExtraState() {
    return { ...super.getExtraState(), scale: this.scale };
  }
  override setExtraState(state: { scale: number }) {
    super.setExtraState(state);
    this.scale = state.scale;
  }
}

const RECIPES: Record<string, Recipe> = {
  'dropout under Adam and a schedule of steps': {
    model: () => network(new nn.ReLU(), new nn.Dropout(0.3)),
    options: ({ optimizer }) => ({
      scheduler: new optim.OneCycleLR(optimizer, { maxLr: 0.05, totalSteps: 40, per: 'step' }),
      clipGradNorm: 1,
    }),
  },
  'running statistics under momentum and a schedule of epochs': {
    model: () => network(new nn.BatchNorm1d(6), new nn.Tanh()),
    optimizer: (model) => new optim.SGD(model.parameters(), { lr: 0.05, momentum: 0.9 }),
    options: ({ optimizer }) => ({ scheduler: new optim.StepLR(optimizer, { stepSize: 1, gamma: 0.7 }) }),
  },
  'a plateau, metrics and validation': {
    model: () => network(new nn.Tanh()),
    options: ({ optimizer }) => ({
      scheduler: new optim.ReduceLROnPlateau(optimizer, { patience: 0, threshold: 0.5, factor: 0.5 }),
      metrics: { accuracy, undefinedAtFirst: (o) => (o.abs().max().item() > 2 ? 1 : Number.NaN) },
      validation: new DataLoader(classes(20, 5), { batchSize: 8 }),
    }),
  },
  'a module that remembers, unshuffled': {
    model: () => settled(new Remembering()),
    optimizer: (model) => new optim.Adam(model.parameters(), { lr: 0.02, amsgrad: true }),
    options: ({ optimizer }) => {
      const [a, b] = [new optim.LinearLR(optimizer), new optim.ExponentialLR(optimizer, { gamma: 0.8 })];
      return { scheduler: new optim.SequentialLR(optimizer, { schedulers: [a, b], milestones: [1] }) };
    },
    order: () => ({}),
  },
  'a weighted sampler': {
    model: () => network(new nn.ReLU()),
    order: () => ({ sampler: new WeightedRandomSampler(Array.from({ length: ROWS }, (_, i) => i)) }),
  },
  'averages of weights after each step': {
    model: () => network(new nn.BatchNorm1d(6), new nn.ReLU(), new nn.Dropout(0.2)),
    options: ({ model }) => ({ averaging: new AveragedModel(model, { avgFn: getEmaAvgFn(0.9) }) }),
  },
  'averages of weights after each epoch': {
    model: () => network(new nn.ReLU()),
    options: ({ model, optimizer }) => ({
      averaging: new AveragedModel(model),
      scheduler: new optim.SWALR(optimizer, { swaLr: 0.005, annealEpochs: 3 }),
    }),
  },
  'weighted classes and two batches a step': {
    model: () => network(new nn.GELU()),
    options: () => ({ classWeight: [1, 2, 3], accumulate: 2 }),
  },
};

interface Made extends Training {
  options: Partial<FitOptions>;
}

/** The training of a recipe; `other` draws and seeds otherwise before, which resuming must undo. */
function make({ model, optimizer = adam, options, order = shuffled }: Recipe, other = false): Made {
  manualSeed(other ? 99 : 5);
  if (other) rand([3]);
  const made = model();
  const training: Training = {
    model: made,
    optimizer: optimizer(made),
    loader: new DataLoader(classes(ROWS), { batchSize: 8, ...order() }),
    loss: new nn.CrossEntropyLoss(),
  };
  return { ...training, options: options?.(training) ?? {} };
}

function run({ model, loader, loss, optimizer, options }: Made, more: Partial<FitOptions> = {}) {
  return fit(model, loader, { loss, optimizer, epochs: EPOCHS, ...options, ...more });
}

/** All that a training ends with, the next numbers to be drawn included. */
const endOf = (made: Made, history: Awaited<ReturnType<typeof run>>) => ({
  rows: bitsOf(rowsOf(history)),
  seeds: [history.seed, history.loaderSeed],
  state: stateOf(made),
  scheduler: made.options.scheduler?.stateDict(),
  averages: bitsOf(made.options.averaging?.stateDict()),
  extra: bitsOf(made.model.modules().map((m) => m.getExtraState())),
  drawn: bitsOf(rand([2])),
});

/** A checkpointer that keeps what is there at every moment. */
function collector(): Checkpointer & { kept: States[] } {
  const kept: States[] = [];
  return {
    kept,
    async visit(take) {
      kept.push(await take());
    },
  };
}

/** Rows that the network does not fit. */
function wide(): Dataset {
  const [, labels] = classes(ROWS).tensors as [Tensor, Tensor];
  return new TensorDataset(rand([ROWS, 5]), labels);
}

describe.each(Object.entries(RECIPES))('%s: a training that is resumed', (_, recipe) => {
  it.each([true, false])(
    'from any moment, in either driver, ends with the same bits (compiled: %s)',
    async (compiled) => {
      const whole = make(recipe);
      const end = endOf(whole, await run(whole, { compiled }));
      const checkpoint = collector();
      const watched = make(recipe);
      // Slices of one step each.
      const slow = { yieldEvery: 0, compiled, checkpoint };
      expect(endOf(watched, await run(watched, slow))).toEqual(end);
      expect(checkpoint.kept).toHaveLength(EPOCHS * (watched.options.accumulate ? 3 : 5) + EPOCHS);
      for (const [i, resume] of checkpoint.kept.entries()) {
        const other = make(recipe, true);
        const history = await run(other, { resume, compiled: i % 2 === 0 ? compiled : !compiled });
        expect(endOf(other, history), `moment ${i}`).toEqual(end);
      }
    },
  );
});

/** Makes a tensor of its own in its first step, and another in each. */
class Late extends nn.Module {
  readonly layer = new nn.Linear(4, 3);
  sum?: Tensor;
  seen?: Tensor;
  forward(x: Tensor): Tensor {
    const y = this.layer.forward(x);
    this.seen = y;
    this.sum ??= tensor([0, 0, 0]);
    this.sum.assign(this.sum.add(y.detach().mean({ axis: 0 })));
    return y.add(this.sum.mul(0.01));
  }
}

describe('what a module keeps', () => {
  it.each([true, false])('may be made by its steps (compiled: %s)', async (compiled) => {
    const recipe = { model: () => settled(new Late()) };
    const bitsAfter = async (made: Made, more: Partial<FitOptions>) => {
      await run(made, { compiled, ...more });
      return bitsOf([made.model.stateDict(), (made.model as Late).sum]);
    };
    const end = await bitsAfter(make(recipe), {});
    const checkpoint = collector();
    await run(make(recipe), { compiled, yieldEvery: 0, checkpoint });
    for (const resume of checkpoint.kept) expect(await bitsAfter(make(recipe, true), { resume })).toEqual(end);
  });

  it('is put back by name and shape, or not at all', () => {
    const [a, b] = [new Remembering(), new Remembering()];
    a.mean.assign([1, 2, 3]);
    a.scale = 0.5;
    b.setExtraState(a.getExtraState());
    expect([b.mean.toArray(), b.scale]).toEqual([[1, 2, 3], 0.5]);
    expect(() => b.setExtraState({ scale: 1 })).toThrow(/StateError|missing mean; Remembering has mean/);
    expect(() => b.setExtraState({ mean: tensor([1]), scale: 1 } as never)).toThrow(
      /setExtraState: mean has shape \[1\]; it must be \[3\]/,
    );
    const hostile = JSON.parse('{ "__proto__": 0, "forward": 0 }');
    for (const name of Object.keys(hostile)) {
      const state = Object.fromEntries([...Object.entries(a.getExtraState()), [name, tensor([1])]]);
      expect(() => b.setExtraState(state as never), name).toThrow(
        new RegExp(`unknown ${name}; Remembering has mean, scale`),
      );
    }
    expect([b.mean.toArray(), b.scale]).toEqual([[1, 2, 3], 0.5]);
  });
});

const NETWORK = RECIPES['dropout under Adam and a schedule of steps'] as Recipe;

/** A training that was stopped in its second epoch. */
async function kept(): Promise<States> {
  const checkpoint = collector();
  await run(make(NETWORK), { yieldEvery: 0, checkpoint });
  return checkpoint.kept[8] as States;
}

describe('resuming into a training', () => {
  const wrong: { name: string; made?: () => Made; more?: Partial<FitOptions>; says: RegExp }[] = [
    {
      name: 'of another model',
      made: () => make({ ...NETWORK, model: () => network(new nn.ReLU(), new nn.Linear(6, 6)) }),
      says: /^StateError: loadStateDict: unknown|^StateError: loadStateDict: missing/,
    },
    {
      name: 'of wider layers',
      made: () =>
        make({
          ...NETWORK,
          model: () => new nn.Sequential(new nn.Linear(4, 7), new nn.ReLU(), new nn.Dropout(0.3), new nn.Linear(7, 3)),
        }),
      says: /^ShapeError: loadStateDict: 0.weight has shape \[6, 4\]; it must be \[7, 4\]/,
    },
    {
      name: 'without the dropout',
      made: () => make({ ...NETWORK, model: () => network(new nn.ReLU(), new nn.Tanh()) }),
      says: /^StateError: setExtraState: unknown forwards|^StateError: setExtraState: unknown seed; Tanh has no extra state/,
    },
    {
      name: 'of another optimizer',
      made: () => make({ ...NETWORK, optimizer: (m) => new optim.SGD(m.parameters(), { lr: 0.1, momentum: 0.9 }) }),
      says: /^StateError: loadStateDict got the options lr, betas, eps, weightDecay, amsgrad; this optimizer has lr, momentum/,
    },
    {
      name: 'without the schedule',
      more: any({ scheduler: undefined }),
      says: /has a scheduler, and this fit has none/,
    },
    {
      name: 'of other batches',
      made: () => ({ ...make(NETWORK), loader: new DataLoader(classes(ROWS), { batchSize: 9, shuffle: true }) }),
      says: /^StateError: The state is of a DataLoader with batchSize 8; this one has 9/,
    },
    {
      name: 'of more rows',
      made: () => ({ ...make(NETWORK), loader: new DataLoader(classes(ROWS + 1), { batchSize: 8, shuffle: true }) }),
      says: /^StateError: The state is of a DataLoader with rows 37; this one has 38/,
    },
    {
      name: 'of another order',
      made: () => ({
        ...make(NETWORK),
        loader: new DataLoader(classes(ROWS), { batchSize: 8, shuffle: true, seed: 1 }),
      }),
      says: /^StateError: The state is of a DataLoader with seed 5; this one has 1/,
    },
    {
      name: 'of other steps',
      more: { accumulate: 2 },
      says: /^StateError: The training was one with accumulate 1; this one has 2/,
    },
    {
      name: 'of fewer epochs',
      more: { epochs: 1 },
      says: /^OptionError: epochs is 1, and the checkpoint to resume is in epoch 2; give at least as many/,
    },
    {
      name: 'whose data its model does not fit',
      made: () => ({ ...make(NETWORK), loader: new DataLoader(wide(), { batchSize: 8, shuffle: true }) }),
      says: /^ShapeError: Linear\(4 -> 6\) got x of shape \[8, 5\]/,
    },
  ];
  const both = wrong.flatMap((row) => [true, false].map((compiled) => ({ ...row, compiled })));

  it.each(both)(
    '$name is an error and changes nothing (compiled: $compiled)',
    async ({ made, more, says, compiled }) => {
      const resume = await kept();
      const training = (made ?? (() => make(NETWORK)))();
      const before = endOf(training, { epochs: [], stoppedBy: 'epochs', seed: 0, loaderSeed: 0, build: '' });
      manualSeed(5);
      training.options = { ...training.options, ...more };
      const error = (await errorOf(() => run(training, { resume, compiled }))) as Error;
      expect(`${error.name}: ${error.message}`).toMatch(says);
      const after = endOf(training, { epochs: [], stoppedBy: 'epochs', seed: 0, loaderSeed: 0, build: '' });
      expect({ ...after, drawn: 0 }).toEqual({ ...before, drawn: 0, scheduler: after.scheduler });
    },
  );

  it('that is done gives its history and takes no step', async () => {
    const checkpoint = collector();
    const whole = make(NETWORK);
    const end = endOf(whole, await run(whole, { checkpoint }));
    const done = make(NETWORK, true);
    expect(endOf(done, await run(done, { resume: checkpoint.kept.at(-1) }))).toEqual(end);
    const longer = make(NETWORK, true);
    const more = await run(longer, { resume: checkpoint.kept.at(-1), epochs: EPOCHS + 2 });
    expect(more.epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('that reached its targetLoss stays there', async () => {
    const checkpoint = collector();
    const options = { checkpoint, earlyStopping: { targetLoss: 10 } };
    const whole = make(NETWORK);
    const end = endOf(whole, await run(whole, options));
    const again = make(NETWORK, true);
    expect(endOf(again, await run(again, { ...options, resume: checkpoint.kept.at(-1) }))).toEqual(end);
    expect(end.rows).toMatchObject({ stoppedBy: 'targetLoss' });
  });

  it('that a signal stopped goes on', async () => {
    const whole = make(NETWORK);
    const end = endOf(whole, await run(whole));
    for (const stop of [1, 4, 5, 7, 19]) {
      const checkpoint = collector();
      const abort = new AbortController();
      let batches = 0;
      const onBatchEnd = () => ++batches === stop && abort.abort();
      const stopped = await run(make(NETWORK), { checkpoint, signal: abort.signal, onBatchEnd });
      expect(stopped.stoppedBy).toBe('signal');
      const other = make(NETWORK, true);
      expect(endOf(other, await run(other, { resume: checkpoint.kept.at(-1) }))).toEqual(end);
    }
  });
});
