import { fit, manualSeed, randn, type Tensor, tensor } from 'downhill';
import { type Batch, DataLoader, TensorDataset } from 'downhill/data';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';
import { describe, expect, it } from 'vitest';
import { Kernel } from '../assembly/kernel';
import { emit, trace } from '../src/tensor/driver';
import { compile } from '../src/tensor/planner';

/** No multiple of 256, and so many that the batch is cut. */
const ROWS = 2300;
const INPUTS = 150;
const HIDDEN = 70;

interface Case {
  name: string;
  model?: () => nn.Module;
  x?: (rows: number) => Tensor;
  target?: (rows: number) => Tensor;
  loss?: nn.LossFunction;
  options?: object;
}

const wholeNumbers = (n: number, below: number) => tensor(Int32Array.from({ length: n }, (_, i) => (i * 7) % below));
const labels = (rows: number) => wholeNumbers(rows, 5);
const numbers = (columns: number) => (rows: number) => randn([rows, columns]);
const net = (outputs: number, ...between: nn.Module[]) =>
  new nn.Sequential(new nn.Linear(INPUTS, HIDDEN), ...between, new nn.Linear(HIDDEN, outputs));

/** Columns put together, a part of them taken, and a parameter stretched over the rows. */
class Mixed extends nn.Module {
  readonly inner = new nn.Linear(INPUTS, HIDDEN);
  readonly outer = new nn.Linear(HIDDEN + 20, 3);

  forward(x: Tensor): Tensor {
    const part = x.slice(10, 30, { axis: 1 }).square();
    return this.outer.forward(this.inner.forward(x).sin().concat([part], { axis: 1 }));
  }
}

class Words extends nn.Module {
  readonly embedding = new nn.Embedding(11, HIDDEN);
  readonly linear = new nn.Linear(8 * HIDDEN, 5);

  forward(x: Tensor): Tensor {
    return this.linear.forward(this.embedding.forward(x).reshape([-1, 8 * HIDDEN]));
  }
}

const squares = (o: Tensor, t: Tensor) => o.sub(t).square();

const CUT: Case[] = [
  { name: 'MSE', loss: new nn.MSELoss() },
  { name: 'an output of one column', model: () => net(1, new nn.ReLU()), target: numbers(1), loss: new nn.MSELoss() },
  { name: 'many outputs', model: () => net(40, new nn.Tanh()), target: numbers(40), loss: new nn.L1Loss() },
  { name: 'cross-entropy', model: () => net(5, new nn.ReLU()), target: labels, loss: new nn.CrossEntropyLoss() },
  {
    name: 'cross-entropy with weights and an ignored class',
    model: () => net(5, new nn.GELU()),
    target: labels,
    loss: new nn.CrossEntropyLoss({ weight: [1, 2, 0.5, 1, 3], ignoreIndex: 3, labelSmoothing: 0.1 }),
  },
  { name: 'BCE', target: (rows) => numbers(3)(rows).gt(0), loss: new nn.BCEWithLogitsLoss({ posWeight: [1, 2, 3] }) },
  { name: 'a Huber loss, summed', loss: new nn.HuberLoss({ reduction: 'sum' }), options: { clipGradNorm: 1 } },
  { name: 'a loss of its own', loss: (o, t) => squares(o, t).mean().mul(0.5) },
  { name: 'a loss by rows', loss: (o, t) => squares(o, t).sum({ axis: 1 }).add(1).log().mean() },
  { name: 'LayerNorm and SiLU', model: () => net(3, new nn.LayerNorm(HIDDEN), new nn.SiLU()), loss: new nn.MSELoss() },
  { name: 'Dropout', model: () => net(3, new nn.Dropout(0.3), new nn.ELU()), loss: new nn.MSELoss() },
  { name: 'softmax inside', model: () => net(3, new nn.Softmax()), loss: new nn.SmoothL1Loss() },
  { name: 'columns apart and together', model: () => new Mixed(), loss: new nn.MSELoss() },
  {
    name: 'an embedding',
    model: () => new Words(),
    x: (rows) => wholeNumbers(rows * 8, 11).reshape([rows, 8]),
    target: labels,
    loss: new nn.CrossEntropyLoss(),
  },
];

const WHOLE: Case[] = [
  { name: 'BatchNorm', model: () => net(3, new nn.BatchNorm1d(HIDDEN)), loss: new nn.MSELoss() },
  { name: 'the root of a mean', loss: (o, t) => squares(o, t).mean().sqrt() },
  { name: 'the largest loss', loss: (o, t) => squares(o, t).max() },
  { name: 'rows less their mean', loss: (o, t) => squares(o.sub(o.mean({ axis: 0, keepDims: true })), t).mean() },
];

interface Size {
  rows: number;
  batchSize: number;
}

function parts(
  { model = () => net(3, new nn.ReLU()), x = numbers(INPUTS), target = numbers(3) }: Case,
  { rows, batchSize }: Size,
) {
  manualSeed(5);
  const own = model();
  return { model: own, loader: new DataLoader(new TensorDataset(x(rows), target(rows)), { batchSize, shuffle: true }) };
}

async function run(c: Case, { batchSize, compiled }: { batchSize: number; compiled: boolean }) {
  const { model, loader } = parts(c, { rows: ROWS, batchSize });
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
  const loss = c.loss as nn.LossFunction;
  const { epochs } = await fit(model, loader, { loss, optimizer, epochs: 2, compiled, ...c.options });
  return { losses: epochs.map((row) => row.loss), values: model.parameters().map((p) => p.toTypedArray()) };
}

/** What a step of so many rows needs in memory beside what outlives it. */
function bytesOf(c: Case, rows: number): number {
  const { model, loader } = parts(c, { rows, batchSize: rows });
  const order = loader.newOrder();
  const { trace: traced } = trace(() => {
    const batch: Batch = loader.gather({ storage: order.storage, offset: 0 }, rows);
    const output = model.forward(...batch.slice(0, -1));
    const loss = c.loss as nn.LossFunction;
    const value =
      typeof loss === 'function' ? loss(output, batch.at(-1) as Tensor) : loss.forward(output, batch.at(-1) as Tensor);
    value.backward();
    for (const p of model.parameters()) emit(Kernel.copyWords, p.gradient as Tensor, p, p.size);
  });
  const program = compile(traced);
  program.release();
  return program.bytes;
}

/** How much more memory a batch of twice the rows takes. */
const growth = (c: Case) => bytesOf(c, 2 * ROWS) / bytesOf(c, ROWS);

describe('a large batch whose rows do not depend on each other is cut into blocks of rows', () => {
  it.each(CUT)('$name: with the bits of the eager loop', async (c) => {
    expect(await run(c, { batchSize: ROWS, compiled: true })).toEqual(
      await run(c, { batchSize: ROWS, compiled: false }),
    );
  });

  it.each(CUT)('$name: in memory that does not grow with the batch', (c) => {
    expect(growth(c)).toBeLessThan(1.2);
  });

  it('as is one whose rows are weighted', async () => {
    const sampleWeight = Array.from({ length: ROWS }, (_, i) => i % 4);
    const c: Case = { name: '', loss: new nn.MSELoss(), options: { sampleWeight } };
    expect(await run(c, { batchSize: ROWS, compiled: true })).toEqual(
      await run(c, { batchSize: ROWS, compiled: false }),
    );
  });

  it('as is a last batch that is not full', async () => {
    const c: Case = { name: '', loss: new nn.MSELoss() };
    expect(await run(c, { batchSize: 1300, compiled: true })).toEqual(
      await run(c, { batchSize: 1300, compiled: false }),
    );
  });
});

describe('a batch whose rows depend on each other runs whole', () => {
  it.each(WHOLE)('$name: with the bits of the eager loop', async (c) => {
    expect(await run(c, { batchSize: ROWS, compiled: true })).toEqual(
      await run(c, { batchSize: ROWS, compiled: false }),
    );
    expect(growth(c)).toBeGreaterThan(1.8);
  });
});
