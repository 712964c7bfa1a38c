import { OptionError, parameter, ShapeError, type Tensor, tensor } from 'downhill';
import * as nn from 'downhill/nn';
import { describe, expect, it } from 'vitest';

const labels = (...list: number[]) => tensor(Int32Array.from(list));
const pair = () => [tensor([[1, -2, 0.5]]), tensor([[0.25, 0.5, 1]])] as const;
const twoRows = tensor([
  [1, 2, 3],
  [3, 1, 0],
]);
// biome-ignore lint/suspicious/noExplicitAny: what callers in JavaScript may hand over
const any = (value: unknown): any => value;

type Failure = [what: string, call: () => unknown, kind: typeof OptionError | typeof ShapeError, message: RegExp];

const failures: Failure[] = [
  ['an unknown reduction', () => new nn.L1Loss({ reduction: any('avg') }), OptionError, /'mean', 'sum' or 'none'/],
  ['batchmean elsewhere', () => new nn.MSELoss({ reduction: any('batchmean') }), OptionError, /"batchmean"/],
  ['an unknown option', () => new nn.HuberLoss(any({ detla: 1 })), OptionError, /did you mean "delta"/],
  ['a delta of 0', () => new nn.HuberLoss({ delta: 0 }), OptionError, /delta of HuberLoss is 0.*above 0/],
  ['a negative beta', () => new nn.SmoothL1Loss({ beta: -1 }), OptionError, /beta of SmoothL1Loss is -1/],
  ['a smoothing above 1', () => new nn.CrossEntropyLoss({ labelSmoothing: 1.5 }), OptionError, /from 0 to 1/],
  ['an ignoreIndex of 0.5', () => new nn.NLLLoss({ ignoreIndex: 0.5 }), OptionError, /ignoreIndex of NLLLoss/],
  [
    'a weight for other classes',
    () => new nn.CrossEntropyLoss({ weight: [1, 2] }).forward(twoRows, labels(0, 1)),
    ShapeError,
    /weight of shape \[2\] and got 3 classes/,
  ],
  [
    'a posWeight that does not broadcast',
    () => new nn.BCEWithLogitsLoss({ posWeight: [1, 2] }).forward(...pair()),
    ShapeError,
    /posWeight of shape \[2\].*\[1, 3\]/,
  ],
  [
    'a posWeight that would stretch the output',
    () => new nn.BCEWithLogitsLoss({ posWeight: [[1], [2]] }).forward(...pair()),
    ShapeError,
    /posWeight of shape \[2, 1\]/,
  ],
  [
    'a label that is neither a class nor ignored',
    () => new nn.CrossEntropyLoss({ ignoreIndex: -1 }).forward(twoRows, labels(-1, 3)),
    OptionError,
    /index 3 at position 1.*from 0 to 2, or -1/,
  ],
  ['labels without an ignoreIndex', () => new nn.NLLLoss().forward(twoRows, labels(0, -100)), OptionError, /-100/],
  [
    'an ignoreIndex beside probabilities',
    () => new nn.CrossEntropyLoss({ ignoreIndex: 0 }).forward(twoRows, twoRows),
    OptionError,
    /needs class indices/,
  ],
  [
    'labels as a column',
    () => new nn.NLLLoss().forward(twoRows, labels(0, 1).reshape([2, 1])),
    ShapeError,
    /Use target.reshape\(\[2\]\)/,
  ],
];

it.each(failures)('a loss refuses %s', (_, call, kind, message) => {
  expect(call).toThrow(kind);
  expect(call).toThrow(message);
});

const PAIRED = {
  L1Loss: nn.L1Loss,
  HuberLoss: nn.HuberLoss,
  SmoothL1Loss: nn.SmoothL1Loss,
  PoissonNLLLoss: nn.PoissonNLLLoss,
  KLDivLoss: nn.KLDivLoss,
};

it.each(Object.entries(PAIRED))('%s does not broadcast, and suggests the reshape', (name, kind) => {
  const loss = new kind();
  expect(() => loss.forward(tensor([[1], [2]]), tensor([1, 2]))).toThrow(ShapeError);
  expect(() => loss.forward(tensor([[1], [2]]), tensor([1, 2]))).toThrow(
    new RegExp(`^${name} got .*target.reshape\\(\\[2, 1\\]\\)`),
  );
});

describe('what is not finite beside what counts does no harm:', () => {
  function gradient(loss: nn.Loss<string>, x: number[][], target: Tensor): unknown {
    const output = parameter(x);
    const y = loss.forward(output, target);
    expect(Number.isFinite(y.item())).toBe(true);
    y.backward();
    return (output.grad as Tensor).toArray();
  }

  it('a class that is masked out by a logit of -Infinity', () => {
    const masked = [[0, 0, Number.NEGATIVE_INFINITY]];
    const loss = new nn.CrossEntropyLoss({ weight: [2, 1, 1] });
    expect(gradient(loss, masked, labels(0))).toEqual([[-0.5, 0.5, 0]]);
  });

  it('the logarithm of a probability of 0 in NLLLoss', () => {
    expect(gradient(new nn.NLLLoss(), [[0, Number.NEGATIVE_INFINITY]], labels(0))).toEqual([[-1, 0]]);
  });

  it('a target of 0 in KLDivLoss', () => {
    const loss = new nn.KLDivLoss({ reduction: 'sum' });
    expect(gradient(loss, [[-1, -2]], tensor([[0, 1]]))).toEqual([[-0, -1]]);
  });

  it('a row that is ignored', () => {
    const loss = new nn.CrossEntropyLoss({ ignoreIndex: -1, labelSmoothing: 0.5 });
    const [first, second] = gradient(
      loss,
      [
        [1, 2, 3],
        [3, 1, 0],
      ],
      labels(-1, 2),
    ) as number[][];
    expect(first).toEqual([0, 0, 0]);
    expect(second?.[2]).toBeLessThan(0);
  });
});

it('weights may be arrays, typed arrays or tensors', () => {
  const values = [[0.5, 1, 2], new Float32Array([0.5, 1, 2]), tensor([0.5, 1, 2])].map((weight) =>
    new nn.CrossEntropyLoss({ weight }).forward(twoRows, labels(0, 1)).item(),
  );
  expect(new Set(values).size).toBe(1);
});
