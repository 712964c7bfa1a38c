import { fit, type Tensor, tensor } from 'downhill';
import { DataLoader, TensorDataset } from 'downhill/data';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';
import { expect, it } from 'vitest';
import { parametersByName } from './golden/models.js';
import { expectClose, readGolden } from './golden/read.js';

interface Path {
  w: number[];
  b: number[];
}

interface Golden {
  epochs: number;
  batchSize: number;
  lr: number;
  x: number[];
  y: number[];
  w: number;
  b: number;
  orders: number[][];
  halfSquaredError: Path;
  squaredError: Path;
}

const golden = readGolden<Golden>('text');

type Loss = nn.MSELoss | ((output: Tensor, target: Tensor) => Tensor);

/** The gradient that numpy's program writes by hand is of half the mean squared error; PyTorch's loss has no half. */
const halfSquaredError = (output: Tensor, target: Tensor) => output.sub(target).square().mean().mul(0.5);

interface Descent {
  model: nn.Linear;
  optimizer: optim.SGD;
  loss: Loss;
  loader: DataLoader;
}

type Driver = (descent: Descent) => unknown;

function eagerEpoch({ model, optimizer, loss, loader }: Descent): void {
  for (const [x, t] of loader) {
    optimizer.zeroGrad();
    const output = model.forward(x);
    (typeof loss === 'function' ? loss(output, t) : loss.forward(output, t)).backward();
    optimizer.step();
  }
}

const fitEpoch: Driver = ({ model, optimizer, loss, loader }) => fit(model, loader, { loss, optimizer, epochs: 1 });

function loaderInOrder(order: number[]): DataLoader {
  const column = (values: number[]) =>
    tensor(
      Float32Array.from(order, (row) => values[row] ?? Number.NaN),
      { shape: [order.length, 1] },
    );
  return new DataLoader(new TensorDataset(column(golden.x), column(golden.y)), { batchSize: golden.batchSize });
}

function startingModel(): nn.Linear {
  const model = new nn.Linear(1, 1);
  model.loadStateDict({ weight: { shape: [1, 1], data: [golden.w] }, bias: { shape: [1], data: [golden.b] } });
  return model;
}

/** w and b after each epoch. */
async function descend(loss: Loss, driver: Driver): Promise<Path> {
  const model = startingModel();
  const optimizer = new optim.SGD(model.parameters(), { lr: golden.lr });
  const path: Path = { w: [], b: [] };
  for (const order of golden.orders) {
    await driver({ model, optimizer, loss, loader: loaderInOrder(order) });
    const { weight = [], bias = [] } = parametersByName(model);
    path.w.push(...weight);
    path.b.push(...bias);
  }
  return path;
}

const within = () => 1e-5;

it.each([
  {
    program: "numpy's program",
    by: 'the eager loop',
    loss: halfSquaredError,
    driver: eagerEpoch,
    path: golden.halfSquaredError,
  },
  { program: "numpy's program", by: 'fit', loss: halfSquaredError, driver: fitEpoch, path: golden.halfSquaredError },
  {
    program: "PyTorch's program",
    by: 'the eager loop',
    loss: new nn.MSELoss(),
    driver: eagerEpoch,
    path: golden.squaredError,
  },
  { program: "PyTorch's program", by: 'fit', loss: new nn.MSELoss(), driver: fitEpoch, path: golden.squaredError },
])('w and b of $program are reproduced after each of 20 epochs by $by', async ({ loss, driver, path }) => {
  const actual = await descend(loss, driver);
  expect(golden.orders).toHaveLength(golden.epochs);
  expectClose('w by epoch', actual.w, path.w, within);
  expectClose('b by epoch', actual.b, path.b, within);
});
