import { fit } from 'downhill';
import { DataLoader, TensorDataset } from 'downhill/data';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';
import { describe, expect, it } from 'vitest';
import { bitsOf } from './golden/bits.js';
import { buildModel, type Layer, parametersByName } from './golden/models.js';
import { constant, expectClose, labels, readGolden, type Stated } from './golden/read.js';

interface Golden {
  rows: number;
  batchSize: number;
  epochs: number;
  data: Record<string, Stated>;
  states: Record<string, Record<string, Stated>>;
  networks: Record<string, { layers: Layer[]; state: string }>;
  losses: Record<string, { loss: keyof typeof LOSSES; reduction: 'mean' | 'sum' }>;
  optimizers: Record<string, { optimizer: keyof typeof OPTIMIZERS; options: OptimizerOptions }>;
  cases: Case[];
}

interface OptimizerOptions {
  momentum?: number;
  dampening?: number;
  nesterov?: boolean;
  weightDecay?: number;
  betas?: [number, number];
  eps?: number;
}

interface Case {
  network: string;
  loss: string;
  optimizer: string;
  lr: number;
  clipGradNorm?: number;
  target: string;
  /** The row-weighted mean of the batches' losses, by epoch. */
  epochLosses: number[];
  lastLoss: number;
  final: Record<string, number[]>;
}

const LOSSES = {
  MSELoss: nn.MSELoss,
  BCEWithLogitsLoss: nn.BCEWithLogitsLoss,
  CrossEntropyLoss: nn.CrossEntropyLoss,
};

type WithRate = OptimizerOptions & { lr: number };

const OPTIMIZERS = {
  SGD: (model: nn.Module, options: WithRate) => new optim.SGD(model.parameters(), options),
  Adam: (model: nn.Module, options: WithRate) => new optim.Adam(model.parameters(), options),
};

const golden = readGolden<Golden>('trajectories');

function named<T>(table: Record<string, T>, name: string): T {
  const value = table[name];
  if (value === undefined) throw new Error(`trajectories.json has no entry ${name}.`);
  return value;
}

function setUp(c: Case) {
  const { layers, state } = named(golden.networks, c.network);
  const { loss, reduction } = named(golden.losses, c.loss);
  const { optimizer, options } = named(golden.optimizers, c.optimizer);
  const model = buildModel(layers, named(golden.states, state));
  const target = named(golden.data, c.target);
  const rows = new TensorDataset(
    constant(named(golden.data, 'x')),
    c.target === 'labels' ? labels(target) : constant(target),
  );
  return {
    model,
    criterion: new LOSSES[loss]({ reduction }),
    optimizer: OPTIMIZERS[optimizer](model, { lr: c.lr, ...options }),
    loader: new DataLoader(rows, { batchSize: golden.batchSize }),
  };
}

type Training = ReturnType<typeof setUp>;

/** The loop of the documentation. Returns the losses of every epoch's batches. */
function trainEagerly({ model, criterion, optimizer, loader }: Training, clipGradNorm?: number): number[][] {
  const losses: number[][] = [];
  for (let epoch = 0; epoch < golden.epochs; epoch++) {
    const batches: number[] = [];
    for (const [x, t] of loader) {
      optimizer.zeroGrad();
      const loss = criterion.forward(model.forward(x), t);
      loss.backward();
      if (clipGradNorm !== undefined) optim.clipGradNorm(model.parameters(), clipGradNorm);
      optimizer.step();
      batches.push(loss.item());
    }
    losses.push(batches);
  }
  return losses;
}

/** Returns the loss of every epoch. */
async function trainByFit({ model, criterion, optimizer, loader }: Training, clipGradNorm?: number): Promise<number[]> {
  const clip = clipGradNorm === undefined ? {} : { clipGradNorm };
  const history = await fit(model, loader, { loss: criterion, optimizer, epochs: golden.epochs, ...clip });
  return history.epochs.map((row) => row.loss);
}

/** Exact in float64 until the division, so that it has the same bits in whatever order it is summed. */
function meanByRows(batches: number[]): number {
  const rowsOf = (batch: number) => Math.min(golden.batchSize, golden.rows - batch * golden.batchSize);
  return batches.reduce((sum, loss, batch) => sum + loss * rowsOf(batch), 0) / golden.rows;
}

function expectParameters(model: nn.Module, final: Record<string, number[]>): void {
  const actual = parametersByName(model);
  expect(Object.keys(actual)).toEqual(Object.keys(final));
  for (const [name, values] of Object.entries(final)) expectClose(name, actual[name] ?? [], values);
}

const cases = golden.cases.map((c) => ({
  ...c,
  name: `${c.network} under ${c.loss} by ${c.optimizer}${c.clipGradNorm ? `, norm at most ${c.clipGradNorm}` : ''}`,
}));

describe('32 steps', () => {
  it.each(cases)("of the eager loop end where PyTorch's do: $name", (c) => {
    const training = setUp(c);
    const losses = trainEagerly(training, c.clipGradNorm);
    expectClose('losses by epoch', losses.map(meanByRows), c.epochLosses);
    expectClose('last loss', losses.flat().slice(-1), [c.lastLoss]);
    expectParameters(training.model, c.final);
  });

  it.each(cases)("of fit end where PyTorch's do: $name", async (c) => {
    const training = setUp(c);
    const losses = await trainByFit(training, c.clipGradNorm);
    expectClose('losses by epoch', losses, c.epochLosses);
    expectParameters(training.model, c.final);
  });

  it.each(cases)('have the same bits in the eager loop and in fit: $name', async (c) => {
    const [eager, compiled] = [setUp(c), setUp(c)];
    const eagerLosses = trainEagerly(eager, c.clipGradNorm).map(meanByRows);
    const losses = await trainByFit(compiled, c.clipGradNorm);
    expect(bitsOf(compiled.model.stateDict())).toStrictEqual(bitsOf(eager.model.stateDict()));
    expect(bitsOf(compiled.optimizer.stateDict())).toStrictEqual(bitsOf(eager.optimizer.stateDict()));
    expect(losses).toStrictEqual(eagerLosses);
  });
});
