import {
  AveragedModel,
  evaluate,
  type FitOptions,
  fit,
  getEmaAvgFn,
  predict,
  type Tensor,
  tensor,
  updateBn,
} from 'downhill';
import { DataLoader, TensorDataset } from 'downhill/data';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';
import { describe, expect, it } from 'vitest';
import { bitsOf } from './golden/bits.js';
import { constant, expectClose, readGolden, type Stated, valuesOf } from './golden/read.js';
import { any, failure, testFailures } from './support/failures';
import { classification, rowsOf, stateOf } from './support/training';

interface Case {
  decay: number | null;
  per: 'epoch' | 'step';
  useBuffers: boolean;
  averages: Record<string, number[]>;
  statistics: Record<string, number[]>;
}

interface Golden {
  batchSize: number;
  epochs: number;
  lr: number;
  data: Record<string, Stated>;
  state: Record<string, Stated>;
  cases: Record<string, Case>;
}

const golden = readGolden<Golden>('averages');
const cases = Object.entries(golden.cases).map(([name, c]) => ({ ...c, name }));

function setUp({ decay, per, useBuffers }: Case) {
  const model = new nn.Sequential(new nn.Linear(5, 7), new nn.BatchNorm1d(7), new nn.Tanh(), new nn.Linear(7, 3));
  const given = Object.entries(golden.state).map(([name, s]) => [name, { shape: s.shape, data: valuesOf(s) }]);
  model.loadStateDict({ ...model.stateDict(), ...Object.fromEntries(given) });
  const rows = new TensorDataset(constant(golden.data.x as Stated), constant(golden.data.values3 as Stated));
  return {
    model,
    loader: new DataLoader(rows, { batchSize: golden.batchSize }),
    loss: new nn.MSELoss(),
    optimizer: new optim.SGD(model.parameters(), { lr: golden.lr }),
    averaged: new AveragedModel(model, { useBuffers, per, ...(decay !== null && { avgFn: getEmaAvgFn(decay) }) }),
  };
}

type Training = ReturnType<typeof setUp>;

async function byFit({ model, loader, loss, optimizer, averaged }: Training, options: Partial<FitOptions> = {}) {
  await fit(model, loader, { loss, optimizer, epochs: golden.epochs, averaging: averaged, ...options });
}

function byHand({ model, loader, loss, optimizer, averaged }: Training): void {
  for (let epoch = 0; epoch < golden.epochs; epoch++) {
    for (const [x, t] of loader) {
      optimizer.zeroGrad();
      loss.forward(model.forward(x), t).backward();
      optimizer.step();
      if (averaged.per === 'step') averaged.updateParameters();
    }
    if (averaged.per === 'epoch') averaged.updateParameters();
  }
}

describe('the averages', () => {
  it.each(cases)("are PyTorch's, with the same bits in fit and by hand: $name", async (c) => {
    const [compiled, eager, hand] = [setUp(c), setUp(c), setUp(c)];
    await byFit(compiled);
    await byFit(eager, { compiled: false });
    byHand(hand);
    const state = compiled.averaged.stateDict();
    for (const [name, values] of Object.entries(c.averages))
      expectClose(name, (state[name] as Tensor).toTypedArray(), values);
    expect(state.n_averaged?.item()).toBe(golden.epochs * (c.per === 'step' ? 4 : 1));
    expect(bitsOf(eager.averaged.stateDict())).toEqual(bitsOf(state));
    expect(bitsOf(hand.averaged.stateDict())).toEqual(bitsOf(state));
    expect(bitsOf(hand.model.stateDict())).toEqual(bitsOf(compiled.model.stateDict()));
  });

  it.each(cases)("have PyTorch's running statistics after updateBn: $name", async (c) => {
    const training = setUp(c);
    await byFit(training);
    const before = bitsOf(training.model.stateDict());
    await updateBn(training.averaged, training.loader);
    const state = training.averaged.stateDict();
    for (const [name, values] of Object.entries(c.statistics))
      expectClose(name, (state[`module.1.${name}`] as Tensor).toTypedArray(), values);
    expect(bitsOf(training.model.stateDict())).toEqual(before);
  });

  it('do not change the training', async () => {
    const c = cases[2] as Case;
    const [plain, averaged] = [setUp(c), setUp(c)];
    await fit(plain.model, plain.loader, { loss: plain.loss, optimizer: plain.optimizer, epochs: golden.epochs });
    await byFit(averaged);
    expect(bitsOf(averaged.model.stateDict())).toEqual(bitsOf(plain.model.stateDict()));
  });

  it('go on from a saved state', async () => {
    const c = cases[2] as Case;
    const [whole, first, second] = [setUp(c), setUp(c), setUp(c)];
    await byFit(whole);
    await byFit(first, { epochs: 3 });
    second.model.loadStateDict(first.model.stateDict());
    second.averaged.loadStateDict(first.averaged.stateDict());
    await byFit(second, { epochs: golden.epochs - 3 });
    expect(bitsOf(second.averaged.stateDict())).toEqual(bitsOf(whole.averaged.stateDict()));
  });

  it.each([true, false])('are the last finite ones where a training diverges (compiled: %s)', async (compiled) => {
    const { model, loader, loss } = classification();
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
    const averaging = new AveragedModel(model, { avgFn: getEmaAvgFn(0.5) });
    const scheduler = new optim.LambdaLR(optimizer, { lrLambda: (n) => (n < 4 ? 1 : 1e38), per: 'step' });
    const training = fit(model, loader, { loss, optimizer, epochs: 2, averaging, scheduler, compiled });
    await expect(training).rejects.toThrow('Training diverged in epoch 1, batch');
    const { n_averaged: count, ...rest } = averaging.stateDict();
    expect(count?.item()).toBe(scheduler.count);
    for (const t of Object.values(rest)) expect(t.toTypedArray().every(Number.isFinite)).toBe(true);
  });
});

describe('an averaged model', () => {
  it('computes with the averages, in the mode that is asked for, also while its model is trained', async () => {
    const training = setUp(cases[0] as Case);
    const { model, loader, loss, averaged } = training;
    const twin = setUp(cases[0] as Case).model;
    const seen: [number, number][] = [];
    const onEpochEnd = async () => {
      averaged.assignTo(twin);
      seen.push([(await evaluate(averaged, loader, { loss })).loss, (await evaluate(twin, loader, { loss })).loss]);
    };
    await byFit(training, { onEpochEnd });
    for (const [own, copied] of seen) expect(own).toBe(copied);
    expect(new Set(seen.map(([own]) => own)).size).toBe(golden.epochs);
    const x = constant(golden.data.x as Stated);
    expect(bitsOf(await predict(averaged, x))).toEqual(bitsOf(await predict(twin, x)));
    expect(averaged.eval().forward(x).requiresGrad).toBe(false);
    expect([...averaged.parameters(), ...averaged.children()]).toEqual([]);
    averaged.assignTo();
    expect(bitsOf(model.stateDict())).toEqual(bitsOf(twin.stateDict()));
  });

  it('is put back where forward throws', () => {
    const { model, averaged } = setUp(cases[0] as Case);
    averaged.updateParameters();
    model.parameters()[0]?.assign(model.parameters()[0]?.mul(2) as Tensor);
    const before = bitsOf(model.stateDict());
    expect(() => averaged.forward(tensor([[1]]))).toThrow('its last dimension must be 5');
    expect(bitsOf(model.stateDict())).toEqual(before);
  });

  it('keeps its statistics where updateBn fails', async () => {
    const { averaged } = setUp(cases[0] as Case);
    const before = bitsOf(averaged.stateDict());
    const bad = new DataLoader(new TensorDataset(tensor(new Float32Array(15), { shape: [3, 5] }), [1, 2, 3]), {
      batchSize: 2,
    });
    await expect(updateBn(averaged, bad)).rejects.toThrow('a batch of 1 value a feature');
    expect(bitsOf(averaged.stateDict())).toEqual(before);
  });

  it('of another model is refused by fit, before anything is changed', async () => {
    const training = classification();
    const before = stateOf(training);
    const { model, loader, loss, optimizer } = training;
    const averaging = new AveragedModel(classification().model);
    await expect(fit(model, loader, { loss, optimizer, epochs: 1, averaging })).rejects.toThrow(
      'averaging is not of this model; give new AveragedModel(model).',
    );
    expect(stateOf(training)).toEqual(before);
    expect(rowsOf(await fit(model, loader, { loss, optimizer, epochs: 1 }))).toBeDefined();
  });

  testFailures([
    failure('no model', () => new AveragedModel(any(3)), Error, /OptionError: AveragedModel got 3; give it a model/),
    failure('a wrong name', () => new AveragedModel(new nn.ReLU(), any({ avg_fn: 1 })), Error, /did you mean "avgFn"/),
    failure('no rule', () => new AveragedModel(new nn.ReLU(), any({ avgFn: 0.9 })), Error, /avgFn is 0.9; give a/),
    failure('another time', () => new AveragedModel(new nn.ReLU(), any({ per: 'batch' })), Error, /per is "batch"; it/),
    failure(
      'no model to update',
      () => updateBn(any(3), any([])),
      Error,
      /OptionError: updateBn got 3; give it a model/,
    ),
    failure(
      'no loader',
      () => updateBn(new nn.BatchNorm1d(1), any([])),
      Error,
      /updateBn got an array; give it a Data/,
    ),
    failure('a decay of 1', () => getEmaAvgFn(1), Error, /decay of getEmaAvgFn is 1; it must be at least 0 and less/),
  ]);
});
