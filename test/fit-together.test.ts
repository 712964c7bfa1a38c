import {
  AveragedModel,
  type DivergenceError,
  type FitOptions,
  fit,
  type History,
  manualSeed,
  type Progress,
} from 'downhill';
import { DataLoader, randomSplit, type Subset, WeightedRandomSampler } from 'downhill/data';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';
import { describe, expect, it } from 'vitest';
import { runtime } from '../src/wasm/runtime';
import { classification, line, normalised, regression, rowsOf, stateOf, type Training } from './support/training';

type Options = Partial<FitOptions>;

/** So long that no slice ends for the sake of a pause. */
const UNHURRIED = 60_000;

async function trained(training: Training, options: Options): Promise<{ history: History; calls: number }> {
  const { model, loader, loss, optimizer } = training;
  const before = runtime().calls;
  const history = await fit(model, loader, { loss, optimizer, epochs: 7, yieldEvery: UNHURRIED, ...options });
  return { history, calls: runtime().calls - before };
}

/** What a training ends with, where somebody looks at each of its epochs and where nobody does. */
async function bothWays(make: () => Training, options: Options = {}): Promise<[watched: unknown, together: unknown]> {
  const [one, other] = [make(), make()];
  const watched = await trained(one, { ...options, onEpochEnd: () => {} });
  const together = await trained(other, options);
  expect(watched.calls).toBeGreaterThan(together.calls);
  return [
    { rows: rowsOf(watched.history), state: stateOf(one) },
    { rows: rowsOf(together.history), state: stateOf(other) },
  ];
}

const regrouped = (training: Training, optimizer: optim.SGD | optim.Adam) => ({ ...training, optimizer });

const TRAININGS: [name: string, make: () => Training, options?: Options][] = [
  ['the text’s regression', () => regression()],
  ['one row a batch, over more steps than a slice has', () => regression(line(1000), { batchSize: 1 }), { epochs: 40 }],
  ['all rows a batch', () => regression(line(999), { batchSize: 999, shuffle: false })],
  ['a last batch that is left out', () => regression(line(130), { dropLast: true })],
  ['some rows of a dataset', () => regression(randomSplit(line(300), [200, 100], { seed: 3 })[0] as Subset)],
  ['several batches a step', () => regression(line(300), { batchSize: 16 }), { accumulate: 3 }],
  ['a network under Adam', () => classification()],
  ['statistics of batches', () => normalised()],
  [
    'masks that are drawn anew each time',
    () => {
      manualSeed(3);
      const model = new nn.Sequential(new nn.Linear(4, 9), new nn.Dropout(0.4), new nn.Linear(9, 3));
      return regrouped({ ...classification(), model }, new optim.Adam(model.parameters(), { lr: 0.01 }));
    },
  ],
  [
    'momentum and a limit to the gradients',
    () => {
      const training = regression();
      return regrouped(
        training,
        new optim.SGD(training.model.parameters(), { lr: 0.01, momentum: 0.9, dampening: 0.1 }),
      );
    },
    { clipGradNorm: 0.5 },
  ],
];

describe('epochs that nobody looks at', () => {
  it.each(TRAININGS)('run in fewer calls to the same bits, of %s', async (_, make, options) => {
    const [watched, together] = await bothWays(make, options);
    expect(together).toEqual(watched);
  });

  it('are one call, however many they are', async () => {
    const [few, many] = [await trained(regression(), { epochs: 2 }), await trained(regression(), { epochs: 90 })];
    expect(many.calls).toBe(few.calls);
  });

  it('come to an end at every pause', async () => {
    const [one, other] = [regression(), regression()];
    const hurried = await trained(one, { epochs: 30, yieldEvery: 0 });
    const { history } = await trained(other, { epochs: 30 });
    expect(rowsOf(hurried.history)).toEqual(rowsOf(history));
    expect(stateOf(one)).toEqual(stateOf(other));
  });

  it('have rows whose seconds go on', async () => {
    const { history } = await trained(regression(), { epochs: 50 });
    const seconds = history.epochs.map((row) => row.seconds);
    expect(seconds.every((s, i) => s > (seconds[i - 1] ?? 0))).toBe(true);
  });

  it('are reported once a slice', async () => {
    const told: Progress[] = [];
    const onProgress = (p: Progress) => void told.push(p);
    const { history } = await trained(regression(), { onProgress, progressEvery: 0 });
    expect(told).toEqual([expect.objectContaining({ epoch: 7, batch: 16, epochs: 7, loss: history.epochs[6]?.loss })]);
  });

  it('end between two slices when a signal comes, with whole epochs done', async () => {
    const stop = new AbortController();
    const training = regression(line(1000), { batchSize: 1 });
    const onProgress = () => stop.abort();
    const { history } = await trained(training, { epochs: 500, signal: stop.signal, progressEvery: 0, onProgress });
    expect(history.stoppedBy).toBe('signal');
    expect(history.epochs.length).toBeGreaterThan(0);
    expect(history.epochs.length).toBeLessThan(500);
    expect(training.loader.epoch).toBe(history.epochs.length);
  });

  const WATCHED: [name: string, options: () => Options][] = [
    ['onEpochEnd', () => ({ onEpochEnd: () => {} })],
    ['onBatchEnd', () => ({ onBatchEnd: () => {} })],
    ['a validation set', () => ({ validation: new DataLoader(line(10)) })],
    ['metrics', () => ({ metrics: { zero: () => 0 } })],
    ['early stopping', () => ({ earlyStopping: { patience: 100 } })],
    ['a checkpoint', () => ({ checkpoint: { visit: () => {} } })],
    ['weights of rows', () => ({ sampleWeight: new Float32Array(1000).fill(1) })],
  ];

  it.each(WATCHED)('are those without %s', async (_, options) => {
    const { history, calls } = await trained(regression(), options());
    expect(history.epochs.length).toBe(7);
    expect(calls).toBeGreaterThanOrEqual(7);
  });

  it('are those without schedules, averages of epochs and samplers', async () => {
    const { model, optimizer, ...rest } = regression();
    const scheduler = new optim.StepLR(optimizer, { stepSize: 2 });
    const sampler = new WeightedRandomSampler(new Float32Array(1000).fill(1), { count: 1000, seed: 1 });
    const drawn = new DataLoader(line(1000), { batchSize: 64, sampler });
    const averaging = new AveragedModel(regression().model, { per: 'epoch' });
    for (const [training, options] of [
      [{ model, optimizer, ...rest }, { scheduler }],
      [{ ...regression(), loader: drawn }, {}],
      [{ ...regression(), model: averaging.model }, { averaging }],
    ] as [Training, Options][]) {
      const own = regrouped(training, new optim.SGD(training.model.parameters(), { lr: 0.01 }));
      const chosen = options.scheduler ? training : own;
      expect((await trained(chosen, options)).calls).toBeGreaterThanOrEqual(7);
    }
  });
});

describe('epochs that diverge together', () => {
  async function failed(training: Training, options: Options): Promise<unknown> {
    const error = (await trained(training, { epochs: 400, ...options }).catch((e) => e)) as DivergenceError;
    expect(error.name).toBe('DivergenceError');
    const { message, epoch, batch, tensor } = error as DivergenceError & { tensor: string };
    return { message, epoch, batch, tensor, state: stateOf(training) };
  }

  it.each([64, 1000])('say which of them it was and leave what it began with (batches of %i)', async (batchSize) => {
    const make = () => {
      const training = regression(line(1000), { batchSize });
      return regrouped(training, new optim.SGD(training.model.parameters(), { lr: 1.2 }));
    };
    const watched = await failed(make(), { onEpochEnd: () => {} });
    expect(watched).toMatchObject({ epoch: expect.any(Number) });
    expect((watched as { epoch: number }).epoch).toBeGreaterThan(1);
    expect(await failed(make(), {})).toEqual(watched);
  });
});
