import { fit, manualSeed, type Tensor } from 'downhill';
import { DataLoader, TensorDataset } from 'downhill/data';
import * as nn from 'downhill/nn';
import { SGD } from 'downhill/optim';
import { describe, expect, it } from 'vitest';
import { bitsOf } from './golden/bits.js';
import { constant, expectClose, gradientOf, labels, readGolden, type Stated, variable } from './golden/read.js';

type Numbers = Record<string, number | boolean | number[]>;

interface LossCase {
  name: string;
  loss: keyof typeof LOSSES;
  reduction: 'mean' | 'sum' | 'none' | 'batchmean';
  options?: Numbers;
  /** What the loss, or each of them, is multiplied by before the backward pass. */
  scale: number | Stated;
  output: Stated;
  target: Stated;
  value: number | number[];
  gradient: number[];
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
const OF_CLASSES = ['CrossEntropyLoss', 'NLLLoss'];

const { cases } = readGolden<{ cases: LossCase[] }>('losses');

const takesLabels = (c: LossCase) => OF_CLASSES.includes(c.loss) && c.target.shape.length === 1;

const targetOf = (c: LossCase) => (takesLabels(c) ? labels(c.target) : constant(c.target));

function lossOf(c: LossCase, output: Tensor, target?: Tensor): Tensor {
  const make = LOSSES[c.loss] as new (options: object) => nn.Loss<string>;
  const t = target ?? targetOf(c);
  const value = new make({ reduction: c.reduction, ...c.options }).forward(output, t);
  if (c.scale === 1) return value;
  return value.mul(typeof c.scale === 'number' ? c.scale : constant(c.scale));
}

it.each(cases)("the value and the gradient of a loss are PyTorch's: $name", (c) => {
  const output = variable(c.output);
  const loss = lossOf(c, output);
  const each = OF_CLASSES.includes(c.loss) ? c.output.shape.slice(0, 1) : c.output.shape;
  expect([...loss.shape]).toEqual(c.reduction === 'none' ? each : []);
  expectClose('value', loss.toTypedArray(), [c.value].flat());
  loss.sum().backward();
  const gradient = gradientOf('the output', output);
  expect([...gradient.shape]).toEqual(c.output.shape);
  expectClose('gradient', gradient.toTypedArray(), c.gradient);
});

describe('a trained model ends with the same bits in both drivers', () => {
  const trained = cases.filter((c) => c.reduction !== 'none' && c.output.shape.length > 1);

  async function train(c: LossCase, compiled: boolean): Promise<unknown> {
    manualSeed(5);
    const x = constant(c.output);
    const columns = c.output.shape.at(-1) as number;
    const model = new nn.Linear(columns, columns);
    const optimizer = new SGD(model.parameters(), { lr: 0.01 });
    const loader = new DataLoader(new TensorDataset(x, targetOf(c)), { batchSize: 5, shuffle: true });
    const positive = c.options?.logInput === false;
    const loss = (o: Tensor, t: Tensor) => lossOf({ ...c, scale: 1 }, positive ? o.square().add(0.5) : o, t);
    const history = await fit(model, loader, { loss, optimizer, epochs: 2, compiled });
    return bitsOf({ losses: history.epochs.map((row) => row.loss), state: model.stateDict() });
  }

  it.each(trained)('$name', async (c) => {
    expect(await train(c, true)).toEqual(await train(c, false));
  });
});
