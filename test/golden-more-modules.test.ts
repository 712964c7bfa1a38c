import { fit, parameter, type Tensor, tensor } from 'downhill';
import { DataLoader, TensorDataset } from 'downhill/data';
import * as nn from 'downhill/nn';
import { SGD } from 'downhill/optim';
import { describe, expect, it } from 'vitest';
import { bitsOf } from './golden/bits.js';
import { constant, expectClose, expectTensorClose, labels, readGolden, type Stated, valuesOf } from './golden/read.js';

interface Layer {
  module: keyof typeof nn;
  sizes: number[];
  options: object;
}

type State = Record<string, Stated>;
type Values = Record<string, { shape: number[]; data: number[] }>;

interface ModuleCase {
  name: string;
  layers: [Layer];
  training: boolean;
  input: Stated;
  state: State;
  upstream: Stated;
  output: { shape: number[]; data: number[] };
  gradients: Record<string, number[]>;
  after: Values;
}

interface Training {
  name: string;
  layers: Layer[];
  lr: number;
  x: Stated;
  target: Stated;
  state: State;
  losses: number[];
  predicted: { shape: number[]; data: number[] };
  final: Values;
}

const golden = readGolden<{ cases: ModuleCase[]; batchSize: number; epochs: number; trainings: Training[] }>(
  'more_modules',
);

const takesIndices = ([first]: Layer[]) => first?.module === 'Embedding';

function make({ module, sizes, options }: Layer): nn.Module {
  // biome-ignore lint/performance/noDynamicNamespaceImportAccess: the file names the modules
  const kind = nn[module] as unknown as new (...sizes: unknown[]) => nn.Module;
  return new kind(...sizes, ...(Object.keys(options).length > 0 ? [options] : []));
}

function load<M extends nn.Module>(model: M, state: State): M {
  const dict = Object.entries(state).map(([name, s]) => [name, { shape: s.shape, data: valuesOf(s) }]);
  return model.loadStateDict(Object.fromEntries(dict));
}

function expectState(model: nn.Module, expected: Values): void {
  const state = model.stateDict();
  expect(Object.keys(state)).toEqual(Object.keys(expected));
  for (const [name, value] of Object.entries(expected)) expectTensorClose(name, state[name] as Tensor, value);
}

it.each(golden.cases)("a module's values, gradients and state are PyTorch's: $name", (c) => {
  const model = load(make(c.layers[0]), c.state).train(c.training);
  const indices = takesIndices(c.layers);
  const x = indices ? labels(c.input) : parameter(valuesOf(c.input), { shape: c.input.shape });
  const y = model.forward(x);
  expectTensorClose('output', y, c.output);
  y.mul(constant(c.upstream)).sum().backward();
  const leaves = [...model.namedParameters(), ...(indices ? [] : [['input', x] as const])];
  expect(leaves.map(([name]) => name)).toEqual(Object.keys(c.gradients));
  for (const [name, leaf] of leaves) {
    expectClose(`gradient of ${name}`, (leaf.grad as Tensor).toTypedArray(), c.gradients[name] as number[]);
  }
  expectState(model, c.after);
});

function setUp({ layers, state, x, target, lr }: Training) {
  const model = load(new nn.Sequential(...layers.map(make)), state);
  const optimizer = new SGD(model.parameters(), { lr });
  const rows = new TensorDataset(takesIndices(layers) ? labels(x) : constant(x), constant(target));
  return { model, optimizer, loader: new DataLoader(rows, { batchSize: golden.batchSize }), loss: new nn.MSELoss() };
}

describe('a training with partial batches', () => {
  it.each(golden.trainings)("is PyTorch's, step by step: $name", async (t) => {
    const { model, loader, ...rest } = setUp(t);
    const losses: number[] = [];
    const onBatchEnd = ({ loss }: { loss: number }) => losses.push(loss);
    await fit(model, loader, { ...rest, epochs: golden.epochs, onBatchEnd });
    expectClose('losses', losses, t.losses);
    expectState(model, t.final);
    const x = takesIndices(t.layers) ? labels(t.x) : constant(t.x);
    expectTensorClose('predicted', model.eval().forward(x), t.predicted);
  });

  it.each(golden.trainings)('ends with the same bits in both drivers: $name', async (t) => {
    const run = async (compiled: boolean) => {
      const { model, loader, ...rest } = setUp(t);
      const history = await fit(model, loader, { ...rest, epochs: golden.epochs, compiled });
      return bitsOf({ losses: history.epochs.map(({ loss }) => loss), state: model.stateDict() });
    };
    expect(await run(true)).toEqual(await run(false));
  });
});

it('num_batches_tracked is int32 of shape [] and may be missing from what is loaded', () => {
  const model = new nn.Sequential(new nn.Linear(2, 3), new nn.BatchNorm1d(3));
  model.forward(
    tensor([
      [1, 2],
      [3, 5],
    ]),
  );
  const { '1.num_batches_tracked': batches, ...rest } = model.stateDict();
  expect([batches?.dtype, batches?.shape, batches?.item()]).toEqual(['int32', [], 1]);
  expect(() => model.loadStateDict(rest)).not.toThrow();
  const { '1.running_mean': _, ...less } = rest;
  expect(() => model.loadStateDict(less)).toThrow(/missing 1.running_mean/);
});
