import { createHash } from 'node:crypto';
import { fit, OptionError, parameter, type Tensor } from 'downhill';
import { DataLoader, IterableDataset, TensorDataset, WeightedRandomSampler } from 'downhill/data';
import { fromSafetensors, type PyTorchOptions, toPyTorch } from 'downhill/io';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';
import { describe, expect, it } from 'vitest';
import { NAMES, training } from './golden/pytorch.mjs';
import { expectClose, readGolden, type Stated, valuesOf } from './golden/read';
import { any, data, failure, loader, testFailures } from './support/failures';

interface Run {
  losses: number[];
  state: Record<string, Stated>;
}

/** What PyTorch made of the folders. */
const golden = readGolden<Record<string, { hashes: Record<string, string>; alone: Run; two?: Run }>>('pytorch');

/** Of a script without the one number in it that is computed. */
const hashOf = (script: string) =>
  createHash('sha256')
    .update(script.replace(/best = \S+/, 'best'))
    .digest('hex');

/** Do two sets of tensors have the same names and bits? */
function expectSame(bytes: unknown, state: Record<string, Tensor>): void {
  const { tensors } = fromSafetensors(bytes as Uint8Array);
  const bits = (all: Record<string, Tensor>) => Object.entries(all).map(([name, t]) => [name, t.toTypedArray()]);
  expect(bits(tensors)).toEqual(bits(state));
}

describe('toPyTorch', () => {
  it.each(NAMES)('writes the files that PyTorch has run, and fit goes on as they did: %s', async (name) => {
    const { model, loader, options } = await training(name);
    const { hashes, alone, two } = golden[name] as (typeof golden)[string];
    const files = toPyTorch(model, loader, options);
    const scripts = Object.entries(files).filter(([file]) => file.endsWith('.py'));
    const own = scripts.map(([file, content]) => [file, hashOf(content as string)]);
    expect(Object.fromEntries(own), 'to be written anew by test/golden/generate.py').toEqual(hashes);
    expectSame(files['model.safetensors'], model.stateDict());
    const columns = loader.dataset.tensors.map((t, i, { length }) => [i === length - 1 ? 'target' : `inputs.${i}`, t]);
    expectSame(files['data.safetensors'], Object.fromEntries(columns));

    const history = await fit(model, loader, options);
    const losses = history.epochs.map(({ loss }) => loss);
    for (const [who, run] of Object.entries({ alone, ...(two && { two }) })) {
      expectClose(`losses, ${who}`, losses, run.losses);
      const state = model.stateDict();
      expect(Object.keys(state)).toEqual(Object.keys(run.state));
      for (const [key, t] of Object.entries(state))
        expectClose(`${key}, ${who}`, t.toTypedArray(), valuesOf(run.state[key] as Stated));
    }
  });
});

it('a norm without a bound is written in Python too', () => {
  const files = handOver({ options: { clipGradNorm: Number.POSITIVE_INFINITY } }) as Record<string, string>;
  expect(files['train.py']).toContain('clip_grad_norm_(parameters, float("inf"))');
});

class Doubled extends nn.Linear {
  override forward(x: Tensor): Tensor {
    return super.forward(x).mul(2);
  }
}

interface Given {
  model?: nn.Module;
  loader?: DataLoader;
  optimizer?: (model: nn.Module) => optim.SGD | optim.Lion;
  scheduler?: (optimizer: optim.SGD) => PyTorchOptions['scheduler'];
  options?: Partial<PyTorchOptions>;
}

const sgd = (m: nn.Module) => new optim.SGD(m.parameters());

/** Hands a training over that is right but for what is given. */
function handOver(given: Given): unknown {
  const { model = new nn.Linear(2, 1), scheduler } = given;
  const optimizer = (given.optimizer ?? sgd)(model);
  const schedule = scheduler && { scheduler: scheduler(optimizer as optim.SGD) };
  const options = { loss: new nn.MSELoss(), optimizer, epochs: 1, ...schedule, ...given.options };
  return toPyTorch(model, given.loader ?? loader(), any(options));
}

const shared = new nn.Linear(2, 2);
const row: [number[], number[]][] = [[[1, 2], [3]]];
const unlike = { monitor: 'valLoss' };

describe('toPyTorch refuses, and says what to do', () => {
  testFailures([
    failure(
      'what is no module',
      () => handOver({ model: any({ parameters: () => [parameter([1])] }) }),
      OptionError,
      /must be a Module/,
    ),
    failure(
      'a module of your own',
      () => handOver({ model: new Doubled(2, 1) }),
      OptionError,
      /can't write the forward of Doubled in Python; give it a Sequential/,
    ),
    failure(
      'a module that is used twice',
      () => handOver({ model: new nn.Sequential(shared, new nn.ReLU(), shared) }),
      OptionError,
      /this Linear is in the model twice/,
    ),
    failure(
      'a parameter of two modules',
      () =>
        handOver({ model: new nn.Sequential(shared, Object.assign(new nn.Linear(2, 2), { weight: shared.weight })) }),
      OptionError,
      /a parameter of this Linear is another module's too/,
    ),
    failure(
      'a loss of your own',
      () => handOver({ options: { loss: (o, t) => o.sub(t).abs().mean() } }),
      OptionError,
      /can't write this loss in Python/,
    ),
    failure(
      'a loss for each row',
      () => handOver({ options: { loss: new nn.MSELoss({ reduction: 'none' }) } }),
      OptionError,
      /whose reduction is 'mean' or 'sum'/,
    ),
    failure(
      'an optimizer that PyTorch has not',
      () => handOver({ optimizer: (m) => new optim.Lion(m.parameters()) }),
      OptionError,
      /optimizer is Lion; give one that PyTorch has: SGD, Adam/,
    ),
    failure('no optimizer', () => handOver({ options: any({ optimizer: 'SGD' }) }), OptionError, /optimizer is "SGD"/),
    failure(
      'a parameter of another model',
      () => handOver({ optimizer: () => sgd(shared) }),
      OptionError,
      /a parameter that is not in the model/,
    ),
    failure(
      'a schedule that is a function',
      () => handOver({ scheduler: (o) => new optim.LambdaLR(o, { lrLambda: () => 1 }) }),
      OptionError,
      /can't write LambdaLR in Python; give one of StepLR/,
    ),
    failure(
      'a schedule of another optimizer',
      () => handOver({ scheduler: () => new optim.StepLR(sgd(shared), { stepSize: 1 }) }),
      OptionError,
      /scheduler of another optimizer/,
    ),
    failure(
      'a schedule that looks at what is not there',
      () => handOver({ scheduler: (o) => new optim.ReduceLROnPlateau(o, unlike) }),
      OptionError,
      /looks at valLoss/,
    ),
    failure(
      'a sampler',
      () => handOver({ loader: new DataLoader(data(), { sampler: new WeightedRandomSampler([1, 1, 1]) }) }),
      OptionError,
      /without a sampler/,
    ),
    failure(
      'rows that are not there',
      () => handOver({ loader: new DataLoader(new IterableDataset(() => row)) }),
      OptionError,
      /needs the rows themselves/,
    ),
    failure(
      'rows without a target',
      () => handOver({ loader: new DataLoader(new TensorDataset([[1, 2]])) }),
      OptionError,
      /needs inputs and, last, a target/,
    ),
    failure('no options', () => toPyTorch(shared, loader(), any(undefined)), OptionError, /The optimizer is undefined/),
    failure(
      'half an epoch',
      () => handOver({ options: { epochs: 0.5 } }),
      OptionError,
      /epochs is 0.5; it must be a whole number/,
    ),
    failure(
      'what fit takes and PyTorch is not told',
      () => handOver({ options: any({ accumulate: 2 }) }),
      OptionError,
      /toPyTorch has no option "accumulate"/,
    ),
  ]);
});
