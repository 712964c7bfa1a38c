import { Binary, Kernel } from '../../assembly/kernel';
import { checkNumber, OptionError } from '../errors';
import { emit, noGrad } from '../tensor/driver';
import type { Tensor } from '../tensor/tensor';

/** Keeps the quotient finite for gradients of 0, as PyTorch does. */
const EPS = 1e-6;

/** g ← factor g, in place; `factor` has one element. */
function scaleInPlace(g: Tensor, factor: Tensor): void {
  emit(Kernel.mapBinary, Binary.multiply, g, factor, g, 1, g.size, g.size, 1, 0, 0, 0);
}

/**
 * Scales all gradients by min(1, max / (norm + 1e-6)), so that together, as one vector, they are no longer than `max`.
 *
 * As https://pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html.
 *
 * @param parameters those of the model; ones without a gradient are passed over.
 * @param max the largest norm, above 0.
 * @returns the norm before, as a tensor of one element.
 * @throws OptionError for a `max` that is not above 0.
 * @example
 * const w = parameter([3, 4]);
 * w.square().sum().backward();
 * expect(optim.clipGradNorm([w], 1).item()).toBeCloseTo(10);
 * expect(w.grad.square().sum().item()).toBeCloseTo(1);
 */
export function clipGradNorm(parameters: readonly Tensor[], max: number): Tensor {
  checkNumber('The norm to clip to', max, { needed: 'a number above 0', holds: (n) => n > 0 });
  const grads = parameters.flatMap((p) => (p.gradient ? [p.gradient] : []));
  const [first, ...rest] = grads;
  if (!first) throw new OptionError('clipGradNorm found no gradients; call backward() before.');
  return noGrad(() => {
    let total = first.square().sum();
    for (const g of rest) total = total.add(g.square().sum());
    const norm = total.sqrt();
    const factor = norm.filled([], max).div(norm.add(EPS)).minimum(1);
    for (const g of grads) scaleInPlace(g, factor);
    return norm;
  });
}
