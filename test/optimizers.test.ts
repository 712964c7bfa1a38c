import { OptionError, parameter, ShapeError, StateError, type Tensor, tensor } from 'downhill';
import { StandardScaler } from 'downhill/data';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';
import { describe, expect, it } from 'vitest';
import { bitsOf } from './golden/bits.js';
import { errorOf } from './support/failures';
import { settled } from './support/training';

const model = () => settled(new nn.Linear(2, 1));

function stepped<O extends optim.SGD | optim.Adam>(m: nn.Module, optimizer: O, steps = 3): O {
  for (let i = 0; i < steps; i++) {
    optimizer.zeroGrad();
    m.forward(tensor([[1, 2]]))
      .square()
      .sum()
      .backward();
    optimizer.step();
  }
  return optimizer;
}

const adam = () => {
  const m = model();
  return stepped(m, new optim.Adam(m.parameters(), { lr: 0.1 }));
};

type Dict = ReturnType<optim.Adam['stateDict']>;

/** What was loaded, what is wrong with it, and what the error says. */
const UNFIT: [name: string, spoil: (dict: Dict) => unknown, error: new (m: string) => Error, says: RegExp][] = [
  ['is nothing', () => undefined, StateError, /no parameters/],
  [
    'has other groups',
    (d) => ({ ...d, groups: [...d.groups, ...d.groups] }),
    StateError,
    /groups of 2, 2 parameters; .* has 2/,
  ],
  [
    'has a parameter too many',
    (d) => ({ ...d, state: { ...d.state, 2: d.state[0] } }),
    StateError,
    /parameter 2; there are 2/,
  ],
  [
    'has another shape',
    (d) => ({ ...d, state: { 1: d.state[0] } }),
    ShapeError,
    /expAvg of parameter 1 has shape \[1, 2\]/,
  ],
  ['lacks a tensor', (d) => ({ ...d, state: { 0: { step: 3 }, 1: d.state[1] } }), StateError, /expAvg/],
  [
    'lacks the count of steps',
    (d) => ({ ...d, state: { 0: { ...d.state[0], step: undefined } } }),
    OptionError,
    /step/,
  ],
  ['lacks its states', (d) => ({ groups: d.groups }), StateError, /state/],
  [
    'has a rate out of range',
    (d) => ({ ...d, groups: d.groups.map((g) => ({ ...g, lr: -1 })) }),
    OptionError,
    /lr is -1/,
  ],
  [
    'has betas of another rule',
    (d) => ({ ...d, groups: d.groups.map(({ betas: _, ...g }) => g) }),
    OptionError,
    /betas is undefined/,
  ],
];

describe('an optimizer', () => {
  it.each(UNFIT)('is not changed by a state that %s', async (_, spoil, error, says) => {
    const optimizer = adam();
    const before = bitsOf(optimizer.stateDict());
    const thrown = await errorOf(() => optimizer.loadStateDict(spoil(optimizer.stateDict()) as never));
    expect((thrown as Error).message).toMatch(says);
    expect(thrown).toBeInstanceOf(error);
    expect(bitsOf(optimizer.stateDict())).toEqual(before);
  });

  it('goes on with the same bits from a state that was saved', () => {
    const [a, b] = [model(), model()];
    const first = stepped(a, new optim.Adam(a.parameters(), { lr: 0.1 }));
    const second = new optim.Adam(b.parameters());
    b.loadStateDict(a.stateDict());
    second.loadStateDict(first.stateDict());
    stepped(a, first);
    stepped(b, second);
    expect(bitsOf([b.stateDict(), second.stateDict()])).toEqual(bitsOf([a.stateDict(), first.stateDict()]));
  });

  it('goes on with the same bits from what its state became in JSON', () => {
    const a = model();
    const first = stepped(a, new optim.Adam(a.parameters(), { lr: 0.1 }));
    const second = new optim.Adam(a.parameters());
    second.loadStateDict(JSON.parse(JSON.stringify(first.stateDict())));
    expect(bitsOf(second.stateDict())).toEqual(bitsOf(first.stateDict()));
  });

  it('gives copies in its state, and takes copies from one', () => {
    const optimizer = adam();
    const dict = optimizer.stateDict();
    optimizer.loadStateDict(dict);
    const { 0: own } = dict.state;
    (own as unknown as { expAvg: Tensor }).expAvg.assign([[9, 9]]);
    const { 0: kept } = optimizer.stateDict().state;
    expect(kept).toHaveProperty('expAvg.shape', [1, 2]);
    expect(bitsOf(kept)).not.toEqual(bitsOf(own));
  });

  it('passes over parameters without a gradient, and counts their steps apart', () => {
    const [a, b] = [parameter([1]), parameter([1])];
    const optimizer = new optim.Adam([a, b], { lr: 0.1 });
    for (const used of [[a], [a, b], [a]]) {
      optimizer.zeroGrad();
      for (const p of used) p.square().sum().backward();
      optimizer.step();
    }
    const { state } = optimizer.stateDict();
    expect([state[0]?.step, state[1]?.step]).toEqual([3, 1]);
    const alone = parameter([1]);
    const other = new optim.Adam([alone], { lr: 0.1 });
    alone.square().sum().backward();
    other.step();
    expect(b.item()).toBe(alone.item());
  });

  it('remembers nothing before its first step, and a step without gradients changes nothing', () => {
    const p = parameter([1]);
    const optimizer = new optim.SGD([p], { momentum: 0.9, weightDecay: 0.1 });
    optimizer.step();
    expect([p.item(), optimizer.stateDict().state]).toEqual([1, {}]);
  });

  it('sets the rate of every group, and reads that of the first', () => {
    const groups = [{ params: [parameter([1])], lr: 0.5 }, { params: [parameter([1])] }];
    const optimizer = new optim.SGD(groups, { lr: 0.1 });
    expect([optimizer.lr, ...optimizer.stateDict().groups.map((g) => g.lr)]).toEqual([0.5, 0.5, 0.1]);
    optimizer.lr = 0.25;
    expect(optimizer.stateDict().groups.map((g) => g.lr)).toEqual([0.25, 0.25]);
  });

  it('carries a NaN of the gradient into the parameter, whatever it remembers', () => {
    for (const make of [
      (p: Tensor) => new optim.SGD([p]),
      (p: Tensor) => new optim.SGD([p], { momentum: 0.9 }),
      (p: Tensor) => new optim.Adam([p]),
    ]) {
      const p = parameter([1]);
      const optimizer = make(p);
      p.mul(Number.NaN).sum().backward();
      optimizer.step();
      expect(p.item()).toBeNaN();
    }
  });
});

describe('NAdam', () => {
  /** The steps of a momentum that falls from step to step, by whichever optimizer. */
  const falling = (optimizer: optim.NAdam, w: Tensor, from: number) => {
    for (let i = from; i < from + 3; i++) {
      for (const { options } of optimizer.groups) options.betas = [0.95 - 0.05 * i, 0.99];
      optimizer.zeroGrad();
      w.square().sum().backward();
      optimizer.step();
    }
  };
  const given = () => {
    const w = parameter([1, -2]);
    return { w, optimizer: new optim.NAdam([w], { lr: 0.1 }) };
  };
  /** β₁ (1 - 0.96^(t momentumDecay) / 2) */
  const mu = (t: number) => (0.95 - 0.05 * (t - 1)) * (1 - 0.5 * 0.96 ** (t * 0.004));

  it('has the product of the momenta that its steps had in its state, as mu_product of PyTorch', () => {
    const { w, optimizer } = given();
    falling(optimizer, w, 0);
    expect(optimizer.stateDict().state[0]?.muProduct).toBeCloseTo(mu(1) * mu(2) * mu(3), 12);
  });

  it('goes on with it from a state, and without it as if the momentum had not changed', () => {
    const [whole, part, old] = [given(), given(), given()];
    falling(whole.optimizer, whole.w, 0);
    const state = whole.optimizer.stateDict();
    for (const { w } of [part, old]) w.assign(whole.w);
    const { muProduct: _, ...own } = state.state[0] as (typeof state.state)[0] & { muProduct: number };
    part.optimizer.loadStateDict(state);
    old.optimizer.loadStateDict({ ...state, state: { 0: own } } as typeof state);
    for (const { w, optimizer } of [whole, part, old]) falling(optimizer, w, 3);
    expect(part.w.toArray()).toEqual(whole.w.toArray());
    expect(part.optimizer.stateDict().state[0]?.muProduct).toBe(whole.optimizer.stateDict().state[0]?.muProduct);
    expect(old.w.toArray()).not.toEqual(whole.w.toArray());
  });
});

describe('momentum that is turned on after some steps', () => {
  it('begins with the gradient of the first step that has it', () => {
    const w = parameter([1]);
    const optimizer = new optim.SGD([w], { lr: 0.5 });
    const step = () => {
      optimizer.zeroGrad();
      w.mul(2).sum().backward();
      optimizer.step();
      return w.item();
    };
    expect(step()).toBe(0);
    for (const group of optimizer.groups) group.options.momentum = 0.5;
    expect([step(), step(), step()]).toEqual([-1, -2.5, -4.25]);
  });
});

describe('clipGradNorm', () => {
  it('leaves gradients alone that are short enough, to the bit', () => {
    const p = parameter([0.3, -0.4]);
    p.square().sum().backward();
    const before = bitsOf(p.grad);
    expect(optim.clipGradNorm([p], 1.001).item()).toBeCloseTo(1, 6);
    expect(bitsOf(p.grad)).toEqual(before);
  });

  it('scales all gradients as one vector, and passes over parameters without one', () => {
    const [a, b, c] = [parameter([3]), parameter([[4]]), parameter([1])];
    a.square().sum().add(b.square().sum()).backward();
    expect(optim.clipGradNorm([a, c, b], 5).item()).toBeCloseTo(10, 5);
    expect([a.grad?.item(), b.grad?.item(), c.grad]).toEqual([expect.closeTo(3, 5), expect.closeTo(4, 5), undefined]);
  });

  it('leaves gradients of 0 at 0', () => {
    const p = parameter([1]);
    p.mul(0).sum().backward();
    expect([optim.clipGradNorm([p], 1).item(), p.grad?.item()]).toEqual([0, 0]);
  });
});

describe('a StandardScaler', () => {
  it.each([0.1, 1e6 + 0.1, 0])('takes a column that is %d throughout for constant', (value) => {
    const rows = Array.from({ length: 1001 }, (_, i) => [value, i]);
    const scaler = new StandardScaler().fit(rows);
    expect(scaler.scale?.[0]).toBe(1);
    expect(scaler.transform([[value, 500]]).toArray()).toEqual([[0, 0]]);
  });

  it('does not lose the deviation of a column beside a large mean', () => {
    const rows = Array.from({ length: 1000 }, (_, i) => [1e6 + (i % 2)]);
    expect(new StandardScaler().fit(rows).scale?.[0]).toBe(0.5);
  });

  it('takes its own transformation back', () => {
    const rows = [
      [1, 10],
      [2, 30],
      [4, 20],
    ];
    const scaler = new StandardScaler();
    const back = scaler.inverseTransform(scaler.fitTransform(rows)).toArray() as number[][];
    back.forEach((row, i) => {
      row.forEach((v, j) => {
        expect(v).toBeCloseTo(rows[i]?.[j] as number, 4);
      });
    });
  });
});
