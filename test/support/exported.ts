import {
  LinearRegression,
  LogisticRegression,
  MLPClassifier,
  MLPRegressor,
  manualSeed,
  ones,
  parameter,
  randn,
  type Tensor,
  tensor,
  zeros,
} from 'downhill';
import * as nn from 'downhill/nn';

const ROWS = 7;

/** A module, and rows for it. */
export interface ModelCase {
  name: string;
  model: nn.Module;
  x: Tensor;
}

/** Indices below 10. */
const indices = (shape: number[]) => {
  const size = shape.reduce((n, d) => n * d, 1);
  return tensor(
    Int32Array.from({ length: size }, (_, i) => (i * 7 + 3) % 10),
    { shape },
  );
};

/** Everything elementwise, and numbers that are parameters. */
class Formula extends nn.Module {
  power = parameter([0.5, 2, 3]);
  one = parameter([2]);
  forward(x: Tensor): Tensor {
    const a = x.square().add(1).log().sin().mul(x.cos()).sub(x.exp().clamp(0.1, 2));
    const b = x.abs().sqrt().add(0.1).pow(this.power).maximum(x.neg()).minimum(2);
    return a
      .gt(0)
      .where(b, a)
      .div(this.one)
      .add(x.lt(0).mul(x.eq(x)));
  }
}

/** What moves elements, chooses and reduces. */
class Moves extends nn.Module {
  factor = parameter([[1, 2, 3]]);
  forward(x: Tensor): Tensor {
    const parts = x.slice(0, 2, { axis: 1 }).concat(x.slice(-1, undefined, { axis: 1 }), { axis: 1 });
    const turned = x.gather([5, 0, 3], { axis: 1 }).stack(parts, { axis: 1 }).transpose(1, 2);
    const sums = turned.sum({ axis: 1 }).concat(turned.max({ axis: 2 }), { axis: 1 });
    const best = x
      .argMax({ axis: 1, keepDims: true })
      .to('float32')
      .add(x.min({ axis: 1, keepDims: true }));
    return sums.concat([best, best.mul(this.factor)], { axis: 1 }).mul(parts.mean({ axis: 1, keepDims: true }));
  }
}

/** A product of a row with itself, and rows of a table that the row chooses. */
class Attention extends nn.Module {
  query = new nn.Linear(4, 4);
  mix = parameter([[0.5, -1, 2]]);
  table = parameter(
    Array.from({ length: 9 }, (_, i) => [i, i * i]),
    { shape: [9, 2] },
  );
  forward(x: Tensor): Tensor {
    const weights = this.query.forward(x).matmul(x.transpose()).softmax();
    const likeliest = weights.argMax({ axis: 2 });
    const chosen = this.table.gather(likeliest.reshape([-1])).reshape([-1, 3, 2]);
    const mixed = this.mix.matmul(x).concat(x.slice(0, 2, { axis: 1 }), { axis: 1 });
    return weights.matmul(mixed).concat(chosen, { axis: 2 });
  }
}

/** Columns that are the same for all rows, and a step that the rows do not change. */
class Padded extends nn.Module {
  inner = new nn.Linear(6, 2);
  forward(x: Tensor): Tensor {
    const rows = x.shape[0] as number;
    return zeros([rows, 1]).concat(
      [this.inner.forward(x.mul(ones([6]).add(this.inner.weight.mean()))), ones([rows, 1])],
      {
        axis: 1,
      },
    );
  }
}

/** A module with parameters that are not what they began as. */
function stirred(model: nn.Module, x: Tensor): nn.Module {
  for (const p of model.parameters()) p.assign(p.add(randn(p.shape).mul(0.3)));
  if (model.modules().some((m) => m instanceof nn.BatchNorm1d)) for (let i = 0; i < 5; i++) model.forward(x.mul(i));
  return model;
}

const MODELS: [name: string, make: () => nn.Module, x: () => Tensor][] = [
  ['Linear', () => new nn.Linear(6, 3), () => randn([ROWS, 6])],
  ['Linear of one output', () => new nn.Linear(6, 1), () => randn([ROWS, 6])],
  ['Linear without a bias', () => new nn.Linear(6, 11, { bias: false }), () => randn([ROWS, 6])],
  ['Linear on rows of rows', () => new nn.Linear(6, 3), () => randn([ROWS, 2, 6])],
  ['ReLU', () => new nn.ReLU(), () => randn([ROWS, 6])],
  ['LeakyReLU', () => new nn.LeakyReLU({ negativeSlope: 0.3 }), () => randn([ROWS, 6])],
  ['ELU', () => new nn.ELU({ alpha: 0.7 }), () => randn([ROWS, 6])],
  ['SiLU', () => new nn.SiLU(), () => randn([ROWS, 6]).mul(9)],
  ['GELU', () => new nn.GELU(), () => randn([ROWS, 6]).mul(3)],
  ['Softplus', () => new nn.Softplus({ beta: 2, threshold: 3 }), () => randn([ROWS, 6]).mul(3)],
  ['Tanh', () => new nn.Tanh(), () => randn([ROWS, 6])],
  ['Sigmoid', () => new nn.Sigmoid(), () => randn([ROWS, 6]).mul(9)],
  ['Softmax', () => new nn.Softmax(), () => randn([ROWS, 6]).mul(9)],
  ['Softmax along another axis', () => new nn.Softmax({ axis: 1 }), () => randn([ROWS, 3, 4])],
  ['LogSoftmax', () => new nn.LogSoftmax(), () => randn([ROWS, 6]).mul(9)],
  ['Dropout', () => new nn.Dropout(0.5), () => randn([ROWS, 6])],
  ['LayerNorm', () => new nn.LayerNorm(6), () => randn([ROWS, 6])],
  ['LayerNorm on rows of rows', () => new nn.LayerNorm(6), () => randn([ROWS, 2, 6])],
  ['BatchNorm1d', () => new nn.BatchNorm1d(6), () => randn([ROWS, 6])],
  ['BatchNorm1d on sequences', () => new nn.BatchNorm1d(3), () => randn([ROWS, 3, 4])],
  ['Embedding of an index', () => new nn.Embedding(10, 3), () => indices([ROWS])],
  ['Embedding of several, with padding', () => new nn.Embedding(10, 3, { paddingIdx: 3 }), () => indices([ROWS, 4])],
  ['Flatten', () => new nn.Flatten(), () => randn([ROWS, 2, 3])],
  [
    'Embedding, Flatten and Linear in a Sequential',
    () => new nn.Sequential(new nn.Embedding(10, 3), new nn.Flatten(), new nn.Linear(12, 2), new nn.Tanh()),
    () => indices([ROWS, 4]),
  ],
  [
    'a wide network',
    () =>
      new nn.Sequential(
        new nn.Linear(300, 40),
        new nn.BatchNorm1d(40),
        new nn.ReLU(),
        new nn.Dropout(0.2),
        new nn.Linear(40, 20),
        new nn.LayerNorm(20),
        new nn.GELU(),
        new nn.Linear(20, 10),
        new nn.LogSoftmax(),
      ),
    () => randn([ROWS, 300]),
  ],
  ['a formula of its own', () => new Formula(), () => randn([ROWS, 3])],
  ['moves of its own', () => new Moves(), () => randn([ROWS, 6])],
  ['attention of its own', () => new Attention(), () => randn([ROWS, 3, 4])],
  ['columns of its own', () => new Padded(), () => randn([ROWS, 6])],
];

/** What is exported: each module and modules of one's own, in train mode, as training leaves them. */
export function modelCases(): ModelCase[] {
  manualSeed(7);
  return MODELS.map(([name, make, rows]) => {
    const x = rows();
    return { name, model: stirred(make(), x), x };
  });
}

/** Rows far from 0 that are float32, and what follows from them. */
function table() {
  manualSeed(8);
  const noise = randn([60, 3]);
  const X = noise.mul(tensor([2, 30, 0.5])).add(tensor([2000, -5, 0]));
  const rows = X.toArray() as number[][];
  const numbers = (noise.toArray() as [number, number, number][]).map(([a, b, c]) => 3 * a - b + c * c + 500);
  return { rows, numbers, sign: (n: number) => n > 500.5 };
}

const { rows, numbers, sign } = table();

/** Estimators that are to be fitted on the same rows. */
export const REGRESSORS = [
  { name: 'LinearRegression', make: () => new LinearRegression(), y: numbers },
  { name: 'LinearRegression of two outputs', make: () => new LinearRegression(), y: numbers.map((n) => [n, -n / 9]) },
  {
    name: 'LinearRegression through 0, not scaled',
    make: () => new LinearRegression({ fitIntercept: false, scale: false, maxIter: 20 }),
    y: numbers,
  },
  {
    name: 'MLPRegressor',
    make: () => new MLPRegressor({ hiddenLayerSizes: [9, 5], activation: 'tanh', maxIter: 20, seed: 1 }),
    y: numbers,
  },
] as const;

export const CLASSIFIERS = [
  {
    name: 'LogisticRegression of texts',
    make: () => new LogisticRegression(),
    y: numbers.map((n) => `it's ${sign(n)}`),
  },
  {
    name: 'LogisticRegression of three whole numbers',
    make: () => new LogisticRegression(),
    y: numbers.map((n) => (sign(n) ? 7 : n > 498 ? -2 : 30)),
  },
  {
    name: 'MLPClassifier of booleans',
    make: () => new MLPClassifier({ hiddenLayerSizes: [8], maxIter: 20, seed: 1 }),
    y: numbers.map(sign),
  },
  {
    name: 'MLPClassifier of three fractions',
    make: () => new MLPClassifier({ hiddenLayerSizes: [], maxIter: 20, seed: 1 }),
    y: numbers.map((n) => (sign(n) ? 0.5 : n > 498 ? 1.5 : -1)),
  },
] as const;

export const ROWS_OF_ESTIMATORS: readonly number[][] = rows;
