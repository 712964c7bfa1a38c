import { gradCheck, manualSeed, noGrad, parameter, rand, type Tensor, tensor } from 'downhill';
import * as nn from 'downhill/nn';
import { beforeEach, describe, expect, it } from 'vitest';

type Op = (...inputs: Tensor[]) => Tensor;

/** Numbers from 0.2 to 1.7 and of both signs, away from kinks at 0 and at each other. */
function spread(shape: readonly number[], { positive = false, shift = 0 } = {}): Tensor {
  const size = shape.reduce((n, d) => n * d, 1);
  const values = Array.from(
    { length: size },
    (_, i) => (0.2 + ((i * 5 + 3) % 16) / 10 + shift) * (positive || i % 3 ? 1 : -1),
  );
  return parameter(values, { shape });
}

const unary: [string, Op, { positive?: boolean }?][] = [
  ['neg', (x) => x.neg()],
  ['square', (x) => x.square()],
  ['sqrt', (x) => x.sqrt(), { positive: true }],
  ['exp', (x) => x.exp()],
  ['log', (x) => x.log(), { positive: true }],
  ['abs', (x) => x.abs()],
  ['sin', (x) => x.sin()],
  ['cos', (x) => x.cos()],
  ['tanh', (x) => x.tanh()],
  ['sigmoid', (x) => x.sigmoid()],
  ['relu', (x) => x.relu()],
  ['clamp', (x) => x.clamp(-0.75, 0.75)],
  ['pow of a number', (x) => x.pow(3)],
  ['add of a number', (x) => x.add(2)],
  ['sub of a number', (x) => x.sub(2)],
  ['mul by a number', (x) => x.mul(-3)],
  ['div by a number', (x) => x.div(4)],
  ['transpose', (x) => x.transpose().mul(tensor([[1], [2], [3], [4], [5]]))],
  ['reshape', (x) => x.reshape([5, 3]).square()],
  ['concat', (x) => x.concat(x.square(), { axis: 1 })],
  ['stack', (x) => x.stack(x.square(), { axis: 1 })],
  ['slice', (x) => x.slice(1, 4, { axis: 1 }).square()],
  ['gather of rows, one of them twice', (x) => x.gather([2, 0, 2]).square()],
  ['gather of columns', (x) => x.gather([4, 1], { axis: 1 }).square()],
  ['sum', (x) => x.square().sum()],
  ['sum along an axis', (x) => x.square().sum({ axis: 0 })],
  ['mean along an axis', (x) => x.square().mean({ axis: 1, keepDims: true })],
  ['max', (x) => x.max({ axis: 1 })],
  ['min', (x) => x.min({ axis: 0 })],
  ['softmax', (x) => x.softmax()],
  ['softmax along the first axis', (x) => x.softmax({ axis: 0 })],
  ['logSoftmax', (x) => x.logSoftmax()],
  ['where', (x) => x.gt(0).where(x.square(), x.mul(3))],
  ['LeakyReLU', (x) => new nn.LeakyReLU({ negativeSlope: 0.3 }).forward(x)],
  ['ELU', (x) => new nn.ELU({ alpha: 0.7 }).forward(x)],
  ['SiLU', (x) => new nn.SiLU().forward(x)],
  ['GELU', (x) => new nn.GELU().forward(x)],
  ['Softplus', (x) => new nn.Softplus({ beta: 2 }).forward(x)],
  ['MSELoss', (x) => new nn.MSELoss().forward(x, tensor(new Float32Array(15).fill(0.3), { shape: [3, 5] }))],
  [
    'MSELoss with a sum',
    (x) => new nn.MSELoss({ reduction: 'sum' }).forward(x, tensor(new Float32Array(15).fill(0.3), { shape: [3, 5] })),
  ],
  [
    'BCEWithLogitsLoss',
    (x) => new nn.BCEWithLogitsLoss().forward(x, tensor(new Float32Array(15).fill(0.3), { shape: [3, 5] })),
  ],
  ['CrossEntropyLoss', (x) => new nn.CrossEntropyLoss().forward(x, tensor([0, 4, 2]))],
];

const binary: [string, Op][] = [
  ['add', (a, b) => a.add(b).square()],
  ['sub', (a, b) => a.sub(b).square()],
  ['mul', (a, b) => a.mul(b)],
  ['div', (a, b) => a.div(b)],
  ['pow', (a, b) => a.abs().pow(b)],
  ['maximum', (a, b) => a.maximum(b).square()],
  ['minimum', (a, b) => a.minimum(b).square()],
];

const shapes: [string, number[], number[]][] = [
  ['equal shapes', [3, 5], [3, 5]],
  ['a row under a matrix', [3, 5], [5]],
  ['a column beside a matrix', [3, 1], [3, 5]],
  ['a row and a column', [5], [3, 1]],
  ['one number', [1], [3, 5]],
  ['three dimensions', [2, 1, 3], [4, 1]],
];

describe('gradients agree with central differences', () => {
  beforeEach(() => manualSeed(11));

  it.each(unary)('of %s', (_, op, { positive = false } = {}) => {
    expect(gradCheck(op, [spread([3, 5], { positive })])).toBe(true);
  });

  describe.each(binary)('of %s', (_, op) => {
    it.each(shapes)('for %s', (_, a, b) => {
      expect(gradCheck(op, [spread(a), spread(b, { positive: true, shift: 0.55 })])).toBe(true);
    });
  });

  it.each([
    ['matrices', [3, 5], [5, 9]],
    ['fewer than 8 outputs', [3, 5], [5, 2]],
    ['a vector on the left', [5], [5, 2]],
    ['a vector on the right', [3, 5], [5]],
    ['stacks', [2, 3, 5], [5, 4]],
  ] as [string, number[], number[]][])('of matmul with %s', (_, a, b) => {
    expect(gradCheck((x, y) => x.matmul(y), [spread(a), spread(b)], { tolerance: 0.01 })).toBe(true);
  });

  it('of Linear in its input, weight and bias', () => {
    const layer = new nn.Linear(5, 9);
    const x = parameter(rand([3, 5]));
    expect(gradCheck((x) => layer.forward(x), [x, ...layer.parameters()])).toBe(true);
  });
});

describe('gradCheck', () => {
  it('finds a gradient that is wrong and names the element', () => {
    const halved = (x: Tensor) => x.square().sub(noGrad(() => x.square().mul(0.5)));
    expect(() => gradCheck(halved, [parameter([1, 2])])).toThrow(
      /gradient of input 0 at element 0 is .*central differences give/,
    );
  });

  it('leaves the inputs and their gradients as they were', () => {
    const x = parameter([1, 2, 3]);
    x.sum().backward();
    gradCheck((x) => x.square(), [x]);
    expect([x.toArray(), x.grad?.toArray()]).toEqual([
      [1, 2, 3],
      [1, 1, 1],
    ]);
  });
});
