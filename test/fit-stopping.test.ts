import {
  accuracy,
  DivergenceError,
  type EarlyStopping,
  type FitOptions,
  fit,
  type History,
  type HistoryRow,
  mae,
  OptionError,
  type Tensor,
} from 'downhill';
import { DataLoader } from 'downhill/data';
import { describe, expect, it } from 'vitest';
import { bitsOf } from './golden/bits.js';
import { any, failure, testFailures } from './support/failures';
import { numbers } from './support/numbers';
import { classes, classification, line, normalised, regression, type Training } from './support/training';

/** Trains while a measure of the user takes these values, epoch by epoch. */
function follow(values: readonly number[], earlyStopping: EarlyStopping): Promise<History> {
  const { model, loader, loss, optimizer } = regression(line(8), { batchSize: 8 });
  let i = 0;
  const metrics = { measured: () => values[i++] as number };
  const stopping = { monitor: 'measured', ...earlyStopping };
  return fit(model, loader, { loss, optimizer, epochs: values.length, metrics, earlyStopping: stopping });
}

/** The rule of Keras' EarlyStopping, written out: how many epochs run, and by what they end. */
function ruled(values: readonly number[], { patience = 1e9, minDelta = 0, mode }: EarlyStopping): [number, string] {
  const better = (a: number, b: number) => (mode === 'max' ? a - minDelta > b : a + minDelta < b);
  let best = mode === 'max' ? -1e300 : 1e300;
  let wait = 0;
  for (let i = 0; i < values.length; i++) {
    wait++;
    if (better(values[i] as number, best)) {
      best = values[i] as number;
      wait = 0;
    }
    if (wait >= patience) return [i + 1, 'patience'];
  }
  return [values.length, 'epochs'];
}

describe('patience', () => {
  const next = numbers(8);
  const walk = Array.from({ length: 30 }, (_, i) => Math.round(40 * next()) / 8 - i / 8);
  const rows = [
    { values: [5, 4, 3, 3, 3, 3, 2], patience: 2 },
    { values: [5, 4, 3, 3.5, 2.9, 3, 3, 3], patience: 3 },
    { values: [5, 4, 3, 2, 1], patience: 1 },
    { values: [5, 5, 5], patience: 5 },
    { values: [5, 4.9, 4.8, 4.7, 4.6], patience: 2, minDelta: 0.25 },
    { values: [Number.NaN, Number.NaN, 3, Number.NaN, 2, Number.NaN, Number.NaN], patience: 2 },
    ...[1, 2, 3, 5].flatMap((patience) => [0, 0.5].map((minDelta) => ({ values: walk, patience, minDelta }))),
  ];

  it.each(rows)('stops $values after $patience epochs that are no better by $minDelta', async ({ values, ...rule }) => {
    for (const mode of ['min', 'max'] as const) {
      const signed = values.map((v) => (mode === 'max' ? -v : v));
      const { epochs, stoppedBy, bestEpoch } = await follow(signed, { ...rule, mode });
      expect([epochs.length, stoppedBy]).toEqual(ruled(signed, { ...rule, mode }));
      const seen = values.slice(0, epochs.length);
      const least = Math.min(...seen.filter((v) => !Number.isNaN(v)));
      expect(bestEpoch).toBe(least === Number.POSITIVE_INFINITY ? undefined : seen.indexOf(least) + 1);
    }
  });

  it.each([
    { monitor: 'valAccuracy', best: Math.max },
    { monitor: 'accuracy', best: Math.max },
    { monitor: 'valMae', best: Math.min },
    { monitor: 'valLoss', best: Math.min },
    { monitor: 'loss', best: Math.min },
    { monitor: undefined, best: Math.min },
  ])('knows what is better of $monitor', async ({ monitor, best }) => {
    const { model, loader, loss, optimizer } = classification();
    const validation = new DataLoader(classes(40, 3), { batchSize: 40 });
    const metrics = { accuracy, mae: Object.assign((o: Tensor) => mae(o, o.mul(0)), { mode: 'min' as const }) };
    const earlyStopping = { ...(monitor && { monitor }), patience: 99 };
    const { epochs, bestEpoch } = await fit(model, loader, {
      loss,
      optimizer,
      epochs: 9,
      validation,
      metrics,
      earlyStopping,
    });
    const values = epochs.map((row) => row[monitor ?? 'valLoss'] as number);
    expect(bestEpoch).toBe(values.indexOf(best(...values)) + 1);
  });

  it('is not needed to learn which epoch was the best', async () => {
    const { model, loader, loss, optimizer } = classification();
    const { epochs, bestEpoch } = await fit(model, loader, { loss, optimizer, epochs: 4 });
    const losses = epochs.map((row) => row.loss);
    expect(bestEpoch).toBe(losses.indexOf(Math.min(...losses)) + 1);
  });
});

class Boom extends Error {}

/** Options under which a training ends by itself, beside restoreBest. */
type Ending = {
  name: string;
  by: string | (new (...args: never[]) => Error);
  options: (training: Training) => Partial<FitOptions>;
};

const at = (epoch: number, then: () => unknown) => ({
  onEpochEnd: (row: HistoryRow) => (row.epoch === epoch ? then() : undefined),
});

const ENDINGS: Ending[] = [
  { name: 'the last epoch', by: 'epochs', options: () => ({}) },
  { name: 'patience', by: 'patience', options: () => ({ earlyStopping: { patience: 2 } }) },
  { name: 'a target', by: 'targetLoss', options: () => ({ earlyStopping: { targetLoss: 9, monitor: 'measured' } }) },
  {
    name: 'a signal in the middle of an epoch',
    by: 'signal',
    options: () => {
      const stop = new AbortController();
      const onBatchEnd = ({ epoch, batch }: { epoch: number; batch: number }) =>
        epoch === 6 && batch === 3 && stop.abort();
      return { signal: stop.signal, onBatchEnd };
    },
  },
  {
    name: 'divergence',
    by: DivergenceError,
    options: ({ optimizer }) =>
      at(5, () => {
        optimizer.lr = 1e38;
      }),
  },
  {
    name: 'an error of a callback',
    by: Boom,
    options: () =>
      at(6, () => {
        throw new Boom();
      }),
  },
];

describe('restoreBest', () => {
  /** Measured after each epoch: the fourth is the best. */
  const VALUES = [5, 4, 4.5, 1, 3, 2, 4, 4, 4];

  async function train(
    { options, by }: Ending,
    { compiled, restoreBest }: { compiled: boolean; restoreBest: boolean },
  ) {
    const training = normalised();
    const { model, loader, loss, optimizer } = training;
    const states: unknown[] = [];
    // A measure sees the model as the epoch has left it.
    const measured = Object.assign(
      () => {
        states.push(bitsOf(model.stateDict()));
        return VALUES[states.length - 1] as number;
      },
      { mode: 'min' as const },
    );
    const { earlyStopping, ...others } = options(training);
    const stopping = { monitor: 'measured', ...earlyStopping, restoreBest };
    const ended = await fit(model, loader, {
      loss,
      optimizer,
      epochs: VALUES.length,
      metrics: { measured },
      compiled,
      earlyStopping: restoreBest || earlyStopping ? { patience: 99, ...stopping } : { patience: 99 },
      ...others,
    }).catch((error) => error);
    if (typeof by === 'string') expect(ended.stoppedBy).toBe(by);
    else expect(ended).toBeInstanceOf(by);
    return { states, final: bitsOf(model.stateDict()), optimizer: bitsOf(optimizer.stateDict()), ended };
  }

  const both = ENDINGS.flatMap((ending) => [true, false].map((compiled) => ({ ...ending, compiled })));

  it.each(both)(
    'puts parameters and statistics back after $name (compiled: $compiled)',
    async ({ compiled, ...ending }) => {
      const { states, final, ended } = await train(ending, { compiled, restoreBest: true });
      const best = ending.by === 'targetLoss' ? 0 : 3;
      expect(final).toEqual(states[best]);
      if (ended.stoppedBy) expect(ended.bestEpoch).toBe(best + 1);
      if (ending.by !== 'targetLoss') expect(states.length).toBeGreaterThan(4);
    },
  );

  it('leaves what was learned last where it is not asked for', async () => {
    const { states, final } = await train(ENDINGS[0] as Ending, { compiled: true, restoreBest: false });
    expect(final).toEqual(states.at(-1));
    expect(final).not.toEqual(states[3]);
  });

  it('puts back the model before what a callback did to it', async () => {
    const { model, loader, loss, optimizer } = regression();
    const states: unknown[] = [];
    const onEpochEnd = () => {
      states.push(bitsOf(model.stateDict()));
      for (const p of model.parameters()) p.assign(p.mul(0));
    };
    const earlyStopping = { restoreBest: true };
    const { bestEpoch } = await fit(model, loader, { loss, optimizer, epochs: 3, onEpochEnd, earlyStopping });
    expect(bitsOf(model.stateDict())).toEqual(states[(bestEpoch as number) - 1]);
  });

  it('keeps what there was where no epoch ended', async () => {
    const { model, loader, loss, optimizer } = regression();
    const before = bitsOf(model.stateDict());
    const options = { earlyStopping: { restoreBest: true }, signal: AbortSignal.abort() };
    const { stoppedBy, bestEpoch } = await fit(model, loader, { loss, optimizer, epochs: 3, ...options });
    expect([stoppedBy, bestEpoch, bitsOf(model.stateDict())]).toEqual(['signal', undefined, before]);
  });
});

describe('early stopping refuses', () => {
  const stop = (earlyStopping: unknown, options: object = {}) => {
    const { model, loader, loss, optimizer } = regression();
    return () => fit(model, loader, { loss, optimizer, epochs: 1, earlyStopping: any(earlyStopping), ...options });
  };
  const custom = { metrics: { custom: () => 1, accuracy }, validation: new DataLoader(line(9)) };
  testFailures([
    failure('nothing to stop by', stop({}), OptionError, /would never stop; give it patience/),
    failure('a monitor alone', stop({ monitor: 'loss' }), OptionError, /would never stop/),
    failure('an unknown option', stop({ patient: 3 }), OptionError, /did you mean "patience"/),
    failure('a patience of 0', stop({ patience: 0 }), OptionError, /patience is 0; it must be a whole number/),
    failure('a negative minDelta', stop({ patience: 1, minDelta: -1 }), OptionError, /minDelta is -1/),
    failure('restoreBest by name', stop({ restoreBest: 'yes' }), OptionError, /restoreBest is "yes"/),
    failure('another mode', stop({ patience: 1, mode: 'up' }), OptionError, /mode is "up"; it must be 'min' or 'max'/),
    failure(
      'valLoss without a validation set',
      stop({ monitor: 'valLoss', patience: 1 }),
      OptionError,
      /monitor is "valLoss"; there are loss\.$/,
    ),
    failure(
      'a monitor that is not there, and names those that are',
      stop({ monitor: 'f1', patience: 1 }, custom),
      OptionError,
      /monitor is "f1"; there are loss, custom, accuracy, valLoss, valCustom, valAccuracy\./,
    ),
    failure(
      'a metric of the user that has no best',
      stop({ monitor: 'valCustom', patience: 1 }, custom),
      OptionError,
      /whether more valCustom is better: give mode 'max' or 'min'/,
    ),
  ]);
});
