import { type Tensor, tensor } from 'downhill';
import { describe, expect, it } from 'vitest';
import {
  constant,
  expectClose,
  expectTensorClose,
  gradientOf,
  readGolden,
  type Stated,
  variable,
} from './golden/read.js';

interface OpCase {
  name: string;
  op: string;
  inputs: Stated[];
  args?: number[];
  options?: { axis?: number; keepDims?: boolean };
  /** Inputs that the op sees transposed. */
  views?: number[];
  output: { shape: number[]; data: number[] };
  upstream?: Stated;
  gradients?: (number[] | null)[];
}

interface Given {
  a: Tensor;
  b: Tensor;
  c: Tensor;
  others: Tensor[];
  /** The second tensor or, where there is none, the number. */
  operand: Tensor | number;
  args: number[];
  options: OpCase['options'];
}

type Call = (given: Given) => Tensor;

const UNARY = ['neg', 'square', 'sqrt', 'exp', 'log', 'abs', 'sin', 'cos', 'tanh', 'sigmoid', 'relu'] as const;
const BINARY = ['add', 'sub', 'mul', 'div', 'pow', 'maximum', 'minimum', 'eq', 'gt', 'lt'] as const;
const ALONG_AXES = ['sum', 'mean', 'max', 'min', 'argMax', 'argMin', 'softmax', 'logSoftmax'] as const;

const CALLS: Record<string, Call> = {
  ...Object.fromEntries(UNARY.map((op): [string, Call] => [op, ({ a }) => a[op]()])),
  ...Object.fromEntries(BINARY.map((op): [string, Call] => [op, ({ a, operand }) => a[op](operand)])),
  ...Object.fromEntries(ALONG_AXES.map((op): [string, Call] => [op, ({ a, options }) => a[op](options)])),
  clamp: ({ a, args }) => a.clamp(...pairOf(args)),
  where: ({ a, b, c }) => a.where(b, c),
  matmul: ({ a, b }) => a.matmul(b),
  transpose: ({ a, args }) => (args.length > 0 ? a.transpose(...pairOf(args)) : a.transpose()),
  reshape: ({ a, args }) => a.reshape(args),
  concat: ({ a, others, options }) => a.concat(others, options),
  stack: ({ a, others, options }) => a.stack(others, options),
  slice: ({ a, args, options }) => a.slice(...pairOf(args), options),
  gather: ({ a, args, options }) => a.gather(args, options),
  mulSelf: ({ a }) => a.mul(a),
  matmulSelf: ({ a }) => a.matmul(a),
  matmulOwnTranspose: ({ a }) => a.matmul(a.transpose()),
  centred: ({ a }) => a.sub(a.mean({ axis: 0, keepDims: true })).square(),
};

function pairOf(args: number[]): [number, number] {
  return args as [number, number];
}

function call({ op, args = [], options, views = [] }: OpCase, leaves: Tensor[]): Tensor {
  const run = CALLS[op];
  if (!run) throw new Error(`The golden file names an op ${op} that is not in the table.`);
  const seen = leaves.map((leaf, i) => (views.includes(i) ? leaf.transpose() : leaf));
  const [a, b, c] = seen as [Tensor, Tensor, Tensor];
  return run({ a, b, c, others: seen.slice(1), operand: b ?? args[0], args, options });
}

const { cases } = readGolden<{ cases: OpCase[] }>('ops');
const differentiable = cases.filter((c) => c.gradients);
const gathers = cases.filter((c) => c.op === 'gather');

describe('the output of an op', () => {
  it.each(cases)("is PyTorch's: $name", (c) => {
    const output = call(c, c.inputs.map(constant));
    expectTensorClose('output', output, c.output);
    expect(output.dtype).toBe(c.op.startsWith('arg') ? 'int32' : 'float32');
  });

  it.each(gathers)('is the same where the indices are an int32 tensor: $name', (c) => {
    const [a] = c.inputs.map(constant) as [Tensor];
    const indices = tensor(Int32Array.from(c.args ?? []));
    const seen = c.views ? a.transpose() : a;
    expectTensorClose('output', seen.gather(indices, c.options), c.output);
  });
});

describe('the gradients of an op', () => {
  it.each(differentiable)("are PyTorch's: $name", (c) => {
    const expected = c.gradients ?? [];
    const leaves = c.inputs.map((stated, i) => (expected[i] ? variable(stated) : constant(stated)));
    const output = call(c, leaves);
    expectTensorClose('output', output, c.output);
    output
      .mul(constant(c.upstream as Stated))
      .sum()
      .backward();
    for (const [i, leaf] of leaves.entries()) {
      const gradient = expected[i];
      if (!gradient) continue;
      const actual = gradientOf(`input ${i}`, leaf);
      expect([...actual.shape], `gradient of input ${i}: shape`).toEqual(c.inputs[i]?.shape);
      expectClose(`gradient of input ${i}`, actual.toTypedArray(), gradient);
    }
  });
});
