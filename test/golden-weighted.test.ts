import { type FitOptions, fit } from 'downhill';
import { DataLoader, TensorDataset } from 'downhill/data';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';
import { describe, expect, it } from 'vitest';
import { bitsOf } from './golden/bits.js';
import { buildModel, parametersByName } from './golden/models.js';
import { constant, expectClose, labels, readGolden, type Stated } from './golden/read.js';

interface Case {
  loss: keyof typeof LOSSES;
  lossOptions: object;
  lr: number;
  target: string;
  options: Pick<FitOptions, 'sampleWeight' | 'classWeight' | 'accumulate'>;
  epochLosses: number[];
  final: Record<string, number[]>;
}

interface Golden {
  batchSize: number;
  epochs: number;
  data: Record<string, Stated>;
  state: Record<string, Stated>;
  cases: Case[];
}

const LOSSES = {
  MSELoss: nn.MSELoss,
  L1Loss: nn.L1Loss,
  HuberLoss: nn.HuberLoss,
  SmoothL1Loss: nn.SmoothL1Loss,
  PoissonNLLLoss: nn.PoissonNLLLoss,
  KLDivLoss: nn.KLDivLoss,
  BCEWithLogitsLoss: nn.BCEWithLogitsLoss,
  CrossEntropyLoss: nn.CrossEntropyLoss,
  NLLLoss: nn.NLLLoss,
};

const golden = readGolden<Golden>('weighted');
const LAYERS = [
  { module: 'Linear', sizes: [5, 7] as [number, number], options: {} },
  { module: 'Tanh', options: {} },
  { module: 'Linear', sizes: [7, 3] as [number, number], options: {} },
];

/** The case trained by one driver: losses by epoch, and the model. */
async function train(c: Case, compiled: boolean): Promise<{ losses: number[]; model: nn.Module }> {
  const stated = golden.data[c.target] as Stated;
  const rows = new TensorDataset(
    constant(golden.data.x as Stated),
    c.target === 'labels' ? labels(stated) : constant(stated),
  );
  const model = buildModel(LAYERS, golden.state);
  const history = await fit(model, new DataLoader(rows, { batchSize: golden.batchSize }), {
    loss: new LOSSES[c.loss](c.lossOptions),
    optimizer: new optim.SGD(model.parameters(), { lr: c.lr }),
    epochs: golden.epochs,
    ...c.options,
    compiled,
  });
  return { losses: history.epochs.map((row) => row.loss), model };
}

const cases = golden.cases.map((c) => ({ ...c, name: `${c.loss} ${JSON.stringify([c.lossOptions, c.options])}` }));

describe('weighted rows and logical batches', () => {
  it.each(cases)("end where PyTorch's do, with the same bits in both drivers: $name", async (c) => {
    const [compiled, eager] = [await train(c, true), await train(c, false)];
    expectClose('losses by epoch', compiled.losses, c.epochLosses);
    const final = parametersByName(compiled.model);
    for (const [name, values] of Object.entries(c.final)) expectClose(name, final[name] ?? [], values);
    expect(eager.losses).toStrictEqual(compiled.losses);
    expect(bitsOf(eager.model.stateDict())).toStrictEqual(bitsOf(compiled.model.stateDict()));
  });
});
