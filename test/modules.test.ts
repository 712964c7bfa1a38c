import { fit, manualSeed, OptionError, ones, parameter, ShapeError, type Tensor, tensor, zeros } from 'downhill';
import { DataLoader } from 'downhill/data';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';
import { describe, expect, it } from 'vitest';
import { bitsOf } from './golden/bits.js';
import { philox } from './support/philox';
import { classes, settled, stateOf } from './support/training';

// biome-ignore lint/suspicious/noExplicitAny: what callers in JavaScript may hand over
const any = (value: unknown): any => value;

const failures: [what: string, call: () => unknown, kind: typeof OptionError | typeof ShapeError, message: RegExp][] = [
  ['a p above 1', () => new nn.Dropout(1.5), OptionError, /p of Dropout is 1.5.*from 0 to 1/],
  ['an axis of text', () => new nn.Softmax({ axis: any('last') }), OptionError, /axis of Softmax is "last"/],
  ['dim', () => new nn.LogSoftmax(any({ dim: 1 })), OptionError, /LogSoftmax has no option "dim"/],
  ['an axis that x has not', () => new nn.Softmax({ axis: 2 }).forward(zeros([2, 3])), OptionError, /axis/],
  [
    'axes in the wrong order',
    () => new nn.Flatten({ startAxis: 2, endAxis: 1 }).forward(zeros([1, 2, 3])),
    OptionError,
    /2/,
  ],
  ['a row of another length', () => new nn.LayerNorm(3).forward(zeros([2, 4])), ShapeError, /LayerNorm\(3\).*\[2, 4\]/],
  ['half a row', () => new nn.LayerNorm(1.5), OptionError, /length of LayerNorm is 1.5/],
  [
    'elementwise_affine',
    () => new nn.LayerNorm(2, any({ elementwise_affine: true })),
    OptionError,
    /"elementwiseAffine"/,
  ],
  ['other features', () => new nn.BatchNorm1d(3).forward(zeros([2, 4])), ShapeError, /BatchNorm1d\(3\).*\[2, 4\]/],
  ['a batch of one row', () => new nn.BatchNorm1d(3).forward(zeros([1, 3])), ShapeError, /no variance.*dropLast/],
  ['a momentum of 2', () => new nn.BatchNorm1d(3, { momentum: 2 }), OptionError, /momentum of BatchNorm1d is 2/],
  ['an index of no row', () => new nn.Embedding(3, 2).forward(tensor([3])), OptionError, /Embedding got the index 3/],
  ['a padding of no row', () => new nn.Embedding(3, 2, { paddingIdx: 3 }), OptionError, /from 0 to 2/],
];

it.each(failures)('a module refuses %s', (_, call, kind, message) => {
  expect(call).toThrow(kind);
  expect(call).toThrow(message);
});

it('a module says what it is', () => {
  const model = new nn.Sequential(new nn.Embedding(4, 2), new nn.LayerNorm(2), new nn.Flatten(), new nn.Dropout(0.25));
  expect(model.toString()).toBe(
    [
      'Sequential(',
      '  (0): Embedding(4 -> 2)',
      '  (1): LayerNorm(2, eps: 0.00001)',
      '  (2): Flatten(startAxis: 1, endAxis: -1)',
      '  (3): Dropout(p: 0.25)',
      ')',
    ].join('\n'),
  );
});

/** With names that Module could have kept for itself. */
class Names extends nn.Module {
  state = parameter([1]);
  named = new nn.Linear(1, 2);
  own = new nn.Sequential(new nn.Linear(2, 1));
  visit = parameter([2, 3]);
  others = 3;
  forward(x: Tensor): Tensor {
    return this.own.forward(this.named.forward(x)).mul(this.state).add(this.visit.sum()).mul(this.others);
  }
}

it('a field of a module may have any name that is not documented', () => {
  const model = new Names();
  const names = ['state', 'visit', 'named.weight', 'named.bias', 'own.0.weight', 'own.0.bias'];
  expect(Object.keys(model.stateDict())).toEqual(names);
  expect(
    new Names()
      .loadStateDict(model.stateDict())
      .forward(ones([1, 1]))
      .item(),
  ).toBe(model.forward(ones([1, 1])).item());
});

describe('Dropout', () => {
  const DROPOUT = 3;

  /** Which elements a pass keeps, by the definition. */
  function kept(
    n: number,
    { place, pass, p, seed }: { place: number; pass: number; p: number; seed: number },
  ): boolean[] {
    return Array.from({ length: n }, (_, i) => {
      const words = philox([Math.floor(i / 4), pass, DROPOUT, place], [seed, 0]);
      return ((words[i % 4] as number) >>> 8) / 2 ** 24 >= Math.fround(p);
    });
  }

  it.each([0.1, 0.5, 0.9])('has the mask that Philox gives for (seed, place, pass, element), with p = %f', (p) => {
    manualSeed(11);
    const model = new nn.Sequential(new nn.Dropout(p), new nn.Sequential(new nn.Dropout(p)));
    model.modules();
    const [first, second] = [model.layers[0], (model.layers[1] as nn.Sequential).layers[0]] as [nn.Dropout, nn.Dropout];
    manualSeed(12);
    const scale = Math.fround(1 / (1 - p));
    for (const [place, layer] of [
      [1, first],
      [3, second],
    ] as const) {
      for (const pass of [0, 1]) {
        const expected = kept(1023, { place, pass, p, seed: 11 }).map((keep) => (keep ? scale : 0));
        expect(
          layer
            .forward(ones([33, 31]))
            .reshape([1023])
            .toArray(),
        ).toEqual(expected);
      }
    }
  });

  it('keeps about 1 - p of the elements', () => {
    manualSeed(3);
    const share = new nn.Dropout(0.3)
      .forward(ones([100_000]))
      .gt(0)
      .mean()
      .item();
    expect(share).toBeCloseTo(0.7, 2);
  });

  it('brings gradients to what it kept only, and drops everything with p = 1', () => {
    const x = ones([64]);
    x.requiresGrad = true;
    const y = new nn.Dropout(0.5).forward(x);
    y.sum().backward();
    expect(x.grad?.toArray()).toEqual(y.toArray());
    expect(new nn.Dropout(1).forward(ones([5])).toArray()).toEqual([0, 0, 0, 0, 0]);
  });

  it('is the identity with p = 0 and in eval mode, and then counts no pass', () => {
    manualSeed(5);
    const layer = new nn.Dropout(0.5);
    const x = ones([40]);
    expect(layer.eval().forward(x)).toBe(x);
    expect(new nn.Dropout(0).forward(x)).toBe(x);
    const expected = kept(40, { place: 0, pass: 0, p: 0.5, seed: 5 });
    expect(layer.train().forward(x).toArray()).toEqual(expected.map((keep) => (keep ? 2 : 0)));
  });
});

/** A module as a user writes it: a layer around which the input passes. */
class Residual extends nn.Module {
  readonly norm = new nn.BatchNorm1d(4);
  readonly layer = new nn.Linear(4, 4);
  readonly dropout = new nn.Dropout(0.25);
  forward(x: Tensor): Tensor {
    return this.dropout.forward(this.layer.forward(this.norm.forward(x)).relu()).add(x);
  }
}

describe('a model with masks, running statistics and a module of its own', () => {
  function setUp(lr = 0.01) {
    manualSeed(21);
    const model = settled(new nn.Sequential(new Residual(), new nn.Dropout(0.5), new Residual(), new nn.Linear(4, 3)));
    const optimizer = new optim.Adam(model.parameters(), { lr });
    const loader = new DataLoader(classes(103), { batchSize: 16, shuffle: true, seed: 4 });
    return { model, optimizer, loader, loss: new nn.CrossEntropyLoss() };
  }

  it('ends with the same bits compiled, eager, batch by batch, and in a loop by hand', async () => {
    const trained = async (options: object) => {
      const training = setUp();
      const { model, loader, ...rest } = training;
      await fit(model, loader, { ...rest, epochs: 3, ...options });
      return stateOf(training);
    };
    const byHand = setUp();
    for (let epoch = 0; epoch < 3; epoch++) {
      for (const [x, t] of byHand.loader) {
        byHand.optimizer.zeroGrad();
        byHand.loss.forward(byHand.model.forward(x), t).backward();
        byHand.optimizer.step();
      }
    }
    const expected = stateOf(byHand);
    expect(await trained({})).toEqual(expected);
    expect(await trained({ compiled: false })).toEqual(expected);
    expect(await trained({ onBatchEnd: () => {} })).toEqual(expected);
  });

  it('keeps masks, statistics and counts of the step before the one that diverged, in both drivers', async () => {
    const diverged = async (compiled: boolean) => {
      const training = setUp(1e37);
      const { model, loader, ...rest } = training;
      const failed = fit(model, loader, { ...rest, epochs: 3, compiled });
      await expect(failed).rejects.toThrow(/diverged/);
      const { passes: _, ...state } = any(stateOf(training));
      return bitsOf(state);
    };
    const [compiled, eager] = [await diverged(true), await diverged(false)];
    expect(compiled).toEqual(eager);
  });
});
