import {
  configure,
  evaluate,
  fit,
  manualSeed,
  OptionError,
  ones,
  parameter,
  predict,
  rand,
  StateError,
  type Tensor,
  tensor,
} from 'downhill';
import { DataLoader, IterableDataset, kFold, randomSplit, WeightedRandomSampler } from 'downhill/data';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';
import { describe, expect, it } from 'vitest';
import { any, data, errorOf, failure, loader, model, testFailures } from './support/failures';

const x = () => ones([2, 3]);

/** Who takes options, how it is called with them, a slip of the pen, and what was meant. */
const SLIPS: [owner: string, call: (options: never) => unknown, slip: string, meant: string][] = [
  ['tensor', (o) => tensor([1], o), 'dType', 'dtype'],
  ['parameter', (o) => parameter([1], o), 'shap', 'shape'],
  ['DataLoader', (o) => new DataLoader(data(), o), 'batchsize', 'batchSize'],
  ['DataLoader', (o) => new DataLoader(data(), o), 'drop_last', 'dropLast'],
  ['randomSplit', (o) => randomSplit(data(), [2, 1], o), 'sead', 'seed'],
  ['kFold', (o) => kFold(data(), 2, o), 'shufle', 'shuffle'],
  ['IterableDataset', (o) => new IterableDataset(() => [], o), 'shufleBuffer', 'shuffleBuffer'],
  ['WeightedRandomSampler', (o) => new WeightedRandomSampler([1], o), 'counts', 'count'],
  ['Linear', (o) => new nn.Linear(1, 1, o), 'bais', 'bias'],
  ['LeakyReLU', (o) => new nn.LeakyReLU(o), 'negative_slope', 'negativeSlope'],
  ['ELU', (o) => new nn.ELU(o), 'alfa', 'alpha'],
  ['Softplus', (o) => new nn.Softplus(o), 'treshold', 'threshold'],
  ['MSELoss', (o) => new nn.MSELoss(o), 'reductions', 'reduction'],
  ['CrossEntropyLoss', (o) => new nn.CrossEntropyLoss(o), 'Reduction', 'reduction'],
  ['SGD', (o) => new optim.SGD(model().parameters(), o), 'momentun', 'momentum'],
  ['SGD', (o) => new optim.SGD(model().parameters(), o), 'weight_decay', 'weightDecay'],
  ['Adam', (o) => new optim.Adam(model().parameters(), o), 'beta', 'betas'],
  [
    'A parameter group of SGD',
    (o: object) => new optim.SGD([{ params: model().parameters(), ...o }]),
    'nestrov',
    'nesterov',
  ],
  ['fit', (o: object) => fitWith(o), 'epoch', 'epochs'],
  ['fit', (o: object) => fitWith(o), 'onEpochEnds', 'onEpochEnd'],
  ['fit', (o: object) => fitWith(o), 'clip_grad_norm', 'clipGradNorm'],
  ['earlyStopping', (earlyStopping) => fitWith({ earlyStopping }), 'targetloss', 'targetLoss'],
  ['evaluate', (o) => evaluate(model(), loader(), o), 'metric', 'metrics'],
  ['predict', (o) => predict(model(), [[1, 2]], o), 'batch_size', 'batchSize'],
  ['configure', configure, 'maxmemory', 'maxMemory'],
  ['sum', (o) => x().sum(o), 'keepdims', 'keepDims'],
  ['mean', (o) => x().mean(o), 'axes', 'axis'],
  ['max', (o) => x().max(o), 'keepdim', 'keepDims'],
  ['min', (o) => x().min(o), 'axi', 'axis'],
  ['argMax', (o) => x().argMax(o), 'axi', 'axis'],
  ['argMin', (o) => x().argMin(o), 'keepdims', 'keepDims'],
  ['softmax', (o) => x().softmax(o), 'axes', 'axis'],
  ['logSoftmax', (o) => x().logSoftmax(o), 'axes', 'axis'],
  ['concat', (o) => x().concat([x()], o), 'axes', 'axis'],
  ['stack', (o) => x().stack([x()], o), 'axes', 'axis'],
  ['slice', (o) => x().slice(0, 1, o), 'axes', 'axis'],
  ['gather', (o) => x().gather([0], o), 'axes', 'axis'],
  ['backward', (o) => parameter([1]).sum().backward(o), 'retain_graph', 'retainGraph'],
];

function fitWith(options: object): Promise<unknown> {
  const m = model();
  return fit(m, loader(), { loss: new nn.MSELoss(), optimizer: new optim.SGD(m.parameters()), epochs: 1, ...options });
}

const slips = SLIPS.map(([owner, call, slip, meant]) =>
  failure(
    `${owner}: ${slip}, which is ${meant}`,
    () => call(any({ [slip]: 0 })),
    OptionError,
    new RegExp(`${owner}.* has no option "${slip}"; did you mean "${meant}"\\?`),
  ),
);

/** Something that requires a gradient and was not made by parameter(). */
const trained = (t: Tensor) => Object.assign(t, { requiresGrad: true });

const sgd = (options: object) => () => new optim.SGD(model().parameters(), options);
const adam = (options: object) => () => new optim.Adam(model().parameters(), options);
const isNumber = 'it must be a finite number of at least 0';

const optimizers = [
  failure('no parameters', () => new optim.SGD([]), OptionError, /SGD got no parameters; give it model.parameters\(\)/),
  failure('a model', () => new optim.SGD(any(model())), OptionError, /model.parameters\(\)/),
  failure('nothing', () => new optim.Adam(any(undefined)), OptionError, /Adam got no parameters/),
  failure('a constant', () => new optim.SGD([ones([1])]), OptionError, /a tensor that is no parameter/),
  failure('a result', () => new optim.SGD([parameter([1]).mul(2)]), OptionError, /a tensor that is no parameter/),
  failure('a number', () => new optim.SGD(any([1])), OptionError, /SGD got 1|parameters/),
  failure(
    'a parameter twice',
    () => {
      const p = parameter([1]);
      return new optim.SGD([p, p]);
    },
    OptionError,
    /the same parameter twice/,
  ),
  failure('integers', () => new optim.SGD([trained(ones([2]).to('int32'))]), OptionError, /int32/),
  failure(
    'a transposed view',
    () => new optim.SGD([trained(ones([2, 3]).transpose())]),
    OptionError,
    /view|contiguous/,
  ),
  failure(
    'a rate by itself',
    () => new optim.SGD(model().parameters(), any(0.1)),
    OptionError,
    /SGD got 0.1 for its options/,
  ),
  failure('a negative rate', sgd({ lr: -1 }), OptionError, new RegExp(`lr is -1; ${isNumber}`)),
  failure('a rate that is no number', sgd({ lr: Number.NaN }), OptionError, new RegExp(`lr is NaN; ${isNumber}`)),
  failure('a rate that is a string', sgd({ lr: '0.1' }), OptionError, new RegExp(`lr is "0.1"; ${isNumber}`)),
  failure(
    'an infinite rate',
    adam({ lr: Number.POSITIVE_INFINITY }),
    OptionError,
    new RegExp(`lr is Infinity; ${isNumber}`),
  ),
  failure('a negative momentum', sgd({ momentum: -0.1 }), OptionError, /momentum is -0.1/),
  failure('a negative decay', sgd({ weightDecay: -0.1 }), OptionError, /weightDecay is -0.1/),
  failure('nesterov without momentum', sgd({ nesterov: true }), OptionError, /nesterov got momentum 0/),
  failure(
    'a beta of 1',
    adam({ betas: [0.9, 1] }),
    OptionError,
    /Each of betas is 1; it must be at least 0 and less than 1/,
  ),
  failure('one beta', adam({ betas: 0.9 }), OptionError, /betas is 0.9; it must be two numbers/),
  failure('a negative eps', adam({ eps: -1 }), OptionError, /eps is -1/),
  failure('a rate set to NaN', () => Object.assign(sgd({})(), { lr: Number.NaN }), OptionError, /lr is NaN/),
  failure('a norm of 0', () => optim.clipGradNorm(model().parameters(), 0), OptionError, /The norm to clip to is 0/),
  failure(
    'a clip before backward()',
    () => optim.clipGradNorm(model().parameters(), 1),
    OptionError,
    /found no gradients/,
  ),
];

const modules = [
  failure('no inputs', () => new nn.Linear(0, 1), OptionError, /The number of inputs of Linear is 0/),
  failure('half an output', () => new nn.Linear(1, 0.5), OptionError, /The number of outputs of Linear is 0.5/),
  failure('no outputs', () => new nn.Linear(1, any(undefined)), OptionError, /outputs of Linear is undefined/),
  failure('a size that is a string', () => new nn.Linear(any('2'), 1), OptionError, /inputs of Linear is "2"/),
  failure(
    'a slope that is NaN',
    () => new nn.LeakyReLU({ negativeSlope: Number.NaN }),
    OptionError,
    /negativeSlope of LeakyReLU is NaN/,
  ),
  failure('a beta of 0', () => new nn.Softplus({ beta: 0 }), OptionError, /beta of Softplus is 0; it must be above 0/),
  failure(
    'a function in Sequential',
    () => new nn.Sequential(any(() => 1)),
    OptionError,
    /Sequential got .* at position 0/,
  ),
  failure('modules in a list', () => new nn.Sequential(any([model()])), OptionError, /at position 0; give modules/),
  failure('an unknown reduction', () => new nn.MSELoss({ reduction: any('avg') }), OptionError, /reduction is "avg"/),
];

const seeds = [-1, 1.5, 2 ** 53, Number.NaN, '7'].map((seed) =>
  failure(
    String(seed),
    () => manualSeed(any(seed)),
    OptionError,
    /The seed of manualSeed is .*; it must be a whole number from 0/,
  ),
);

const runtime = [
  failure(
    'a limit after the first use',
    () => {
      rand([1]);
      configure({ maxMemory: 2 ** 30 });
    },
    StateError,
    /configure was called after the first use/,
  ),
  failure('half a byte', () => configure({ maxMemory: 0.5 }), OptionError, /maxMemory is 0.5/),
];

it('a message repeats the beginning of a long text, and no array', async () => {
  const text = 'a,b\n'.repeat(1000);
  const rows = Array.from({ length: 1000 }, (_, i) => i);
  const thrown = [() => new nn.Sequential(any(text)), () => new IterableDataset(any(rows))].map(errorOf);
  for (const error of await Promise.all(thrown)) expect((error as Error).message.length).toBeLessThan(200);
});

describe('an unknown option is refused, and the nearest one named:', () => {
  testFailures(slips);
});

describe('an optimizer refuses', () => {
  testFailures(optimizers);
});

describe('a module refuses', () => {
  testFailures(modules);
});

describe('manualSeed refuses', () => {
  testFailures(seeds);
});

describe('configure refuses', () => {
  testFailures(runtime);
});
