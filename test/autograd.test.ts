import { evaluate, fit, noGrad, ones, parameter, predict, rand, type Tensor, tensor } from 'downhill';
import { DataLoader, TensorDataset } from 'downhill/data';
import * as nn from 'downhill/nn';
import { SGD } from 'downhill/optim';
import { describe, expect, it } from 'vitest';

/** Keeps what it gets: under its own name, or as a look that no gradient passes. */
class Keeping extends nn.Module {
  seen: Tensor | undefined;
  constructor(private readonly look: (x: Tensor) => Tensor) {
    super();
  }
  forward(x: Tensor): Tensor {
    this.seen = this.look(x);
    return x.relu();
  }
}

/** Gives the same parameter whatever it gets: a learned input. */
class Learned extends nn.Module {
  readonly value = parameter([[1, 2]]);
  forward(): Tensor {
    return this.value;
  }
}

/** Gives a constant of its own. */
class Fixed extends nn.Module {
  readonly value = tensor([[1, 2]]);
  forward(): Tensor {
    return this.value;
  }
}

/** Adds what another layer has kept: a connection past the layers between. */
class Adding extends nn.Module {
  constructor(private readonly from: Keeping) {
    super();
  }
  forward(x: Tensor): Tensor {
    return x.add(this.from.seen as Tensor);
  }
}

const x = () => tensor([[1, -2]]);
const both = [
  ['with gradients', (model: nn.Module) => model.forward(x()).sum().backward()],
  ['without gradients', (model: nn.Module) => noGrad(() => model.forward(x()))],
] as const;

describe.each(both)('a forward pass %s through a Sequential', (_, pass) => {
  it.each([
    ['itself', (t: Tensor) => t],
    ['detached', (t: Tensor) => t.detach()],
    ['reshaped', (t: Tensor) => t.reshape([2, 1])],
    ['transposed', (t: Tensor) => t.transpose()],
  ])('leaves an activation that a layer has kept: %s', (__, look) => {
    const keeping = new Keeping(look);
    const first = new nn.Linear(2, 2);
    pass(new nn.Sequential(first, keeping, new nn.Linear(2, 1)));
    const expected = noGrad(() => first.forward(x()));
    expect(Array.from(keeping.seen?.toTypedArray() ?? [])).toEqual(Array.from(expected.toTypedArray()));
  });

  it('leaves a parameter and a constant that a layer has given', () => {
    const [learned, fixed] = [new Learned(), new Fixed()];
    pass(new nn.Sequential(learned, new nn.Linear(2, 1)));
    pass(new nn.Sequential(fixed, new nn.Linear(2, 1)));
    expect([learned.value.toArray(), fixed.value.toArray()]).toEqual([[[1, 2]], [[1, 2]]]);
  });

  it('may go past layers', () => {
    const keeping = new Keeping((t) => t);
    const model = new nn.Sequential(new nn.Linear(2, 2), keeping, new nn.Linear(2, 2), new Adding(keeping));
    expect(() => pass(model)).not.toThrow();
  });

  it('leaves its input', () => {
    const given = x();
    const model = new nn.Sequential(new nn.ReLU(), new nn.Tanh());
    noGrad(() => model.forward(given));
    expect(given.toArray()).toEqual([[1, -2]]);
  });
});

describe('a layer', () => {
  it('may keep what predict and evaluate give it', async () => {
    const [first, second] = [new Keeping((t) => t), new Keeping((t) => t)];
    await predict(first, [[1, -2]]);
    await evaluate(second, new DataLoader(new TensorDataset([[3, 4]], [1])), { loss: (o) => o.sum() });
    expect([first.seen?.toArray(), second.seen?.toArray()]).toEqual([[[1, -2]], [[3, 4]]]);
  });

  it('may know the one that it is in', () => {
    class Child extends nn.Linear {
      parent: nn.Module | undefined;
    }
    class Parent extends nn.Module {
      readonly child = new Child(2, 1);
      forward(x: Tensor): Tensor {
        return this.child.forward(x);
      }
    }
    const parent = new Parent();
    parent.child.parent = parent;
    expect(parent.modules()).toEqual([parent, parent.child]);
    expect(Object.keys(parent.stateDict())).toEqual(['child.weight', 'child.bias']);
  });
});

describe('a gradient', () => {
  it('reaches a target that requires one, as the output it stands beside', () => {
    const [output, target] = [parameter([1, 5]), parameter([2, 2])];
    new nn.MSELoss().forward(output, target).backward();
    expect([output.grad?.toArray(), target.grad?.toArray()]).toEqual([
      [-1, 3],
      [1, -3],
    ]);
  });

  it('of x⁰ is 0 where x is 0, as in PyTorch', () => {
    const base = parameter([0, 2]);
    base.pow(0).sum().backward();
    expect(base.grad?.toArray()).toEqual([0, 0]);
  });

  it('of 0ʸ with respect to y is 0 for y = 0 and above, as in PyTorch', () => {
    const exponent = parameter([0, 1, 2]);
    tensor([0, 0, 0]).pow(exponent).sum().backward();
    expect(exponent.grad?.toArray()).toEqual([0, 0, 0]);
  });

  it('is the parameter’s own: changing one changes no other', () => {
    const [a, b] = [parameter([1, 2]), parameter([3, 4])];
    a.add(b).sum().backward();
    a.grad?.assign([7, 7]);
    expect(b.grad?.toArray()).toEqual([1, 1]);
  });

  it('comes through a view of a parameter', () => {
    const w = parameter([
      [1, 2],
      [3, 4],
    ]);
    const column = w.transpose().slice(0, 1).reshape([-1]);
    column
      .mul(tensor([10, 20]))
      .sum()
      .backward();
    expect(w.grad?.toArray()).toEqual([
      [10, 0],
      [20, 0],
    ]);
  });

  it.each([
    ['sum', 1],
    ['mean', 1 / 2],
    ['max', 1],
    ['min', 1],
  ] as const)('comes through a transposed %s', (name, share) => {
    const w = parameter([[[1, 2, 3]], [[4, 5, 6]]].map((rows) => [...rows, ...rows.map((row) => row.map((v) => -v))]));
    const weights = [
      [1, 2],
      [3, 4],
      [5, 6],
    ];
    w[name]({ axis: 1 }).transpose().mul(tensor(weights)).sum().backward();
    const chosen = { sum: [1, 1], mean: [1, 1], max: [1, 0], min: [0, 1] }[name];
    const column = (i: number) => weights.map((row) => (row[i] as number) * share);
    expect(w.grad?.toArray()).toEqual([0, 1].map((i) => chosen.map((c) => column(i).map((v) => v * c))));
  });

  it('comes once through a graph that is walked twice with retainGraph', () => {
    const w = parameter([3]);
    const loss = w.square().sum();
    loss.backward({ retainGraph: true });
    loss.backward();
    expect(w.grad?.toArray()).toEqual([12]);
  });

  it('comes from two losses over the same part of a graph', () => {
    const w = parameter([3]);
    const shared = w.mul(2);
    shared.square().sum().backward({ retainGraph: true });
    shared.sum().backward();
    expect(w.grad?.toArray()).toEqual([2 * 6 * 2 + 2]);
  });

  it('comes through a chain of 20,000 operations', () => {
    const w = parameter([1]);
    let y: Tensor = w;
    for (let i = 0; i < 20_000; i++) y = y.add(1);
    y.backward();
    expect(w.grad?.toArray()).toEqual([1]);
  });

  it('comes through a graph in which each part is used twice', () => {
    const w = parameter([1]);
    let y: Tensor = w;
    for (let i = 0; i < 60; i++) y = y.add(y).mul(0.5);
    y.backward();
    expect(w.grad?.toArray()).toEqual([1]);
  });
});

describe('a gradient of values that were changed since', () => {
  const w = () => parameter([2]);
  it.each<[string, (w: Tensor) => unknown]>([
    ['assign() of plain values', (p) => p.assign([5])],
    ['assign() of a tensor', (p) => p.assign(ones([1]))],
    ['assign() through a view', (p) => p.reshape([1, 1]).assign([[5]])],
    ['a step of an optimizer', (p) => Object.assign(p, { grad: ones([1]) }) && new SGD([p], { lr: 1 }).step()],
  ])('is not computed after %s', (_, change) => {
    const [p, other] = [w(), w()];
    const y = p.mul(other).sum();
    change(p);
    const before = p.grad;
    expect(() => y.backward()).toThrow(/what a tensor held in the forward pass, and assign\(\) or an optimizer's step/);
    expect([p.grad, other.grad]).toEqual([before, undefined]);
    p.mul(other).sum().backward();
    expect(other.grad?.toArray()).toEqual(p.toArray());
  });

  it('is computed where it does not need them', () => {
    const [p, other] = [w(), w()];
    const y = p.add(other).mul(3).sum();
    p.assign([5]);
    y.backward();
    expect([p.grad?.toArray(), other.grad?.toArray()]).toEqual([[3], [3]]);
  });

  it.each([true, false])('is not computed in fit where forward changes them (compiled: %s)', async (compiled) => {
    class Own extends nn.Module {
      factor = parameter([1]);
      seen = ones([1]);
      forward(x: Tensor): Tensor {
        const y = x.mul(this.factor).mul(this.seen);
        this.seen.assign(this.seen.mul(0.9));
        return y;
      }
    }
    const model = new Own();
    const loader = new DataLoader(new TensorDataset([[1], [2]], [[1], [2]]));
    const options = { loss: new nn.MSELoss(), optimizer: new SGD(model.parameters()), epochs: 1, compiled };
    await expect(fit(model, loader, options)).rejects.toThrow(/what a tensor held in the forward pass/);
    expect([model.factor.item(), model.seen.item()]).toEqual([1, 1]);
  });
});

describe('a state that does not fit', () => {
  it.each([
    ['a name is missing', { weight: ones([1, 2]) }, /missing bias/],
    ['a name is unknown', { weight: ones([1, 2]), bias: ones([1]), scale: ones([1]) }, /unknown scale/],
    ['a shape is another', { weight: ones([1, 2]), bias: ones([2]) }, /bias has shape \[2\]; it must be \[1\]/],
    ['the elements are too few', { weight: ones([1, 2]), bias: { shape: [1], data: [] } }, /bias has 0 elements/],
    ['an entry is nothing', { weight: ones([1, 2]), bias: undefined as never }, /bias has shape undefined/],
    ['there is no record', undefined as never, /loadStateDict got undefined; give what stateDict/],
    ['an entry was disposed', { weight: ones([1, 2]), bias: disposed() }, /used after it was disposed/],
  ])('changes nothing in a model where %s', (_, dict, says) => {
    const model = new nn.Linear(2, 1);
    const before = model.weight.toArray();
    expect(() => model.loadStateDict(dict)).toThrow(says);
    expect(model.weight.toArray()).toEqual(before);
  });

  it('is a snapshot: training on does not change it', () => {
    const model = new nn.Linear(2, 1);
    const state = model.stateDict();
    const before = state.weight?.toArray();
    model.weight.assign(rand([1, 2]));
    expect(state.weight?.toArray()).toEqual(before);
  });
});

function disposed(): Tensor {
  const t = ones([1]);
  t.dispose();
  return t;
}
