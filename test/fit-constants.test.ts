import { fit, manualSeed, noGrad, parameter, predict, StateError, tensor } from 'downhill';
import { DataLoader } from 'downhill/data';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';
import { describe, expect, it } from 'vitest';
import { bitsOf } from './golden/bits.js';
import { errorOf } from './support/failures';
import { classes, classification, rowsOf, settled, stateOf, type Training } from './support/training';

type Meddling = (training: Training) => void;

function optimized(optimizer: (parameters: nn.Module) => optim.SGD): Training {
  const training = classification();
  return { ...training, optimizer: optimizer(training.model) };
}

const momentum = () => optimized((m) => new optim.SGD(m.parameters(), { lr: 0.05, momentum: 0.8 }));

function normalised(): Training {
  const layers = [new nn.Linear(4, 9), new nn.BatchNorm1d(9), new nn.Dropout(0.3), new nn.Linear(9, 3)];
  const model = settled(new nn.Sequential(...layers));
  return { ...classification(), model, optimizer: new optim.Adam(model.parameters(), { lr: 0.01 }) };
}

function unseeded(): Training {
  manualSeed(5);
  const training = classification();
  return { ...training, loader: new DataLoader(classes(103), { batchSize: 16, shuffle: true }) };
}

/** What a callback changes after the first batches. */
const CASES: { name: string; make: () => Training; meddle: Meddling; changes?: boolean }[] = [
  { name: 'the seed', make: unseeded, meddle: () => manualSeed(99) },
  {
    name: 'an optimizer’s nesterov',
    make: momentum,
    meddle: ({ optimizer }) => Object.assign(optimizer.groups[0]?.options as object, { nesterov: true }),
  },
  {
    name: 'Adam’s amsgrad',
    make: classification,
    meddle: ({ optimizer }) => Object.assign(optimizer.groups[0]?.options as object, { amsgrad: true }),
  },
  { name: 'the mode of the model', make: normalised, meddle: ({ model }) => void model.eval() },
  {
    name: 'which parameters are trained',
    make: classification,
    meddle: ({ model }) => {
      (model.parameters()[0] as ReturnType<typeof parameter>).requiresGrad = false;
    },
  },
  {
    name: 'the momentum, a number of each step, which is read anew',
    make: momentum,
    meddle: ({ optimizer }) => Object.assign(optimizer.groups[0]?.options as object, { momentum: 0.2 }),
    changes: true,
  },
];

async function train(make: () => Training, meddle: Meddling, compiled: boolean): Promise<unknown> {
  const training = make();
  const { model, loader, loss, optimizer } = training;
  const parameters = model.parameters();
  const onBatchEnd = ({ epoch, batch }: { epoch: number; batch: number }) =>
    epoch === 1 && batch === 3 && meddle(training);
  const history = await fit(model, loader, { loss, optimizer, epochs: 3, compiled, onBatchEnd });
  return { history: rowsOf(history), parameters: bitsOf(parameters) };
}

describe('what a callback changes of what a step is made of', () => {
  it.each(CASES)('counts from the next fit on, in both drivers: $name', async ({ make, meddle, changes = false }) => {
    const alone = await train(make, () => {}, true);
    const compiled = await train(make, meddle, true);
    expect(await train(make, meddle, false)).toEqual(compiled);
    if (changes) expect(compiled).not.toEqual(alone);
    else expect(compiled).toEqual(alone);
  });
});

const turn = () => new Promise<void>((done) => setImmediate(done));

describe('a model in training', () => {
  it.each([true, false])('cannot be trained by a second fit (compiled: %s)', async (compiled) => {
    const [alone, together] = [classification(), classification()];
    const run = ({ model, loader, loss, optimizer }: Training) =>
      fit(model, loader, { loss, optimizer, epochs: 2, compiled, onBatchEnd: turn });
    await run(alone);
    together.model.eval();
    const first = run(together);
    for (const model of [together.model, together.model.modules()[1] as nn.Linear]) {
      const optimizer = new optim.SGD(model.parameters());
      const thrown = await errorOf(() => fit(model, together.loader, { loss: together.loss, optimizer, epochs: 1 }));
      expect(thrown).toBeInstanceOf(StateError);
      expect((thrown as Error).message).toMatch(/is in a training that is not done; await that one first/);
    }
    await first;
    expect(stateOf(together)).toEqual(stateOf(alone));
    expect(together.model.training).toBe(false);
    await run(together);
  });

  it.each([true, false])('can be used by a predict that nobody awaits (compiled: %s)', async (compiled) => {
    const run = async (training: Training, use: () => void) => {
      const { model, loader, loss, optimizer } = training;
      const onBatchEnd = () => {
        use();
        return turn();
      };
      await fit(model, loader, { loss, optimizer, epochs: 3, compiled, onBatchEnd });
      return { training: model.training, state: stateOf(training) };
    };
    const alone = await run(normalised(), () => {});
    const training = normalised();
    const running: Promise<unknown>[] = [];
    const x = new Float32Array(40_000).map((_, i) => Math.sin(i));
    const use = () => running.push(predict(training.model, tensor(x, { shape: [10_000, 4] }), { batchSize: 100 }));
    expect(await run(training, use)).toEqual(alone);
    await Promise.all(running);
  });
});

describe('noGrad', () => {
  it('refuses an async function, and leaves gradients on', async () => {
    const w = parameter([1]);
    const refused = () => noGrad(async () => w.mul(2));
    expect(refused).toThrow(StateError);
    expect(refused).toThrow(/async function, which goes on after noGrad has ended/);
    expect(() => noGrad(() => Promise.reject(new Error('later')))).toThrow(StateError);
    await turn();
    expect(w.mul(2).requiresGrad).toBe(true);
  });
});
