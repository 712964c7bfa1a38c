import { DivergenceError, fit, parameter, type Tensor, tensor } from 'downhill';
import { DataLoader, TensorDataset } from 'downhill/data';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { numbers, pairs } from './support/numbers';
import { rowsOf, settled, stateOf, type Training } from './support/training';

function rows(count: number, columns: number, seed: number, value: (u: number) => number = (u) => u * 2 - 1): Tensor {
  const next = numbers(seed);
  return tensor(
    Float32Array.from({ length: count * columns }, () => value(next())),
    { shape: [count, columns] },
  );
}

async function train(training: Training, compiled: boolean): Promise<unknown> {
  const { model, loader, loss, optimizer } = training;
  const history = await fit(model, loader, { loss, optimizer, epochs: 2, compiled });
  return { history: rowsOf(history), state: stateOf(training) };
}

/** What it ends with, or where it diverges and what is left then. */
async function outcome(training: Training, compiled: boolean): Promise<unknown> {
  try {
    return await train(training, compiled);
  } catch (error) {
    if (!(error instanceof DivergenceError)) throw error;
    return { message: error.message, state: stateOf(training) };
  }
}

async function expectSameBits(make: () => Training, end = train): Promise<void> {
  const eager = await end(make(), false);
  expect(await end(make(), true)).toEqual(eager);
}

/** A linear model of one output, whose step is one record. */
interface Line {
  inputs: number;
  batchSize: number;
  loss: nn.MSELoss | nn.BCEWithLogitsLoss;
  bias?: boolean;
  extra?: number;
  descent?: Partial<optim.SGDOptions>;
}

function lineOf({ inputs, batchSize, loss, bias = true, extra = 3, descent = {} }: Line): Training {
  const count = batchSize + extra;
  const binary = loss instanceof nn.BCEWithLogitsLoss;
  const target = rows(count, 1, 2, (u) => (binary ? Math.round(u) : u * 4 - 2));
  const model = settled(new nn.Linear(inputs, 1, { bias }));
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.05, ...descent });
  const dataset = new TensorDataset(rows(count, inputs, 1), target);
  return { model, optimizer, loss, loader: new DataLoader(dataset, { batchSize, shuffle: true, seed: 5 }) };
}

/** Plain descent, which goes into the record, and what does not. */
const DESCENTS = [{}, { weightDecay: 0.25 }, { momentum: 0.9 }];
const INPUTS = [1, 2, 3, 4, 5, 8, 16, 17, 257];
const BATCHES = [1, 3, 4, 5, 256, 257, 515];

describe('a linear model of one output', () => {
  it.each(pairs(INPUTS, BATCHES))(
    'of %i inputs ends with the bits of the eager loop for batches of %i',
    async (inputs, batchSize) => {
      for (const descent of DESCENTS)
        await expectSameBits(() => lineOf({ inputs, batchSize, loss: new nn.MSELoss(), descent }));
    },
  );

  it.each(pairs([1, 3, 4, 5, 16, 17], [1, 5, 257]))(
    'of %i inputs does so under the logistic loss for batches of %i',
    async (inputs, batchSize) => {
      await expectSameBits(() => lineOf({ inputs, batchSize, loss: new nn.BCEWithLogitsLoss() }));
    },
  );

  it.each([1, 4, 5, 17])('of %i inputs does so without a bias, and for a sum of errors', async (inputs) => {
    for (const reduction of ['mean', 'sum'] as const) {
      const loss = new nn.MSELoss({ reduction });
      await expectSameBits(() => lineOf({ inputs, batchSize: 7, loss, bias: false }));
      await expectSameBits(() => lineOf({ inputs, batchSize: 7, loss, bias: true, extra: 0 }));
    }
  });

  it('does so where its output, its gradient or its batch is used elsewhere too', async () => {
    const losses: ((o: Tensor, t: Tensor) => Tensor)[] = [
      (o, t) => new nn.MSELoss().forward(o, t).add(o.square().mean().mul(0.1)),
      (o, t) => new nn.MSELoss().forward(o, t).mul(0.5),
      (o, t) => new nn.MSELoss().forward(o, t).add(new nn.MSELoss().forward(o, t.mul(2))),
      (o, t) => new nn.MSELoss().forward(o, t).add(t.mean()),
      (o, t) => new nn.MSELoss().forward(o, t.add(1)),
      (o, t) => new nn.MSELoss().forward(o.relu(), t),
      (o, t) => new nn.MSELoss().forward(o.mul(2), t),
    ];
    for (const loss of losses) {
      await expectSameBits(() => ({ ...lineOf({ inputs: 5, batchSize: 7, loss: new nn.MSELoss() }), loss }));
    }
  });

  it('does so where its input is the target, or its weight stays as it is', async () => {
    const autoencoder = (): Training => {
      const x = rows(20, 1, 1);
      const model = settled(new nn.Linear(1, 1));
      const loader = new DataLoader(new TensorDataset(x, x), { batchSize: 6, shuffle: true, seed: 1 });
      return { model, loader, loss: new nn.MSELoss(), optimizer: new optim.Adam(model.parameters()) };
    };
    const biasOnly = (): Training => {
      const training = lineOf({ inputs: 3, batchSize: 6, loss: new nn.MSELoss() });
      (training.model as nn.Linear).weight.requiresGrad = false;
      return { ...training, optimizer: new optim.Adam(training.model.parameters()) };
    };
    for (const make of [autoencoder, biasOnly]) await expectSameBits(make);
  });
});

const ACTIVATIONS = [nn.ReLU, nn.Tanh, nn.GELU] as const;

describe('layers with activations', () => {
  it.each(pairs([1, 3, 4, 5, 7, 8, 9, 12, 13, 16, 17, 33, 65, 130], [1, 2, 3, 65, 257]))(
    'of %i units end with the bits of the eager loop for batches of %i',
    async (units, batchSize) => {
      const Other = ACTIVATIONS[(units + batchSize) % ACTIVATIONS.length] as typeof nn.ReLU;
      await expectSameBits(() => {
        const layers = [
          new nn.Linear(6, units),
          new nn.ReLU(),
          new nn.Linear(units, units),
          new Other(),
          new nn.Linear(units, 2),
        ];
        const model = settled(new nn.Sequential(...layers));
        const dataset = new TensorDataset(rows(batchSize + 1, 6, 1), rows(batchSize + 1, 2, 2));
        const loader = new DataLoader(dataset, { batchSize });
        return { model, loader, loss: new nn.MSELoss(), optimizer: new optim.SGD(model.parameters(), { lr: 0.05 }) };
      });
    },
  );

  it('does so where a layer is so wide and deep that its columns are packed', async () => {
    await expectSameBits(() => {
      const model = settled(new nn.Sequential(new nn.Linear(300, 270), new nn.ReLU(), new nn.Linear(270, 9)));
      const dataset = new TensorDataset(rows(530, 300, 1), rows(530, 9, 2));
      const loader = new DataLoader(dataset, { batchSize: 300 });
      return { model, loader, loss: new nn.MSELoss(), optimizer: new optim.SGD(model.parameters(), { lr: 0.05 }) };
    });
  });
});

/** One operation of a graph drawn at random: what it does to two earlier results of shape [rows, width]. */
type Op = { kind: keyof typeof OPS; a: number; b: number; w: number };

const WIDTH = 5;

const OPS = {
  linear: (a: Tensor, _: Tensor, w: Tensor) => a.matmul(w),
  relu: (a: Tensor) => a.relu(),
  reluOfLinear: (a: Tensor, _: Tensor, w: Tensor) => a.matmul(w).relu(),
  transposed: (a: Tensor, _: Tensor, w: Tensor) => a.matmul(w.transpose()),
  tanh: (a: Tensor) => a.tanh(),
  add: (a: Tensor, b: Tensor) => a.add(b),
  sub: (a: Tensor, b: Tensor) => a.sub(b),
  mul: (a: Tensor, b: Tensor) => a.mul(b),
  maximum: (a: Tensor, b: Tensor) => a.maximum(b),
  detach: (a: Tensor, b: Tensor) => a.add(b.detach()),
  centre: (a: Tensor) => a.sub(a.mean({ axis: 0, keepDims: true })),
  softmax: (a: Tensor) => a.softmax(),
  halves: (a: Tensor, b: Tensor) => a.slice(0, 2, { axis: 1 }).concat(b.slice(2, WIDTH, { axis: 1 }), { axis: 1 }),
  turned: (a: Tensor) => a.transpose().reshape([-1]).reshape([WIDTH, -1]).transpose(),
  where: (a: Tensor, b: Tensor) => a.gt(0).where(a, b),
  weights: (a: Tensor, _: Tensor, w: Tensor) => a.add(w.sum({ axis: 0 })),
} as const;

class Graph extends nn.Module {
  readonly w0 = parameter(rows(WIDTH, WIDTH, 11));
  readonly w1 = parameter(rows(WIDTH, WIDTH, 12));
  readonly frozen = parameter(rows(WIDTH, WIDTH, 13));
  constructor(private readonly ops: readonly Op[]) {
    super();
  }
  forward(x: Tensor): Tensor {
    const made: Tensor[] = [x, x.matmul(this.w0)];
    const weights = [this.w0, this.w1, this.frozen];
    for (const { kind, a, b, w } of this.ops) {
      const pick = (i: number) => made[made.length - 1 - (i % made.length)] as Tensor;
      made.push(OPS[kind](pick(a), pick(b), weights[w % weights.length] as Tensor));
    }
    return (made.at(-1) as Tensor).add((made[1] as Tensor).mul(0.1));
  }
}

const op = fc.record({
  kind: fc.constantFrom(...(Object.keys(OPS) as (keyof typeof OPS)[])),
  a: fc.nat(3),
  b: fc.nat(5),
  w: fc.nat(2),
});

describe('graphs drawn at random', () => {
  it('end with the same bits compiled and eager, whatever is used twice, looked at through views or left alone', async () => {
    const property = fc.asyncProperty(
      fc.array(op, { maxLength: 14 }),
      fc.constantFrom(1, 3, 4, 6),
      async (ops, batchSize) => {
        await expectSameBits(() => {
          const model = new Graph(ops);
          const loader = new DataLoader(new TensorDataset(rows(7, WIDTH, 1), rows(7, WIDTH, 2)), {
            batchSize,
            shuffle: true,
            seed: 3,
          });
          const optimizer = new optim.SGD([model.w0, model.w1], { lr: 0.01, momentum: 0.5 });
          return { model, loader, optimizer, loss: new nn.MSELoss() };
        }, outcome);
      },
    );
    const grows: Op = { kind: 'mul', a: 0, b: 0, w: 0 };
    const diverges: Op[] = [{ ...grows, kind: 'linear' }, grows, { ...grows, kind: 'add' }, grows];
    await fc.assert(property, { numRuns: 150, examples: [[diverges, 1]] });
  });
});
