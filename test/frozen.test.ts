import { fit, type Tensor, tensor } from 'downhill';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';
import { describe, expect, it } from 'vitest';
import { bitsOf } from './golden/bits.js';
import { classification } from './support/training';

/** A network whose first layer, normed, is not to be trained. */
function frozen(): { model: nn.Sequential; first: nn.Linear } {
  const first = new nn.Linear(4, 9);
  const model = new nn.Sequential(first, new nn.LayerNorm(9), new nn.ReLU(), new nn.Linear(9, 3));
  for (const p of first.parameters()) p.requiresGrad = false;
  return { model, first };
}

describe('a parameter that is frozen', () => {
  it('stays one of the model’s, by name and in its state, as in PyTorch', () => {
    const { model, first } = frozen();
    const names = ['0.weight', '0.bias', '1.weight', '1.bias', '3.weight', '3.bias'];
    expect(model.namedParameters().map(([name]) => name)).toEqual(names);
    expect(Object.keys(model.stateDict())).toEqual(names);
    const other = frozen();
    other.model.loadStateDict(model.stateDict());
    expect(other.first.weight.toArray()).toEqual(first.weight.toArray());
    expect(other.first.weight.requiresGrad).toBe(false);
  });

  it.each([true, false])(
    'is left as it is by an optimizer that was given it, until it is thawed (compiled: %s)',
    async (compiled) => {
      const { loader, loss } = classification();
      const { model, first } = frozen();
      const optimizer = new optim.AdamW(model.parameters(), { lr: 0.01, weightDecay: 0.1 });
      const bits = () => model.parameters().map((p: Tensor) => JSON.stringify(bitsOf(p)));
      const before = bits();
      await fit(model, loader, { loss, optimizer, epochs: 2, compiled });
      const after = bits();
      expect(after.map((b, i) => b === before[i])).toEqual([true, true, false, false, false, false]);
      for (const p of first.parameters()) p.requiresGrad = true;
      await fit(model, loader, { loss, optimizer, epochs: 1, compiled });
      expect(bits().some((b, i) => b === after[i])).toBe(false);
    },
  );

  it('is not what a tensor is that never was one', () => {
    class Scaled extends nn.Module {
      readonly factor = tensor([2]);
      forward(x: Tensor): Tensor {
        return x.mul(this.factor);
      }
    }
    expect(new Scaled().parameters()).toEqual([]);
    expect(() => new optim.SGD([new Scaled().factor])).toThrow(/a tensor that is no parameter/);
  });
});
