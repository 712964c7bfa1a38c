import type { Tensor } from 'downhill';
import { BCEWithLogitsLoss, MSELoss } from 'downhill/nn';
import { ROWS } from './data';

/** What is to become small. */
interface Cost {
  loss(output: Tensor, target: Tensor): Tensor;
  /** Rows that it is summed over, where it is no mean. */
  summed: number;
  /** How sure the network is, from -1 for the second class to 1 for the first. */
  certainty(output: Tensor): Tensor;
}

const squares = (reduction: 'sum' | 'mean') => {
  const loss = new MSELoss({ reduction });
  return (output: Tensor, target: Tensor) => loss.forward(output, target);
};
const entropy = new BCEWithLogitsLoss();
const clamped = (output: Tensor) => output.clamp(-1, 1);

/** Costs of an output f(x) against y, which is 1 or -1. */
export const COSTS = {
  sum: { loss: squares('sum'), summed: ROWS, certainty: clamped },
  mean: { loss: squares('mean'), summed: 1, certainty: clamped },
  // As probabilities, y is 0 or 1; and 2 sigmoid(f) - 1 = tanh(f / 2).
  entropy: {
    loss: (output, target) => entropy.forward(output, target.add(1).mul(0.5)),
    summed: 1,
    certainty: (output) => output.mul(0.5).tanh(),
  },
} satisfies Record<string, Cost>;

export type CostName = keyof typeof COSTS;
