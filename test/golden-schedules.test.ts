import { type FitOptions, fit, OptionError, parameter } from 'downhill';
import * as optim from 'downhill/optim';
import { describe, expect, it } from 'vitest';
import { expectClose, readGolden } from './golden/read.js';
import { classes, classification, line, regression, rowsOf, stateOf } from './support/training';

interface Row {
  schedule: keyof typeof SCHEDULES;
  options: object;
}

interface Case extends Row {
  optimizer: 'SGD' | 'Adam';
  parts: Row[];
  /** Before each step, of each group. */
  rates: number[][];
  momenta?: number[];
}

const SCHEDULES = {
  StepLR: optim.StepLR,
  MultiStepLR: optim.MultiStepLR,
  ExponentialLR: optim.ExponentialLR,
  CosineAnnealingLR: optim.CosineAnnealingLR,
  CosineAnnealingWarmRestarts: optim.CosineAnnealingWarmRestarts,
  OneCycleLR: optim.OneCycleLR,
  LinearLR: optim.LinearLR,
  LambdaLR: optim.LambdaLR,
  SWALR: optim.SWALR,
  SequentialLR: optim.SequentialLR,
  ReduceLROnPlateau: optim.ReduceLROnPlateau,
};

type AnySchedule = optim.Schedule | optim.ReduceLROnPlateau;
type Make = new (optimizer: optim.Optimizer, options: object) => AnySchedule;

const golden = readGolden<{ rates: number[]; metrics: number[]; cases: Record<string, Case> }>('schedules');
const cases = Object.entries(golden.cases).map(([name, c]) => ({ ...c, name }));

function make({ schedule, options, parts = [] }: Row & { parts?: Row[] }, optimizer: optim.Optimizer, per?: string) {
  const given: Record<string, unknown> = { ...options, ...(per && { per }) };
  if (schedule === 'LambdaLR') given.lrLambda = (n: number) => 1 / (1 + n);
  if (schedule === 'SequentialLR') given.schedulers = parts.map((part) => make(part, optimizer));
  return new (SCHEDULES[schedule] as unknown as Make)(optimizer, given);
}

/** An optimizer of two groups and the case's schedule. */
function setUp(c: Case) {
  const groups = golden.rates.map((lr) => ({ params: [parameter([1])], lr }));
  const optimizer = (c.optimizer === 'SGD'
    ? new optim.SGD(groups, { momentum: 0.7 })
    : new optim.Adam(groups)) as unknown as optim.Optimizer;
  return { optimizer, schedule: make(c, optimizer) };
}

type Options = { lr: number; momentum?: number; betas?: number[] };
const optionsOf = (optimizer: optim.Optimizer) => optimizer.groups.map((g) => g.options as Options);
const rates = (optimizer: optim.Optimizer) => optionsOf(optimizer).map((options) => options.lr);
const exact = (b: number) => 1e-11 * (1 + Math.abs(b));

function momentumOf(optimizer: optim.Optimizer): number {
  const [first] = optionsOf(optimizer);
  return (first?.betas?.[0] ?? first?.momentum) as number;
}

describe('the rates', () => {
  it.each(cases)("are PyTorch's, step by step: $name", (c) => {
    const { optimizer, schedule } = setUp(c);
    golden.metrics.forEach((metric, i) => {
      expectClose(`rates of step ${i}`, rates(optimizer), c.rates[i] as number[], exact);
      if (c.momenta) expectClose(`momentum of step ${i}`, [momentumOf(optimizer)], [c.momenta[i] as number], exact);
      schedule.step(metric);
    });
  });

  it.each(cases)('go on from a saved state: $name', (c) => {
    const [whole, first, second] = [setUp(c), setUp(c), setUp(c)];
    const { metrics } = golden;
    for (const metric of metrics) whole.schedule.step(metric);
    for (const metric of metrics.slice(0, 9)) first.schedule.step(metric);
    second.schedule.loadStateDict(JSON.parse(JSON.stringify(first.schedule.stateDict())));
    expect(rates(second.optimizer)).toEqual(rates(first.optimizer));
    for (const metric of metrics.slice(9)) second.schedule.step(metric);
    expect(rates(second.optimizer)).toEqual(rates(whole.optimizer));
  });
});

type Fit = Omit<FitOptions, 'loss' | 'optimizer' | 'epochs'>;

async function train(c: Row & { parts?: Row[] }, per: string, options: Fit = {}) {
  const training = classification(classes(103));
  const scheduler = make(c, training.optimizer as unknown as optim.Optimizer, per);
  const { model, loader, loss, optimizer } = training;
  const history = await fit(model, loader, { loss, optimizer, epochs: 4, scheduler, ...options });
  const { lr } = optimizer;
  return { rows: rowsOf(history), state: stateOf(training), lr, schedule: scheduler.stateDict(), history };
}

const without = ({ history: _, ...rest }: Awaited<ReturnType<typeof train>>) => rest;
const runs = cases.filter(
  (c) =>
    c.optimizer === 'SGD' &&
    !(c.schedule === 'OneCycleLR' && 'stepsPerEpoch' in c.options) &&
    !c.name.includes('three') &&
    c.name !== 'SWALR linear',
);

describe('fit', () => {
  it.each(
    runs
      .flatMap((c) => ['epoch', 'step'].map((per) => ({ ...c, per })))
      .filter((c) => c.per === 'epoch' || c.schedule !== 'ReduceLROnPlateau'),
  )('steps it to the same bits compiled, eager and batch by batch: $name per $per', async ({ per, ...c }) => {
    const compiled = without(await train(c, per));
    expect(without(await train(c, per, { compiled: false }))).toEqual(compiled);
    expect(without(await train(c, per, { onBatchEnd: () => {} }))).toEqual(compiled);
  });

  it('writes the rate of each epoch, and of its last step, into the history', async () => {
    const row: Row = { schedule: 'ExponentialLR', options: { gamma: 0.5 } };
    const perEpoch = await train(row, 'epoch');
    expect(perEpoch.history.epochs.map((r) => r.lr)).toEqual([0.01, 0.005, 0.0025, 0.00125]);
    const perStep = await train(row, 'step', { compiled: true });
    expect(perStep.history.epochs.map((r) => r.lr)).toEqual([6, 13, 20, 27].map((n) => 0.01 * 2 ** -n));
    expect(perStep.lr).toBe(0.01 * 2 ** -28);
  });

  it.each([true, false])(
    'is where the diverged step was, with the rate that it had (compiled: %s)',
    async (compiled) => {
      const { model, loader, loss } = regression(line(640));
      const optimizer = new optim.SGD(model.parameters(), { lr: 0.01 });
      const scheduler = new optim.LambdaLR(optimizer, { lrLambda: (n) => (n < 4 ? 1 : 1e38), per: 'step' });
      await expect(fit(model, loader, { loss, optimizer, scheduler, epochs: 2, compiled })).rejects.toThrow(
        'Training diverged in epoch 1, batch 6: loss is not finite (lr 1e+36)',
      );
      expect(scheduler.stateDict().count).toBe(5);
      expect(optimizer.lr).toBe(0.01 * 1e38);
    },
  );

  it('steps a plateau by the loss of the validation rows, or by what it monitors', async () => {
    const seen: number[] = [];
    const { model, loader, loss, optimizer } = classification();
    const scheduler = new optim.ReduceLROnPlateau(optimizer, { monitor: 'loss' });
    scheduler.step = (metric) => void seen.push(metric);
    const other = new optim.ReduceLROnPlateau(optimizer, { monitor: 'valloss' });
    const options = { loss, optimizer, epochs: 2, validation: loader };
    const history = await fit(model, loader, { ...options, scheduler });
    expect(seen).toEqual(history.epochs.map((r) => r.loss));
    await expect(fit(model, loader, { ...options, scheduler: other })).rejects.toThrow('looks at valloss');
  });
});

describe('a schedule', () => {
  const optimizer = () => new optim.SGD([parameter([1])], { lr: 0.1, momentum: 0.9 });
  const plain = () => new optim.Adagrad([parameter([1])]);
  const spoiled = (part: object) => {
    const schedule = new optim.ReduceLROnPlateau(optimizer());
    schedule.loadStateDict({ ...schedule.stateDict(), ...part });
  };

  it.each<[() => unknown, string]>([
    [() => new optim.StepLR(optimizer(), { stepSize: 0 }), 'stepSize is 0; it must be a whole number of at least 1.'],
    [() => new optim.StepLR(optimizer(), {} as never), 'stepSize is undefined; it must be a whole number'],
    [() => new optim.StepLR(optimizer(), { step_size: 1 } as never), 'StepLR has no option "step_size"; did you mean'],
    [() => new optim.StepLR(undefined as never, { stepSize: 1 }), 'StepLR got undefined for its optimizer'],
    [
      () => new optim.StepLR(optimizer(), { stepSize: 1, per: 'batch' as never }),
      `per is "batch"; it must be 'epoch' or 'step'.`,
    ],
    [() => new optim.MultiStepLR(optimizer(), { milestones: 3 as never }), 'milestones is 3;'],
    [() => new optim.SWALR(optimizer(), { swaLr: [1, 2] }), 'swaLr has 2 rates; the optimizer has 1 groups.'],
    [() => new optim.SWALR(optimizer(), { swaLr: -1 }), 'swaLr is -1;'],
    [() => new optim.SWALR(optimizer(), { swaLr: 1, annealEpochs: 0.5 }), 'annealEpochs is 0.5;'],
    [
      () => new optim.SWALR(optimizer(), { swaLr: 1, annealStrategy: 'sine' as never }),
      `annealStrategy is "sine"; it must be 'cos' or 'linear'.`,
    ],
    [() => new optim.LambdaLR(optimizer(), { lrLambda: () => Number.NaN }), 'lrLambda(0) is NaN;'],
    [() => new optim.OneCycleLR(optimizer(), { maxLr: 1 }), 'totalSteps (or epochs × stepsPerEpoch) is undefined;'],
    [() => new optim.OneCycleLR(plain(), { maxLr: 1, totalSteps: 5 }), 'neither momentum nor betas to cycle'],
    [() => new optim.ReduceLROnPlateau(optimizer(), { per: 'step' as never }), `per is "step"; it must be 'epoch'.`],
    [() => new optim.SequentialLR(optimizer(), { schedulers: [], milestones: [2] }), 'one milestone fewer'],
    [() => new optim.StepLR(optimizer(), { stepSize: 1 }).loadStateDict(undefined as never), 'count is undefined;'],
    [() => spoiled({ rates: ['fast'] }), 'Each of rates is "fast";'],
    [() => spoiled({ badSteps: -1 }), 'badSteps is -1;'],
  ])('says what is wrong: %s', (call, message) => {
    expect(call).toThrow(OptionError);
    expect(call).toThrow(message);
  });

  it('of averaging begins at the rate that it finds', () => {
    const own = optimizer();
    const [falling, averaging] = [
      new optim.StepLR(own, { stepSize: 1, gamma: 0.5 }),
      new optim.SWALR(own, { swaLr: 0.2, annealEpochs: 2, annealStrategy: 'linear' }),
    ];
    falling.step();
    falling.step();
    const found = [1, 2, 3].map(() => {
      averaging.step();
      return own.lr;
    });
    expectClose('rates', found, [(0.025 + 0.2) / 2, 0.2, 0.2], exact);
  });

  it.each([true, false])('of averaging does so step by step, after another one (compiled: %s)', async (compiled) => {
    const { model, loader, loss } = regression(line(128));
    const own = new optim.SGD(model.parameters(), { lr: 0.1 });
    const falling = new optim.ExponentialLR(own, { gamma: 0.5 });
    const averaging = new optim.SWALR(own, { swaLr: 0.01, annealEpochs: 2, annealStrategy: 'linear', per: 'step' });
    await fit(model, loader, { loss, optimizer: own, epochs: 2, scheduler: falling, compiled });
    const { epochs } = await fit(model, loader, { loss, optimizer: own, epochs: 2, scheduler: averaging, compiled });
    expectClose(
      'rates of the last steps',
      epochs.map(({ lr }) => lr),
      [(0.025 + 0.01) / 2, 0.01],
      exact,
    );
  });

  it('of another optimizer is refused by fit', async () => {
    const { model, loader, loss, optimizer: own } = regression();
    const scheduler = new optim.StepLR(optimizer(), { stepSize: 1 });
    await expect(fit(model, loader, { loss, optimizer: own, epochs: 1, scheduler })).rejects.toThrow(OptionError);
  });
});
