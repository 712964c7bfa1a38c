import { fit, OptionError } from 'downhill';
import { DataLoader, TensorDataset } from 'downhill/data';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';
import { describe, expect, it } from 'vitest';
import { bitsOf } from './golden/bits.js';
import { buildModel, type Layer, parametersByName } from './golden/models.js';
import { constant, expectClose, readGolden, type Stated } from './golden/read.js';

interface Golden {
  rows: number;
  batchSize: number;
  epochs: number;
  data: Record<string, Stated>;
  networks: Record<string, Network>;
  optimizers: Record<string, { optimizer: keyof typeof OPTIMIZERS; options: object; second?: object }>;
  cases: Case[];
}

interface Network {
  layers: Layer[];
  state: Record<string, Stated>;
  loss: keyof typeof LOSSES;
  target: string;
}

interface Case {
  network: string;
  optimizer: string;
  clipGradValue?: number;
  /** The highest rate, where a OneCycleLR sets it and the momentum. */
  maxLr?: number;
  epochLosses: number[];
  final: Record<string, number[]>;
}

const LOSSES = { MSELoss: nn.MSELoss, BCEWithLogitsLoss: nn.BCEWithLogitsLoss };

const OPTIMIZERS = {
  SGD: optim.SGD,
  Adam: optim.Adam,
  AdamW: optim.AdamW,
  RMSprop: optim.RMSprop,
  Adagrad: optim.Adagrad,
  Adadelta: optim.Adadelta,
  Adamax: optim.Adamax,
  NAdam: optim.NAdam,
  RAdam: optim.RAdam,
  Lion: optim.Lion,
};

const golden = readGolden<Golden>('optimizers');

/** The optimizer of a case; its second half of the parameters may have options of its own. */
function optimizerOf(name: string, model: nn.Module): optim.Optimizer {
  const { optimizer, options, second } = golden.optimizers[name] as Golden['optimizers'][string];
  const params = model.parameters();
  const half = params.length / 2;
  const groups = second ? [{ params: params.slice(0, half) }, { params: params.slice(half), ...second }] : params;
  return new OPTIMIZERS[optimizer](groups, options) as optim.Optimizer;
}

function setUp(c: Case) {
  const { layers, state, loss, target } = golden.networks[c.network] as Network;
  const model = buildModel(layers, state);
  const rows = new TensorDataset(constant(golden.data.x as Stated), constant(golden.data[target] as Stated));
  const loader = new DataLoader(rows, { batchSize: golden.batchSize });
  const optimizer = optimizerOf(c.optimizer, model);
  const { clipGradValue: clip, maxLr } = c;
  const totalSteps = golden.epochs * loader.length;
  const scheduler = maxLr === undefined ? undefined : new optim.OneCycleLR(optimizer, { maxLr, totalSteps });
  return { model, loss: new LOSSES[loss](), optimizer, loader, clip, scheduler };
}

type Training = ReturnType<typeof setUp>;

async function train(
  { model, loader, loss, optimizer, clip, scheduler }: Training,
  compiled = true,
  epochs = golden.epochs,
) {
  const more = { ...(clip !== undefined && { clipGradValue: clip }), ...(scheduler && { scheduler }) };
  const { epochs: rows } = await fit(model, loader, { loss, optimizer, epochs, compiled, ...more });
  return rows.map((row) => row.loss);
}

const stateOf = ({ model, optimizer }: Training) =>
  bitsOf({ model: model.stateDict(), optimizer: optimizer.stateDict() });

const cases = golden.cases.map((c) => ({
  ...c,
  name: `${c.optimizer} on ${c.network}${c.clipGradValue ? `, clipped at ${c.clipGradValue}` : ''}${c.maxLr ? `, cycled up to ${c.maxLr}` : ''}`,
}));

describe('32 steps', () => {
  it.each(cases)("end where PyTorch's do, or the paper's: $name", async (c) => {
    const training = setUp(c);
    expectClose('losses by epoch', await train(training), c.epochLosses);
    const actual = parametersByName(training.model);
    expect(Object.keys(actual)).toEqual(Object.keys(c.final));
    for (const [name, values] of Object.entries(c.final)) expectClose(name, actual[name] ?? [], values);
  });

  it.each(cases)('have the same bits in the eager loop and in fit: $name', async (c) => {
    const [eager, compiled] = [setUp(c), setUp(c)];
    expect(await train(compiled)).toStrictEqual(await train(eager, false));
    expect(stateOf(compiled)).toStrictEqual(stateOf(eager));
  });

  it.each(cases)('go on to the same bits from a saved state: $name', async (c) => {
    const [whole, first, second] = [setUp(c), setUp(c), setUp(c)];
    await train(whole);
    await train(first, true, 3);
    second.model.loadStateDict(first.model.stateDict());
    second.optimizer.loadStateDict(first.optimizer.stateDict());
    if (first.scheduler) second.scheduler?.loadStateDict(first.scheduler.stateDict());
    await train(second, false, golden.epochs - 3);
    expect(stateOf(second)).toStrictEqual(stateOf(whole));
  });

  it.each(Object.keys(OPTIMIZERS))('are there for %s, with its defaults, options and groups', (name) => {
    const rows = Object.values(golden.optimizers).filter((row) => row.optimizer === name);
    expect(rows.some((row) => row.second)).toBe(true);
    if (!['SGD', 'Adam'].includes(name)) expect(rows.some((row) => Object.keys(row.options).length === 0)).toBe(true);
  });
});

describe('an optimizer', () => {
  const names = Object.keys(OPTIMIZERS) as (keyof typeof OPTIMIZERS)[];

  it.each(names)('names its unknown and bad options: %s', (name) => {
    const make = (options: object) => () => new OPTIMIZERS[name](new nn.Linear(1, 1).parameters(), options);
    expect(make({ weight_decay: 0.1 })).toThrow(`${name} has no option "weight_decay"; did you mean "weightDecay"?`);
    expect(make({ lr: -1 })).toThrow('lr is -1; it must be a finite number of at least 0.');
    expect(make({ weightDecay: 'x' })).toThrow('weightDecay is "x"; it must be a finite number of at least 0.');
  });

  it.each([
    [
      () => new optim.RMSprop(new nn.Linear(1, 1).parameters(), { alpha: 1.5 }),
      'alpha is 1.5; it must be from 0 to 1.',
    ],
    [() => new optim.Adadelta(new nn.Linear(1, 1).parameters(), { rho: -1 }), 'rho is -1; it must be from 0 to 1.'],
    [
      () => new optim.Lion(new nn.Linear(1, 1).parameters(), { betas: [0.9, 1] }),
      'Each of betas is 1; it must be at least 0 and less than 1.',
    ],
    [
      () => new optim.Adam(new nn.Linear(1, 1).parameters(), { amsgrad: 1 as never }),
      'amsgrad is 1; it must be true or false.',
    ],
  ])('says what is out of range: %s', (make, message) => {
    expect(make).toThrow(new OptionError(message));
  });

  it('does not load the state of one that remembers less', () => {
    const parameters = new nn.Linear(1, 1).parameters();
    for (const p of parameters) p.sum().backward();
    const plain = new optim.Adam(parameters);
    plain.step();
    const { state } = plain.stateDict();
    const other = new optim.Adam(parameters, { amsgrad: true });
    expect(() => other.loadStateDict({ ...other.stateDict(), state })).toThrow(
      'loadStateDict got no maxExpAvgSq for parameter 0;',
    );
  });
});
