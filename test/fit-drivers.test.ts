import { type FitOptions, fit, parameter, StateError, type Tensor, tensor } from 'downhill';
import { DataLoader, randomSplit, Subset, TensorDataset } from 'downhill/data';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';
import { describe, expect, it } from 'vitest';
import { numbers } from './support/numbers';
import { classes, classification, line, regression, rowsOf, settled, stateOf, type Training } from './support/training';

type Options = Omit<FitOptions, 'loss' | 'optimizer' | 'epochs'>;

async function train(training: Training, epochs: number, options: Options = {}): Promise<unknown> {
  const { model, loader, loss, optimizer } = training;
  const history = await fit(model, loader, { loss, optimizer, epochs, ...options });
  return { history: rowsOf(history), state: stateOf(training) };
}

/** One layer twice, so that its gradients are of two uses. */
class Twice extends nn.Module {
  readonly layer = new nn.Linear(4, 4);
  readonly last = new nn.Linear(4, 3);
  forward(x: Tensor): Tensor {
    return this.last.forward(this.layer.forward(this.layer.forward(x).tanh()));
  }
}

/** Columns that a list chooses. */
class Choosing extends nn.Module {
  readonly layer = new nn.Linear(3, 3);
  forward(x: Tensor): Tensor {
    return this.layer.forward(x.gather([2, 0, 3], { axis: 1 }));
  }
}

/** Two inputs, and a constant made in forward. */
class Pair extends nn.Module {
  readonly layer = new nn.Linear(4, 1);
  forward(a: Tensor, b?: Tensor): Tensor {
    return this.layer
      .forward(a)
      .mul(b as Tensor)
      .add(tensor([0.25]));
  }
}

/** Counts and remembers in tensors that are no parameters. */
class Remembering extends nn.Module {
  readonly layer = new nn.Linear(4, 3);
  readonly steps = tensor([0]);
  readonly mean = tensor([0, 0, 0]);
  readonly signs = tensor(new Int32Array(3));
  forward(x: Tensor): Tensor {
    const y = this.layer.forward(x);
    this.steps.assign(this.steps.add(1));
    this.mean.assign(this.mean.mul(0.9).add(y.detach().mean({ axis: 0 })));
    this.signs.assign(this.mean.mul(100).clamp(-1, 1).to('int32'));
    return y;
  }
}

function withModel<M extends nn.Module>(model: M, loader = classification().loader): Training & { model: M } {
  settled(model);
  return {
    model,
    loader,
    optimizer: new optim.Adam(model.parameters(), { lr: 0.01 }),
    loss: new nn.CrossEntropyLoss(),
  };
}

function threeTensors(): TensorDataset {
  const next = numbers(3);
  const draw = (size: number) => Float32Array.from({ length: size }, () => next() - 0.5);
  const column = () => tensor(draw(50), { shape: [50, 1] });
  return new TensorDataset(tensor(draw(200), { shape: [50, 4] }), column(), column());
}

const shifted = (output: Tensor, target: Tensor) => new nn.CrossEntropyLoss().forward(output, target);

interface Case {
  name: string;
  make: () => Training;
  options?: Options;
  epochs?: number;
}

const CASES: Case[] = [
  { name: 'the regression', make: () => regression() },
  { name: 'the network', make: () => classification() },
  { name: 'no shuffle', make: () => classification(classes(103), { shuffle: false }) },
  { name: 'dropLast', make: () => classification(classes(103), { dropLast: true }) },
  { name: 'stochastic descent', make: () => classification(classes(37), { batchSize: 1 }) },
  { name: 'batch descent', make: () => classification(classes(300), { batchSize: 300 }) },
  { name: 'a batch larger than the data', make: () => classification(classes(5), { batchSize: 64 }) },
  { name: 'more steps than a table has rows', make: () => regression(line(16_500), { batchSize: 1 }), epochs: 1 },
  { name: 'a Subset, shuffled', make: () => classification(new Subset(classes(80), [5, 3, 70, 3, 9, 11, 40])) },
  {
    name: 'a Subset in its order',
    make: () => classification(new Subset(classes(80), [5, 3, 70]), { shuffle: false }),
  },
  {
    name: 'a Subset of a Subset',
    make: () =>
      classification(
        randomSplit(randomSplit(classes(90), [0.7, 0.3], { seed: 1 })[0] as Subset, [33, 30], { seed: 2 })[0],
      ),
  },
  { name: 'clipped gradients', make: () => classification(), options: { clipGradNorm: 0.05 } },
  { name: 'a loss of the user', make: () => ({ ...regression(), loss: (o, t) => o.sub(t).square().mean().mul(0.5) }) },
  {
    name: 'the sum of errors',
    make: () => ({ ...classification(), loss: new nn.CrossEntropyLoss({ reduction: 'sum' }) }),
  },
  { name: 'a layer used twice', make: () => withModel(new Twice()) },
  { name: 'columns that a list chooses', make: () => withModel(new Choosing()) },
  { name: 'tensors that forward updates', make: () => withModel(new Remembering()) },
  {
    name: 'two inputs',
    make: () => ({
      ...withModel(new Pair(), new DataLoader(threeTensors(), { batchSize: 16 })),
      loss: new nn.MSELoss(),
    }),
  },
  {
    name: 'parameter groups',
    make: () => {
      const training = classification();
      const [a, b] = training.model.modules().filter((m) => m instanceof nn.Linear) as [nn.Linear, nn.Linear];
      const groups = [
        { params: a.parameters(), lr: 0.02 },
        { params: b.parameters(), momentum: 0.5 },
      ];
      return { ...training, optimizer: new optim.SGD(groups, { lr: 0.1, weightDecay: 0.01 }) };
    },
  },
  {
    name: 'a layer that the optimizer was not given',
    make: () => {
      const training = classification();
      return { ...training, optimizer: new optim.Adam(training.model.parameters().slice(2), { lr: 0.01 }) };
    },
  },
];

describe('fit', () => {
  it.each(CASES)(
    'ends with the same bits compiled, eager and batch by batch: $name',
    async ({ make, options, epochs = 3 }) => {
      const compiled = await train(make(), epochs, options);
      expect(await train(make(), epochs, { ...options, compiled: false })).toEqual(compiled);
      expect(await train(make(), epochs, { ...options, onBatchEnd: () => {} })).toEqual(compiled);
    },
  );

  it.each([true, false])(
    'ends with the same bits in one call of 6 epochs as in two of 2 and 4 (compiled: %s)',
    async (compiled) => {
      const [whole, parted] = [classification(), classification()];
      await train(whole, 6, { compiled });
      await train(parted, 2, { compiled });
      await train(parted, 4, { compiled });
      expect(stateOf(parted)).toEqual(stateOf(whole));
    },
  );

  it('goes on with the same bits whichever driver had the epochs before', async () => {
    const [whole, mixed] = [classification(), classification()];
    await train(whole, 4);
    for (const compiled of [false, true, false, true]) await train(mixed, 1, { compiled });
    expect(stateOf(mixed)).toEqual(stateOf(whole));
  });

  it('is the loop written out: zeroGrad, forward, backward, step', async () => {
    const [fitted, looped] = [classification(), classification()];
    await train(fitted, 3);
    const { model, optimizer, loader } = looped;
    const criterion = new nn.CrossEntropyLoss();
    for (let epoch = 0; epoch < 3; epoch++) {
      for (const [x, t] of loader) {
        optimizer.zeroGrad();
        criterion.forward(model.forward(x), t).backward();
        optimizer.step();
      }
    }
    expect(stateOf(looped)).toEqual(stateOf(fitted));
  });

  it('takes a learning rate that changes between epochs, or batches, as the loop does', async () => {
    const [whole, parted] = [classification(), classification()];
    const { optimizer } = whole;
    await train(whole, 3, {
      onEpochEnd: () => {
        optimizer.lr *= 0.5;
      },
    });
    for (let epoch = 0; epoch < 3; epoch++) {
      await train(parted, 1, { compiled: false });
      parted.optimizer.lr *= 0.5;
    }
    expect(stateOf(whole)).toEqual(stateOf(parted));
  });

  it('takes no rate but that of a schedule of steps, whatever is set between batches', async () => {
    const results: unknown[] = [];
    for (const compiled of [true, false]) {
      const training = classification();
      const { optimizer } = training;
      const scheduler = new optim.ExponentialLR(optimizer, { gamma: 0.9, per: 'step' });
      const onBatchEnd = () => {
        optimizer.lr = 1;
      };
      results.push(await train(training, 2, { scheduler, onBatchEnd, compiled }));
    }
    const undisturbed = classification();
    const scheduler = new optim.ExponentialLR(undisturbed.optimizer, { gamma: 0.9, per: 'step' });
    const { state } = (await train(undisturbed, 2, { scheduler })) as { state: { kept: unknown } };
    for (const result of results as { state: { kept: unknown } }[]) expect(result.state.kept).toEqual(state.kept);
    expect(results[0]).toEqual(results[1]);
  });

  it('counts the steps that a callback takes with its optimizer', async () => {
    const results: unknown[] = [];
    for (const compiled of [true, false]) {
      const training = classification();
      const { model, optimizer, loader } = training;
      const onEpochEnd = () => {
        optimizer.zeroGrad();
        model
          .forward(loader.dataset.tensors[0] as Tensor)
          .square()
          .mean()
          .backward();
        optimizer.step();
      };
      results.push(await train(training, 2, { onEpochEnd, compiled }));
      expect(Object.values(optimizer.stateDict().state).map(({ step }) => step)).toEqual([16, 16, 16, 16]);
    }
    expect(results[0]).toEqual(results[1]);
  });

  it('sees parameters that are assigned between epochs', async () => {
    const [compiled, eager] = [regression(), regression()];
    const reset = ({ model }: Training) => model.parameters().forEach((p) => void p.assign(p.mul(0)));
    const results = [
      await train(compiled, 3, { onEpochEnd: () => reset(compiled) }),
      await train(eager, 3, { onEpochEnd: () => reset(eager), compiled: false }),
    ];
    expect(results[0]).toEqual(results[1]);
    expect(compiled.model.parameters().map((p) => p.item())).toEqual([0, 0]);
  });

  it('goes on from a state that a callback loads into its optimizer, or refuses it, whichever driver runs', async () => {
    const outcomes: unknown[] = [];
    for (const compiled of [true, false]) {
      const training = classification();
      const saved = training.optimizer.stateDict();
      const onEpochEnd = () => training.optimizer.loadStateDict(saved as never);
      const outcome = await train(training, 3, { onEpochEnd, compiled }).catch((error: Error) => error);
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(StateError);
      outcomes.push(outcome);
    }
    expect(outcomes[0]).toEqual(outcomes[1]);
  });

  it('gives the same losses for class indices given as floats', async () => {
    const dataset = classes(103);
    const [x, labels] = dataset.tensors as [Tensor, Tensor];
    const floats = new TensorDataset(x, labels.to('float32'));
    expect(await train(classification(floats), 2)).toEqual(await train(classification(dataset), 2));
    expect(await train({ ...classification(dataset), loss: shifted }, 2)).toEqual(
      await train(classification(dataset), 2),
    );
  });
});

describe('a layer that the optimizer was not given', () => {
  it.each([true, false])('stays as it was, and the eager loop goes on after fit (compiled: %s)', async (compiled) => {
    const { model, loader, loss } = classification();
    const [frozen, ...rest] = model.modules().filter((m) => m instanceof nn.Linear) as [nn.Linear, nn.Linear];
    const before = frozen.weight.toArray();
    const optimizer = new optim.SGD(rest.flatMap((m) => m.parameters()));
    await fit(model, loader, { loss, optimizer, epochs: 2, compiled });
    expect(frozen.weight.toArray()).toEqual(before);
    for (const p of model.parameters()) p.grad = undefined;
    model
      .forward(tensor([[1, 2, 3, 4]]))
      .sum()
      .backward();
    expect(frozen.weight.grad?.shape).toEqual([9, 4]);
  });

  it('has no gradient left over from a compiled fit that breaks the next backward()', async () => {
    const frozen = parameter([[1]]);
    const trained = parameter([[1]]);
    class Product extends nn.Module {
      forward(x: Tensor): Tensor {
        return x.mul(frozen).mul(trained);
      }
    }
    const optimizer = new optim.SGD([trained]);
    const { loader, loss } = regression();
    await fit(new Product(), loader, { loss, optimizer, epochs: 1 });
    trained.mul(frozen).sum().backward();
    expect(frozen.grad?.item()).toBe(trained.item());
  });
});
