import { type FitOptions, randn, type Tensor, tensor } from 'downhill';
import {
  DataLoader,
  type DataLoaderOptions,
  type Dataset,
  Subset,
  TensorDataset,
  WeightedRandomSampler,
} from 'downhill/data';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';

type AnyOptimizer = FitOptions['optimizer'];
type Schedule = NonNullable<FitOptions['scheduler']>;
type Extras = Partial<
  Pick<FitOptions, 'accumulate' | 'classWeight' | 'clipGradNorm' | 'clipGradValue' | 'validation' | 'metrics'>
>;

/** A training that is the same each time it is made, if `manualSeed` comes before. */
export interface Run {
  model: nn.Module;
  loader: DataLoader;
  loss: FitOptions['loss'];
  optimizer: AnyOptimizer;
  scheduler?: Schedule;
  epochs: number;
  extras?: Extras;
}

const FEATURES = 5;
const CLASSES = 3;

/** Rows of random numbers, and a target derived from their products with a matrix of other random numbers. */
function dataOf(rows: number, columns: number, target: (scores: Tensor) => Tensor): TensorDataset {
  const x = randn([rows, columns]);
  return new TensorDataset(x, target(x.matmul(randn([columns, CLASSES]))));
}

const first = (scores: Tensor) => scores.slice(0, 1, { axis: 1 });
const isPositive = (scores: Tensor) => first(scores).gt(0).to('float32');
const labels = (scores: Tensor) => scores.argMax({ axis: 1 });
const shares = (scores: Tensor) => scores.softmax({ axis: 1 });
const counts = (scores: Tensor) => scores.abs().to('int32').to('float32');
const scoresThemselves = (scores: Tensor) => scores;

/** A small network around an activation. */
function network(activation: nn.Module, hidden = 9): nn.Sequential {
  return new nn.Sequential(new nn.Linear(FEATURES, hidden), activation, new nn.Linear(hidden, CLASSES));
}

interface Parts {
  data?: Dataset;
  batches?: DataLoaderOptions;
  model?: nn.Module;
  loss?: FitOptions['loss'];
  optimizer?: (parameters: readonly Tensor[]) => AnyOptimizer;
  scheduler?: (optimizer: AnyOptimizer) => Schedule;
  epochs?: number;
  extras?: Extras;
}

/** A run; what is not given is that of a small network that learns three classes in batches of 16, the last of 7 rows. */
function run(parts: Parts): Run {
  const data = parts.data ?? dataOf(71, FEATURES, labels);
  const model = parts.model ?? network(new nn.Tanh());
  const optimizer = (parts.optimizer ?? ((p) => new optim.SGD(p, { lr: 0.1 })))(model.parameters());
  const scheduler = parts.scheduler?.(optimizer);
  return {
    model,
    loader: new DataLoader(data, { batchSize: 16, shuffle: true, ...parts.batches }),
    loss: parts.loss ?? new nn.CrossEntropyLoss(),
    optimizer,
    epochs: parts.epochs ?? 3,
    ...(scheduler && { scheduler }),
    ...(parts.extras && { extras: parts.extras }),
  };
}

type Table = Record<string, () => Run>;

/** A row for each entry of a table of parts. */
function rows<T>(what: string, table: Record<string, T>, make: (entry: T) => Run): Table {
  return Object.fromEntries(Object.entries(table).map(([name, entry]) => [`${what} ${name}`, () => make(entry)]));
}

const withMomentum = (p: readonly Tensor[]) => new optim.SGD(p, { lr: 0.1, momentum: 0.9 });
const line = (parts: Parts): Run =>
  run({ model: new nn.Linear(FEATURES, 1), data: dataOf(333, FEATURES, first), loss: new nn.MSELoss(), ...parts });

const LINEAR: Table = {
  'linear model': () => line({}),
  'linear model, logistic, momentum': () =>
    line({
      data: dataOf(333, FEATURES, isPositive),
      loss: new nn.BCEWithLogitsLoss(),
      optimizer: withMomentum,
    }),
  'linear model, full batch': () => line({ data: dataOf(700, FEATURES, first), batches: { batchSize: 700 } }),
  'linear model, one row at a time': () => line({ batches: { batchSize: 1 }, epochs: 2 }),
  'linear model, half the squared error': () => line({ loss: (o, t) => o.sub(t).square().mean().mul(0.5) }),
  'linear model of 37 features, no bias': () =>
    line({
      data: dataOf(200, 37, first),
      model: new nn.Linear(37, 1, { bias: false }),
      optimizer: (p) => new optim.SGD(p, { lr: 0.01 }),
    }),
  'linear model of three outputs': () =>
    run({ model: new nn.Linear(FEATURES, 3), data: dataOf(71, FEATURES, scoresThemselves), loss: new nn.MSELoss() }),
};

/** One input has kernels of its own. */
const ONE_INPUT = rows<() => Parts & { bias?: boolean }>(
  'linear model of one input,',
  {
    shuffled: () => ({}),
    'in batches of 300': () => ({ batches: { batchSize: 300 } }),
    'in order': () => ({ data: dataOf(700, 1, first), batches: { batchSize: 700, shuffle: false } }),
    'one row at a time': () => ({
      batches: { batchSize: 1 },
      optimizer: (p) => new optim.SGD(p, { lr: 0.1, weightDecay: 0.01 }),
      epochs: 2,
    }),
    'one row at a time, no bias': () => ({ batches: { batchSize: 1 }, bias: false, epochs: 2 }),
    logistic: () => ({ data: dataOf(333, 1, isPositive), loss: new nn.BCEWithLogitsLoss() }),
  },
  (parts) => {
    const { bias = true, ...others } = parts();
    return line({ data: others.data ?? dataOf(333, 1, first), model: new nn.Linear(1, 1, { bias }), ...others });
  },
);

const ACTIVATIONS: Record<string, () => nn.Module> = {
  ReLU: () => new nn.ReLU(),
  LeakyReLU: () => new nn.LeakyReLU({ negativeSlope: 0.2 }),
  ELU: () => new nn.ELU({ alpha: 0.7 }),
  SiLU: () => new nn.SiLU(),
  GELU: () => new nn.GELU(),
  Softplus: () => new nn.Softplus({ beta: 1.3 }),
  Tanh: () => new nn.Tanh(),
  Sigmoid: () => new nn.Sigmoid(),
  Softmax: () => new nn.Softmax(),
  LogSoftmax: () => new nn.LogSoftmax(),
};

/** Positive and negative powers, logarithms and waves of what a layer gives. */
class Functions extends nn.Module {
  readonly layer = new nn.Linear(FEATURES, CLASSES);
  forward(x: Tensor): Tensor {
    const y = this.layer.forward(x);
    const positive = y.square().add(0.5);
    const waves = y.sin().add(y.mul(3).cos());
    return waves.add(positive.log()).add(positive.pow(0.3)).add(positive.sqrt()).add(y.clamp(-1, 1).exp());
  }
}

const MODULES: Table = {
  ...rows('activation', ACTIVATIONS, (make) => run({ model: network(make()) })),
  'every function': () => run({ model: new Functions() }),
  Dropout: () => run({ model: new nn.Sequential(new nn.Dropout(0.2), network(new nn.ReLU()), new nn.Dropout(0.1)) }),
  LayerNorm: () => run({ model: network(new nn.LayerNorm(9)) }),
  BatchNorm1d: () => run({ model: network(new nn.BatchNorm1d(9)), batches: { dropLast: true } }),
  Embedding: () =>
    run({
      data: new TensorDataset(
        tensor(
          Int32Array.from({ length: 60 }, (_, i) => (i * i) % 7),
          { shape: [20, 3] },
        ),
        randn([20, 1]),
      ),
      model: new nn.Sequential(new nn.Embedding(7, 4), new nn.Flatten(), new nn.Linear(12, 1)),
      loss: new nn.MSELoss(),
    }),
  'wide layers': () =>
    run({
      data: dataOf(67, 300, labels),
      model: new nn.Sequential(new nn.Linear(300, 529), new nn.ReLU(), new nn.Linear(529, CLASSES)),
      batches: { batchSize: 33 },
      epochs: 1,
    }),
  'odd sizes': () =>
    run({
      data: dataOf(29, 7, first),
      model: new nn.Sequential(
        new nn.Linear(7, 13),
        new nn.SiLU(),
        new nn.Linear(13, 5),
        new nn.ELU(),
        new nn.Linear(5, 1),
      ),
      batches: { batchSize: 3 },
      loss: new nn.MSELoss(),
      optimizer: (p) => new optim.SGD(p, { lr: 0.01 }),
    }),
};

/** Each loss with the target that it is for. */
const LOSSES: Record<string, () => Pick<Parts, 'data' | 'loss' | 'model'>> = {
  MSELoss: () => ({ loss: new nn.MSELoss(), data: dataOf(71, FEATURES, scoresThemselves) }),
  L1Loss: () => ({ loss: new nn.L1Loss(), data: dataOf(71, FEATURES, scoresThemselves) }),
  HuberLoss: () => ({ loss: new nn.HuberLoss({ delta: 0.5 }), data: dataOf(71, FEATURES, scoresThemselves) }),
  SmoothL1Loss: () => ({ loss: new nn.SmoothL1Loss({ beta: 0.5 }), data: dataOf(71, FEATURES, scoresThemselves) }),
  PoissonNLLLoss: () => ({ loss: new nn.PoissonNLLLoss({ full: true }), data: dataOf(71, FEATURES, counts) }),
  KLDivLoss: () => ({
    loss: new nn.KLDivLoss({ reduction: 'batchmean' }),
    data: dataOf(71, FEATURES, shares),
    model: new nn.Sequential(network(new nn.Tanh()), new nn.LogSoftmax()),
  }),
  BCEWithLogitsLoss: () => ({
    loss: new nn.BCEWithLogitsLoss({ posWeight: [2, 0.5, 1] }),
    data: dataOf(71, FEATURES, shares),
  }),
  NLLLoss: () => ({
    loss: new nn.NLLLoss({ weight: [1, 2, 0.5] }),
    model: new nn.Sequential(network(new nn.Tanh()), new nn.LogSoftmax()),
  }),
  CrossEntropyLoss: () => ({ loss: new nn.CrossEntropyLoss({ reduction: 'sum' }) }),
  'CrossEntropyLoss, smoothed and weighted': () => ({
    loss: new nn.CrossEntropyLoss({ labelSmoothing: 0.1, weight: [1, 2, 0.5] }),
  }),
  'CrossEntropyLoss of probabilities': () => ({ loss: new nn.CrossEntropyLoss(), data: dataOf(71, FEATURES, shares) }),
};

const OPTIMIZERS: Record<string, (parameters: readonly Tensor[]) => AnyOptimizer> = {
  SGD: (p) => new optim.SGD(p, { lr: 0.1 }),
  'SGD with momentum, dampening and decay': (p) =>
    new optim.SGD(p, { lr: 0.1, momentum: 0.9, dampening: 0.1, weightDecay: 0.01 }),
  'SGD, Nesterov': (p) => new optim.SGD(p, { lr: 0.1, momentum: 0.9, nesterov: true }),
  'SGD of two groups': (p) => new optim.SGD([{ params: p.slice(0, 2), lr: 0.2 }, { params: p.slice(2) }], { lr: 0.05 }),
  Adam: (p) => new optim.Adam(p, { lr: 0.01 }),
  'Adam, amsgrad and decay': (p) => new optim.Adam(p, { lr: 0.01, amsgrad: true, weightDecay: 0.1 }),
  AdamW: (p) => new optim.AdamW(p, { lr: 0.01 }),
  RMSprop: (p) => new optim.RMSprop(p, { lr: 0.01, momentum: 0.5, centered: true }),
  Adagrad: (p) => new optim.Adagrad(p, { lr: 0.1, lrDecay: 0.01 }),
  Adadelta: (p) => new optim.Adadelta(p),
  Adamax: (p) => new optim.Adamax(p, { lr: 0.01 }),
  NAdam: (p) => new optim.NAdam(p, { lr: 0.01 }),
  RAdam: (p) => new optim.RAdam(p, { lr: 0.01 }),
  Lion: (p) => new optim.Lion(p, { lr: 0.001 }),
};

const SCHEDULES: Record<string, (optimizer: AnyOptimizer) => Schedule> = {
  StepLR: (o) => new optim.StepLR(o, { stepSize: 2, gamma: 0.3 }),
  MultiStepLR: (o) => new optim.MultiStepLR(o, { milestones: [1, 4], gamma: 0.3 }),
  ExponentialLR: (o) => new optim.ExponentialLR(o, { gamma: 0.97, per: 'step' }),
  CosineAnnealingLR: (o) => new optim.CosineAnnealingLR(o, { tMax: 17, per: 'step' }),
  CosineAnnealingWarmRestarts: (o) => new optim.CosineAnnealingWarmRestarts(o, { t0: 4, tMult: 2, per: 'step' }),
  OneCycleLR: (o) => new optim.OneCycleLR(o, { maxLr: 0.3, totalSteps: 40 }),
  LinearLR: (o) => new optim.LinearLR(o, { totalIters: 7, per: 'step' }),
  LambdaLR: (o) => new optim.LambdaLR(o, { lrLambda: (count) => 1 / (1 + count), per: 'step' }),
  SequentialLR: (o) =>
    new optim.SequentialLR(o, {
      schedulers: [new optim.LinearLR(o, { totalIters: 3 }), new optim.ExponentialLR(o, { gamma: 0.9 })],
      milestones: [3],
      per: 'step',
    }),
  SWALR: (o) => new optim.SWALR(o, { swaLr: 0.01, annealEpochs: 7, per: 'step' }),
  ReduceLROnPlateau: (o) => new optim.ReduceLROnPlateau(o, { patience: 0, threshold: 0.5 }),
};

const BATCHES: Table = {
  'no shuffle': () => run({ batches: { shuffle: false } }),
  'a seed of the order': () => run({ batches: { seed: 2 ** 40 + 7 } }),
  'one row at a time': () => run({ batches: { batchSize: 1 }, data: dataOf(37, FEATURES, labels) }),
  'full batch of more than a block of rows': () =>
    run({ batches: { batchSize: 600 }, data: dataOf(600, FEATURES, labels) }),
  'a batch larger than the data': () => run({ batches: { batchSize: 100 } }),
  'the last batch dropped': () => run({ batches: { dropLast: true } }),
  'a subset': () =>
    run({ data: new Subset(dataOf(71, FEATURES, labels), [5, 3, 70, 3, 9, 11, 40, 41, 42, 0, 6, 8, 7, 1, 2, 4, 50]) }),
  'rows drawn by weight': () => {
    const weights = Array.from({ length: 71 }, (_, i) => 1 + (i % 5));
    return run({ batches: { shuffle: false, sampler: new WeightedRandomSampler(weights, { count: 50 }) } });
  },
  'two batches a step, classes weighted': () => run({ extras: { accumulate: 2, classWeight: [1, 2, 0.5] } }),
  'clipped by norm': () => run({ extras: { clipGradNorm: 0.05 } }),
  'clipped by value': () => run({ extras: { clipGradValue: 0.01 } }),
  'a validation set': () =>
    run({ extras: { validation: new DataLoader(dataOf(40, FEATURES, labels), { batchSize: 16 }) } }),
};

/** The runs, one row each; every module, loss, optimizer and schedule has one. `npm run hashes` writes what they end with. */
export const RUNS: Table = {
  ...LINEAR,
  ...ONE_INPUT,
  ...MODULES,
  ...rows('loss', LOSSES, (make) => run(make())),
  ...rows('optimizer', OPTIMIZERS, (optimizer) => run({ optimizer })),
  ...rows('schedule', SCHEDULES, (scheduler) => run({ scheduler, optimizer: withMomentum, epochs: 6 })),
  ...BATCHES,
};
