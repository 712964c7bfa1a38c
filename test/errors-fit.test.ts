import { DownhillError, fit, OptionError, parameter, ShapeError, StateError, type Tensor, tensor } from 'downhill';
import { DataLoader, IterableDataset, Subset, TensorDataset } from 'downhill/data';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';
import { describe, expect, it } from 'vitest';
import { any, errorOf } from './support/failures';
import { classes, classification, line, settled, stateOf, type Training } from './support/training';

interface Case {
  name: string;
  /** What is wrong with the training, beside its options. */
  training?: () => Training;
  /** Arguments of fit in the place of the training's. */
  model?: unknown;
  loader?: unknown;
  options?: object;
  error?: new (...args: never[]) => Error;
  says: RegExp;
}

/** A loader whose last rows alone have a wrong label: batches before them are fine. */
function mislabelled(label: number): Training {
  const [x, labels] = classes(40).tensors as [Tensor, Tensor];
  const values = Float32Array.from(labels.toTypedArray());
  values[39] = label;
  return classification(new TensorDataset(x, values), { shuffle: false });
}

function withTarget(target: Tensor): Training {
  const [x] = line(40).tensors as [Tensor];
  const model = settled(new nn.Linear(1, 1));
  const optimizer = new optim.Adam(model.parameters());
  return { model, optimizer, loader: new DataLoader(new TensorDataset(x, target)), loss: new nn.MSELoss() };
}

function withLayers(...layers: nn.Module[]): Training {
  const model = settled(new nn.Sequential(...layers));
  return { ...classification(), model, optimizer: new optim.Adam(model.parameters()) };
}

class Reading extends nn.Linear {
  override forward(x: Tensor): Tensor {
    return super.forward(x).mul(this.weight.toArray() === null ? 0 : 1);
  }
}

const bad: Case[] = [
  {
    name: 'the optimizer of another model',
    training: () => ({ ...classification(), optimizer: new optim.Adam(classification().model.parameters()) }),
    error: OptionError,
    says: /depends on none of the optimizer's parameters; give it those of this model/,
  },
  {
    name: 'the class of a loss',
    options: { loss: nn.MSELoss },
    error: OptionError,
    says: /loss is the function MSELoss; give a loss such as new MSELoss\(\)/,
  },
  {
    name: 'the class of an optimizer',
    options: { optimizer: optim.SGD },
    error: OptionError,
    says: /got the function SGD for/,
  },
  {
    name: 'a stream of rows without a target',
    training: () => classification(any(new IterableDataset(() => [[[1, 2, 3, 4]]])), { shuffle: false }),
    error: OptionError,
    says: /The rows of the loader are lists of 1; fit needs .* \[x, y\]/,
  },
  {
    name: 'a layer that does not fit the data',
    training: () => withLayers(new nn.Linear(5, 3)),
    error: ShapeError,
    says: /Linear\(5 -> 3\) got x of shape \[16, 4\]; its last dimension must be 5/,
  },
  {
    name: 'a layer that does not fit the one before it',
    training: () => withLayers(new nn.Linear(4, 9), new nn.ReLU(), new nn.Linear(8, 3)),
    error: ShapeError,
    says: /Linear\(8 -> 3\) got x of shape \[16, 9\]/,
  },
  {
    name: 'a target of another shape',
    training: () => withTarget(tensor(new Float32Array(40))),
    error: ShapeError,
    says: /MSELoss got an output of shape \[1, 1\] and a target of \[1\].*target\.reshape\(\[1, 1\]\)/,
  },
  {
    name: 'a label in the last batch that is none of the classes',
    training: () => mislabelled(3),
    says: /the index 3 at position \d+; with 3 to choose from it must be a whole number from 0 to 2/,
  },
  { name: 'a negative label in the last batch', training: () => mislabelled(-1), says: /the index -1 at position/ },
  { name: 'half a label in the last batch', training: () => mislabelled(1.5), says: /the index 1.5 at position/ },
  {
    name: 'a computed label that is none of the classes, under class weights',
    training: () => {
      const weighted = new nn.CrossEntropyLoss({ weight: [1, 2, 3] });
      return { ...mislabelled(2), loss: (o, t) => weighted.forward(o, t.add(1)) };
    },
    error: DownhillError,
    says: /an index that the step computes|index 3/,
  },
  ...[3, 1e6, 1e12].map((scale) => ({
    name: `rows of a table that are not there, ${scale} times too far`,
    training: () => withLayers(new Looking(scale)),
    error: DownhillError,
    says: /index/,
  })),
  {
    name: 'a loss of many numbers',
    options: { loss: (o: Tensor) => o },
    error: ShapeError,
    says: /The loss of fit gave a tensor of shape \[16, 3\]; it must be one number/,
  },
  { name: 'a loss that gives no tensor', options: { loss: () => 1 }, error: DownhillError, says: /loss/ },
  {
    name: 'a loss without a gradient',
    options: { loss: () => tensor([1]) },
    error: StateError,
    says: /found no graph/,
  },
  { name: 'no loss', options: { loss: undefined }, says: /loss is undefined; give a loss such as new MSELoss\(\)/ },
  { name: 'a loss by name', options: { loss: 'mse' }, says: /loss is "mse"; give a loss/ },
  { name: 'no optimizer', options: { optimizer: undefined }, says: /fit got undefined for its optimizer/ },
  { name: 'an optimizer by name', options: { optimizer: 'sgd' }, says: /fit got "sgd" for its optimizer/ },
  { name: 'no epochs', options: { epochs: 0 }, says: /epochs is 0; it must be a whole number of at least 1/ },
  { name: 'half an epoch', options: { epochs: 1.5 }, says: /epochs is 1.5/ },
  { name: 'a norm of 0', options: { clipGradNorm: 0 }, says: /clipGradNorm is 0; it must be a number above 0/ },
  { name: 'a negative pause', options: { yieldEvery: -1 }, says: /yieldEvery is -1/ },
  { name: 'a metric by name', options: { metrics: { accuracy: 'accuracy' } }, says: /The metric accuracy is accuracy/ },
  { name: 'a callback that is none', options: { onEpochEnd: 5 }, says: /onEpochEnd is 5; it must be a function/ },
  { name: 'a pause that is none', options: { pause: true }, says: /pause is true; it must be a new Pause\(\)/ },
  {
    name: 'progress told to nobody',
    options: { onProgress: 'bar' },
    says: /onProgress is "bar"; it must be a function/,
  },
  { name: 'a negative time between reports', options: { progressEvery: -5 }, says: /progressEvery is -5/ },
  { name: 'an unknown option', options: { epoch: 3 }, says: /fit has no option "epoch"; did you mean "epochs"\?/ },
  {
    name: 'a target loss that is no number',
    options: { earlyStopping: { targetLoss: '0.1' } },
    says: /targetLoss is "0.1"/,
  },
  { name: 'a validation set that is no loader', options: { validation: classes(9) }, says: /validation/ },
  {
    name: 'a validation set that does not fit the model',
    options: { validation: new DataLoader(line(9)) },
    error: ShapeError,
    says: /Linear\(4 -> 9\) got x of shape \[\d+, 1\]/,
  },
  { name: 'a signal that is none', options: { signal: 'stop' }, says: /signal/ },
  { name: 'a dataset for a loader', loader: classes(9), error: DownhillError, says: /DataLoader/ },
  { name: 'no loader', loader: undefined, error: DownhillError, says: /DataLoader/ },
  { name: 'a function for a model', model: (x: Tensor) => x, error: DownhillError, says: /model|Module/ },
  {
    name: 'rows without a target',
    loader: new DataLoader(new TensorDataset([[1, 2, 3, 4]])),
    error: DownhillError,
    says: /target/,
  },
];

/** Looks rows up by what it computes from its input. */
class Looking extends nn.Module {
  readonly table = parameter([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  constructor(private readonly scale: number) {
    super();
  }
  forward(x: Tensor): Tensor {
    const index = x.slice(0, 1, { axis: 1 }).reshape([-1]).abs().mul(this.scale).to('int32');
    return this.table.gather(index);
  }
}

const onlyCompiled: Case[] = [
  {
    name: 'item() in the loss',
    options: { loss: (o: Tensor) => o.mean().mul(o.mean().item()) },
    error: StateError,
    says: /item\(\).* was called inside a compiled step.*compiled: false.*eager loop/,
  },
  {
    name: 'toArray() in forward()',
    training: () => withLayers(new Reading(4, 3)),
    error: StateError,
    says: /toArray\(\).* was called inside a compiled step/,
  },
];

const both = [true, false].flatMap((compiled) => bad.map((row) => ({ ...row, compiled })));
const all = [...both, ...onlyCompiled.map((row) => ({ ...row, compiled: true }))];

describe('class indices that the loss computes', () => {
  it.each([true, false])(
    'end the training where they are none of the classes, with finite parameters (compiled: %s)',
    async (compiled) => {
      const { model, optimizer, loader } = mislabelled(2);
      const loss = (o: Tensor, t: Tensor) => new nn.CrossEntropyLoss().forward(o, t.add(1));
      const thrown = (await errorOf(() => fit(model, loader, { loss, optimizer, epochs: 1, compiled }))) as Error;
      expect(thrown).toBeInstanceOf(DownhillError);
      expect(thrown.message).toMatch(/index 3|an index that the step computes/);
      for (const p of model.parameters()) expect([...p.toTypedArray()].every(Number.isFinite)).toBe(true);
    },
  );
});

describe('fit refuses, and changes neither model nor optimizer nor loader:', () => {
  for (const { name, compiled, training = classification, options, error = OptionError, says, ...given } of all) {
    it(`${name} (${compiled ? 'compiled' : 'eager'})`, async () => {
      const made = training();
      const { model, optimizer, loader, loss } = made;
      const before = stateOf(made);
      const call = { model, loader, ...given };
      const thrown = (await errorOf(() =>
        fit(any(call.model), any(call.loader), { loss, optimizer, epochs: 2, compiled, ...options }),
      )) as Error;
      expect(`${thrown.name}: ${thrown.message}`).toMatch(says);
      expect(thrown).toBeInstanceOf(error);
      expect(stateOf(made)).toEqual(before);
    });
  }
});

describe('fit refuses', () => {
  it('to be called without options', async () => {
    const { model, loader } = classification();
    const thrown = await errorOf(() => fit(model, loader, any(undefined)));
    expect(thrown).toBeInstanceOf(OptionError);
    expect((thrown as Error).message).toMatch(/fit got undefined for its optimizer/);
  });

  it('nothing about rows that a Subset leaves out', async () => {
    const { dataset } = mislabelled(7).loader;
    const part = new Subset(dataset, [0, 1, 2, 3]);
    const { model, loader, loss, optimizer } = classification(part);
    const { epochs } = await fit(model, loader, { loss, optimizer, epochs: 1 });
    expect(epochs[0]?.loss).toBeGreaterThan(0);
  });
});

describe('after what it refused', () => {
  it.each([true, false])(
    'the same model, optimizer and loader train to the same bits as others (compiled: %s)',
    async (compiled) => {
      const [refused, fresh] = [classification(), classification()];
      const train = ({ model, loader, loss, optimizer }: Training, options: object = {}) =>
        fit(model, loader, { loss, optimizer, epochs: 2, compiled, ...options });
      for (const loss of [(o: Tensor) => o, () => tensor([1])]) await errorOf(() => train(refused, { loss }));
      await Promise.all([train(refused), train(fresh)]);
      expect(stateOf(refused)).toEqual(stateOf(fresh));
    },
  );
});
