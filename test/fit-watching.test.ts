import { type FitOptions, fit, type HistoryRow, Pause, type Progress, type Tensor } from 'downhill';
import { DataLoader } from 'downhill/data';
import * as nn from 'downhill/nn';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { runtime } from '../src/wasm/runtime';
import { classes, classification, line, regression, rowsOf, settled, stateOf, type Training } from './support/training';

type Options = Partial<FitOptions>;
const DRIVERS = [true, false];

async function train(training: Training, options: Options): Promise<unknown> {
  const { model, loader, loss, optimizer } = training;
  const history = await fit(model, loader, { loss, optimizer, epochs: 3, ...options });
  return { history: rowsOf(history), state: stateOf(training) };
}

/** A clock that goes on by some milliseconds whenever it is looked at. */
function ticking(by = 1): { now: number } {
  const clock = { now: 0 };
  vi.spyOn(performance, 'now').mockImplementation(() => {
    clock.now += by;
    return clock.now;
  });
  return clock;
}

afterEach(() => void vi.restoreAllMocks());

/** Lets everything that could go on do so. */
async function turns(count = 20): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise<void>((done) => setImmediate(done));
}

describe('a pause', () => {
  it.each(DRIVERS)('holds a training up between two batches, and changes nothing (compiled: %s)', async (compiled) => {
    const button = new Pause();
    const heard: string[] = [];
    const onBatchEnd = ({ epoch, batch }: { epoch: number; batch: number }) => {
      heard.push(`${epoch}.${batch}`);
      if (epoch === 2 && batch === 3) button.pause();
    };
    const alone = await train(classification(), { compiled });
    const training = train(classification(), { compiled, pause: button, onBatchEnd });
    while (!button.paused) await turns(1);
    await turns();
    expect([heard.at(-1), button.paused]).toEqual(['2.3', true]);
    button.resume();
    button.pause();
    await turns();
    expect(heard.at(-1)).toBe('2.3');
    button.resume();
    expect(await training).toEqual(alone);
    expect([heard.at(-1), button.paused]).toEqual(['3.7', false]);
  });

  it.each(DRIVERS)('ends when the training is told to stop (compiled: %s)', async (compiled) => {
    const button = new Pause();
    const stop = new AbortController();
    button.pause();
    const training = train(regression(), { compiled, pause: button, signal: stop.signal });
    await turns();
    stop.abort();
    expect(await training).toMatchObject({ history: { stoppedBy: 'signal', rows: [] } });
  });

  it('holds up all trainings that were given it', async () => {
    const button = new Pause();
    button.pause();
    const ended: number[] = [];
    const both = [0, 1].map((i) => train(regression(), { pause: button }).then(() => ended.push(i)));
    await turns();
    expect(ended).toEqual([]);
    button.resume();
    await Promise.all(both);
    expect(ended.sort()).toEqual([0, 1]);
  });
});

/** Counts the batches that it sees in eval mode, and calls back at one of them. */
class Measured extends nn.Linear {
  seen = 0;
  at = (_: number) => {};
  override forward(x: Tensor): Tensor {
    if (!this.training && x.shape[0] === 5) this.at(++this.seen);
    return super.forward(x);
  }
}

function measured(): Training & { model: Measured; validation: DataLoader } {
  const training = regression();
  const model = settled(new Measured(1, 1));
  const loader = new DataLoader(line(64), { batchSize: 64 });
  const optimizer = new (training.optimizer.constructor as never as new (p: Tensor[]) => Training['optimizer'])(
    model.parameters(),
  );
  return { ...training, model, loader, optimizer, validation: new DataLoader(line(100), { batchSize: 5 }) };
}

describe('a signal', () => {
  it.each(DRIVERS)('stops an evaluation after the batch that it is at (compiled: %s)', async (compiled) => {
    const training = measured();
    const { model, validation } = training;
    const stop = new AbortController();
    model.at = (batch) => batch === 47 && stop.abort();
    const { model: alone, ...rest } = measured();
    await train({ ...rest, model: alone }, { compiled });
    const before = model.seen;
    const rows: HistoryRow[] = [];
    const onEpochEnd = (row: HistoryRow) => rows.push(row);
    const options = { compiled, validation, signal: stop.signal, epochs: 9, onEpochEnd };
    expect(await train(training, options)).toMatchObject({ history: { stoppedBy: 'signal' } });
    expect([model.seen - before, rows.length]).toEqual([47, 2]);
    expect(model.parameters().map((p) => p.item())).toEqual(alone.parameters().map((p) => p.item()));
  });

  it('lets others run between the batches of an evaluation', async () => {
    const training = measured();
    ticking(11);
    let others = 0;
    const seen = new Set<number>();
    training.model.at = () => seen.add(others);
    let over = false;
    const go = () => {
      others++;
      if (!over) setImmediate(go);
    };
    go();
    await train(training, { validation: training.validation, epochs: 1 });
    over = true;
    expect(seen.size).toBeGreaterThan(15);
  });
});

describe('progress', () => {
  it('is told after each slice if it is wanted so often, and agrees with the history', async () => {
    const told: Progress[] = [];
    const { model, loader, loss, optimizer } = classification(classes(103));
    const history = await fit(model, loader, {
      loss,
      optimizer,
      epochs: 3,
      progressEvery: 0,
      onProgress: (p) => told.push(p),
      onBatchEnd: () => {},
    });
    expect(told.map(({ epoch, batch }) => [epoch, batch])).toEqual(
      [1, 2, 3].flatMap((epoch) => [1, 2, 3, 4, 5, 6, 7].map((batch) => [epoch, batch])),
    );
    expect(told.every((p) => p.epochs === 3 && p.batches === 7)).toBe(true);
    expect(told.filter((p) => p.batch === 7).map((p) => p.loss)).toEqual(history.epochs.map((row) => row.loss));
    expect(told.at(-1)?.secondsLeft).toBe(0);
  });

  it.each(DRIVERS)('is told every 50 ms, and at the end (compiled: %s)', async (compiled) => {
    const clock = ticking();
    const told: (Progress & { at: number })[] = [];
    const onProgress = (p: Progress) => told.push({ ...p, at: clock.now });
    const { model, loader, loss, optimizer } = regression(line(40), { batchSize: 1 });
    await fit(model, loader, { loss, optimizer, epochs: 30, compiled, yieldEvery: 0, onProgress });
    const gaps = told.map(({ at }, i) => at - (told[i - 1]?.at ?? 0)).slice(0, -1);
    expect(gaps.length).toBeGreaterThan(2);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(50);
    expect(told.at(-1)).toMatchObject({ epoch: 30, batch: 40, secondsLeft: 0 });
    for (const { epoch, batch, rowsPerSecond, secondsLeft } of told) {
      const done = (epoch - 1) * 40 + batch;
      expect(rowsPerSecond).toBeGreaterThan(0);
      expect(secondsLeft * rowsPerSecond).toBeCloseTo(30 * 40 - done, 6);
    }
  });

  it('leaves the time of pauses out', async () => {
    const clock = ticking();
    const button = new Pause();
    const told: Progress[] = [];
    const { model, loader, loss, optimizer } = regression(line(40), { batchSize: 10 });
    const onBatchEnd = ({ batch }: { batch: number }) => {
      if (batch === 2) button.pause();
    };
    const options = { loss, optimizer, epochs: 1, pause: button, onBatchEnd, progressEvery: 0 };
    const training = fit(model, loader, { ...options, onProgress: (p) => told.push(p) });
    while (!button.paused) await turns(1);
    await turns();
    clock.now += 1e9;
    button.resume();
    await training;
    expect(told.length).toBe(4);
    expect((told.at(-1) as Progress).rowsPerSecond).toBeGreaterThan(100);
  });

  it('makes no more calls into Wasm than a training without it', async () => {
    const calls = async (options: Options) => {
      const { model, loader, loss, optimizer } = regression();
      const before = runtime().calls;
      await fit(model, loader, { loss, optimizer, epochs: 9, yieldEvery: 60_000, ...options });
      return runtime().calls - before;
    };
    const told: Progress[] = [];
    const onProgress = (p: Progress) => told.push(p);
    const onEpochEnd = () => {};
    expect(await calls({ onProgress, progressEvery: 0, onEpochEnd })).toBe(await calls({ onEpochEnd }));
    expect(told.length).toBe(9);
  });

  it('is awaited, and what it throws ends the training', async () => {
    const { model, loader, loss, optimizer } = regression();
    const onProgress = () => Promise.reject(new RangeError('no more'));
    const training = fit(model, loader, { loss, optimizer, epochs: 9, progressEvery: 0, onProgress });
    await expect(training).rejects.toBeInstanceOf(RangeError);
  });
});
