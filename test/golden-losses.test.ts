import type { Tensor } from 'downhill';
import * as nn from 'downhill/nn';
import { expect, it } from 'vitest';
import { constant, expectClose, gradientOf, labels, readGolden, type Stated, variable } from './golden/read.js';

interface LossCase {
  name: string;
  loss: keyof typeof LOSSES;
  reduction: 'mean' | 'sum';
  /** What the loss is multiplied by before the backward pass. */
  scale: number;
  output: Stated;
  target: Stated;
  value: number;
  gradient: number[];
}

const LOSSES = {
  MSELoss: nn.MSELoss,
  BCEWithLogitsLoss: nn.BCEWithLogitsLoss,
  CrossEntropyLoss: nn.CrossEntropyLoss,
};

const { cases } = readGolden<{ cases: LossCase[] }>('losses');

function lossOf({ loss, reduction, target, scale }: LossCase, output: Tensor): Tensor {
  const t = loss === 'CrossEntropyLoss' ? labels(target) : constant(target);
  const value = new LOSSES[loss]({ reduction }).forward(output, t);
  return scale === 1 ? value : value.mul(scale);
}

it.each(cases)("the value and the gradient of a loss are PyTorch's: $name", (c) => {
  const output = variable(c.output);
  const loss = lossOf(c, output);
  expect([...loss.shape]).toEqual([]);
  expectClose('value', [loss.item()], [c.value]);
  loss.backward();
  const gradient = gradientOf('the output', output);
  expect([...gradient.shape]).toEqual(c.output.shape);
  expectClose('gradient', gradient.toTypedArray(), c.gradient);
});
