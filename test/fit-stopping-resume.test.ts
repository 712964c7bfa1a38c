import { type FitOptions, fit, type States, type Tensor, tensor } from 'downhill';
import { DataLoader } from 'downhill/data';
import * as nn from 'downhill/nn';
import { describe, expect, it } from 'vitest';
import type { Optimizer } from '../src/optim/optimizer';
import { Stopper } from '../src/train/stopping';
import { bitsOf } from './golden/bits.js';
import { classes, normalised, rowsOf } from './support/training';

describe('what early stopping remembers', () => {
  it('goes on from its state as if nothing had been', () => {
    const options = { earlyStopping: { patience: 3, minDelta: 0.1, restoreBest: true } };
    const make = () => {
      const { model, optimizer } = normalised();
      return { model, stopper: new Stopper(options, { model, optimizer: optimizer as unknown as Optimizer }) };
    };
    const losses = [3, 2, 2.5, 1.95, 1.93, 2, 2];
    const rows = losses.map((loss, i) => ({ epoch: i + 1, loss, lr: 1, seconds: 0 }));
    const shift = (model: nn.Module, by: number) => model.parameters().forEach((p) => void p.assign(p.add(by)));
    const [whole, first, second] = [make(), make(), make()];
    const verdicts = rows.map((row, i) => {
      shift(whole.model, i);
      const verdict = whole.stopper.note(row);
      const { model, stopper } = i < 4 ? first : second;
      shift(model, i);
      if (i === 4) {
        second.model.loadStateDict(first.model.stateDict());
        shift(second.model, i);
        second.stopper.loadStateDict(first.stopper.stateDict());
      }
      expect(stopper.note(row)).toBe(verdict);
      return verdict;
    });
    expect(verdicts).toEqual([undefined, undefined, undefined, undefined, 'patience', 'patience', 'patience']);
    for (const { stopper } of [whole, second]) stopper.putBack();
    expect(bitsOf(second.model.stateDict())).toEqual(bitsOf(whole.model.stateDict()));
  });
});

describe('a training with early stopping that is kept and resumed', () => {
  const options = { earlyStopping: { patience: 3, restoreBest: true }, yieldEvery: 0 };
  const run = async (more: Partial<FitOptions>) => {
    const training = normalised();
    const { model, loader, loss, optimizer } = training;
    const validation = new DataLoader(classes(40, 3), { batchSize: 16 });
    const history = await fit(model, loader, { loss, optimizer, epochs: 60, validation, ...options, ...more });
    return { rows: rowsOf(history), bestEpoch: history.bestEpoch, final: bitsOf(model.stateDict()) };
  };

  it.each([true, false])('ends as if it had not been (compiled: %s)', async (compiled) => {
    const kept: States[] = [];
    const checkpoint = { visit: (take: () => States) => void kept.push(take()) };
    const whole = await run({ compiled, checkpoint });
    expect(whole.rows).toMatchObject({ stoppedBy: 'patience' });
    const moments = [1, 2, Math.floor(kept.length / 2), kept.length - 2, kept.length - 1];
    for (const i of moments) expect(await run({ compiled, resume: kept[i] })).toEqual(whole);
  });

  it('ends so where a signal stopped it while it was measured', async () => {
    const whole = await run({});
    const stop = new AbortController();
    const training = normalised();
    const { model, loader, loss, optimizer } = training;
    const validation = new DataLoader(classes(40, 3), { batchSize: 16 });
    let measured = 0;
    const slow = (o: Tensor, t: Tensor) => {
      if (!model.training && ++measured === 8) stop.abort();
      return new nn.CrossEntropyLoss().forward(o, t);
    };
    const kept: States[] = [];
    const checkpoint = { visit: (take: () => States) => void kept.push(take()) };
    const more = { ...options, validation, checkpoint, signal: stop.signal };
    const { stoppedBy, epochs } = await fit(model, loader, { loss: slow, optimizer, epochs: 60, ...more });
    expect([stoppedBy, epochs.length, (loss as object).constructor.name]).toEqual(['signal', 2, 'CrossEntropyLoss']);
    expect(await run({ resume: kept.at(-1) })).toEqual(whole);
  });

  it('refuses another monitor, and other parameters', async () => {
    const kept: States[] = [];
    await run({ epochs: 1, checkpoint: { visit: (take: () => States) => void kept.push(take()) } });
    const resume = kept.at(-1) as States;
    const other = run({ resume, earlyStopping: { patience: 1, monitor: 'loss' } });
    await expect(other).rejects.toThrow(/monitored valLoss; this one has loss/);
    const broken = { ...resume, earlyStopping: { ...(resume.earlyStopping as object), kept: [tensor([1])] } };
    await expect(run({ resume: broken })).rejects.toThrow(/kept parameters that are not of this model/);
  });
});
