import { findLearningRate, fit, type LearningRateOptions, OptionError, ShapeError, type Tensor } from 'downhill';
import { DataLoader, TensorDataset } from 'downhill/data';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';
import { describe, expect, it } from 'vitest';
import { bitsOf } from './golden/bits.js';
import { any, errorOf } from './support/failures';
import { classes, classification, line, regression, settled, stateOf, type Training } from './support/training';

type Options = Omit<LearningRateOptions, 'loss' | 'optimizer'>;
const DRIVERS = [{ compiled: true }, { compiled: false }];

const search = ({ model, loader, loss, optimizer }: Training, options: Options = {}) =>
  findLearningRate(model, loader, { loss, optimizer, ...options });

/** A network that remembers more than its parameters. */
function remembering(): Training {
  const layers = [new nn.Linear(4, 6), new nn.BatchNorm1d(6), new nn.Dropout(0.2), new nn.Linear(6, 3)];
  const model = settled(new nn.Sequential(...layers));
  const optimizer = new optim.SGD(
    [
      { params: model.parameters().slice(0, 2), lr: 0.3 },
      { params: model.parameters().slice(2), momentum: 0.5 },
    ],
    { lr: 0.1, momentum: 0.9 },
  );
  return { ...classification(classes(61)), model, optimizer };
}

/** The losses of the loop of the documentation, with these rates. */
function byHand({ model, loader, loss, optimizer }: Training, rates: readonly number[]): number[] {
  const losses: number[] = [];
  while (losses.length < rates.length) {
    for (const [x, t] of loader) {
      const rate = rates[losses.length];
      if (rate === undefined) break;
      optimizer.lr = rate;
      optimizer.zeroGrad();
      const value = (loss as nn.Loss).forward(model.forward(x), t);
      value.backward();
      optimizer.step();
      losses.push(value.item());
    }
  }
  return losses;
}

describe('findLearningRate', () => {
  it.each(DRIVERS)('takes a step with each rate, over several passes: $compiled', async (driver) => {
    const { rates, losses, smoothed, stoppedBy } = await search(remembering(), {
      from: 1e-4,
      to: 0.5,
      steps: 30,
      ...driver,
    });
    expect([rates.length, losses.length, smoothed.length, stoppedBy]).toEqual([30, 30, 30, 'steps']);
    expect([rates[0], rates[29]]).toEqual([1e-4, 0.5]);
    rates.forEach((rate, i) => {
      expect(rate / (1e-4 * 5000 ** (i / 29))).toBeCloseTo(1, 12);
    });
    expect(losses).toEqual(byHand(remembering(), rates));
    let [average, weight] = [0, 0];
    losses.forEach((loss, i) => {
      average = 0.9 * average + 0.1 * loss;
      weight = 0.9 * weight + 0.1;
      expect(smoothed[i]).toBeCloseTo(average / weight, 10);
    });
  });

  it.each(DRIVERS)('leaves everything as it was, and the training that follows too: $compiled', async (driver) => {
    const [plain, searched] = [remembering(), remembering()];
    const go = ({ model, loader, loss, optimizer }: Training) =>
      fit(model, loader, { loss, optimizer, epochs: 2, ...driver });
    for (const training of [plain, searched]) await go(training);
    const [p] = searched.model.parameters() as [Tensor];
    p.sum().backward();
    const [before, gradient] = [stateOf(searched), bitsOf(p.grad)];
    await search(searched, { ...driver, steps: 20 });
    expect(stateOf(searched)).toEqual(before);
    expect(bitsOf(p.grad)).toEqual(gradient);
    expect(searched.optimizer.groups.map((g) => g.options.lr)).toEqual([0.3, 0.1]);
    for (const training of [plain, searched]) await go(training);
    expect(stateOf(searched)).toEqual(stateOf(plain));
  });

  it.each(DRIVERS)(
    'suggests a rate that descends, and stops where the loss has diverged: $compiled',
    async (driver) => {
      const training = regression(line(1000));
      const { suggestion, rates, losses, stoppedBy } = await search(training, { ...driver, to: 1e6 });
      expect(stoppedBy).toBe('divergence');
      expect(losses.length).toBeLessThan(100);
      expect(rates.length).toBe(losses.length);
      training.optimizer.lr = suggestion as number;
      const { model, loader, loss, optimizer } = training;
      const { epochs } = await fit(model, loader, { loss, optimizer, epochs: 3 });
      expect(epochs[2]?.loss).toBeLessThan(0.15);
    },
  );

  it('ends with what there is where a number is no longer finite', async () => {
    const training = regression(line(100));
    const before = stateOf(training);
    const found = await search(training, { from: 1e30, to: 1e38, steps: 5 });
    expect(found).toMatchObject({ stoppedBy: 'divergence', suggestion: undefined });
    expect(stateOf(training)).toEqual(before);
  });

  it('suggests nothing where the loss never falls', async () => {
    const training = regression(line(100), { batchSize: 100 });
    const { suggestion, losses } = await search(training, { from: 5, to: 50, steps: 3 });
    expect(suggestion).toBeUndefined();
    expect(losses[1]).toBeGreaterThan(losses[0] as number);
  });

  it('stops by a signal', async () => {
    const controller = new AbortController();
    const training = classification();
    const loss = (o: Tensor, t: Tensor) => {
      controller.abort();
      return new nn.CrossEntropyLoss().forward(o, t);
    };
    const found = await search({ ...training, loss }, { signal: controller.signal });
    expect(found.stoppedBy).toBe('signal');
    expect(found.losses.length).toBeLessThan(3);
  });

  it.each(DRIVERS)('weighs rows and accumulates as fit does: $compiled', async (driver) => {
    const options = { ...driver, from: 0.01, to: 0.1, steps: 4 };
    const sampleWeight = new Float32Array(103).fill(2);
    const [weighted, plain] = [classification(), classification(classes(103), { batchSize: 32 })];
    const a = await search(weighted, { ...options, accumulate: 2, sampleWeight });
    const b = await search(plain, options);
    a.losses.forEach((loss, i) => {
      expect(loss).toBeCloseTo(b.losses[i] as number, 5);
    });
  });

  const bad: [string, Options, new (...args: never[]) => Error, RegExp][] = [
    ['from', { from: 0 }, OptionError, /from is 0; it must be a finite number above 0/],
    ['order', { from: 1, to: 0.1 }, OptionError, /goes from 1 to 0.1; the last rate must be above the first/],
    ['steps', { steps: 1 }, OptionError, /steps is 1; it must be a whole number of at least 2/],
    ['smoothing', { smoothing: 1 }, OptionError, /smoothing is 1; it must be at least 0 and less than 1/],
    ['a name', any({ step: 3 }), OptionError, /findLearningRate has no option "step"; did you mean "steps"/],
    ['a clip', { clipGradNorm: -1 }, OptionError, /clipGradNorm is -1/],
  ];

  it.each(bad)('refuses %s, and changes nothing', async (_, options, error, says) => {
    const training = remembering();
    const before = stateOf(training);
    const thrown = (await errorOf(() => search(training, options))) as Error;
    expect(thrown).toBeInstanceOf(error);
    expect(thrown.message).toMatch(says);
    expect(stateOf(training)).toEqual(before);
  });

  it.each(DRIVERS)('refuses data that do not fit, and changes nothing: $compiled', async (driver) => {
    const training = { ...remembering(), loader: new DataLoader(new TensorDataset([[1, 2]], [0])) };
    const before = stateOf(training);
    expect(await errorOf(() => search(training, driver))).toBeInstanceOf(ShapeError);
    expect(stateOf(training)).toEqual(before);
  });

  it('is put back where the loss throws midway', async () => {
    const training = remembering();
    const before = stateOf(training);
    let calls = 0;
    const loss = (o: Tensor, t: Tensor) => {
      if (++calls > 4) throw new RangeError('enough');
      return new nn.CrossEntropyLoss().forward(o, t);
    };
    await expect(search({ ...training, loss }, { compiled: false })).rejects.toThrow('enough');
    expect(stateOf(training)).toEqual(before);
  });
});
