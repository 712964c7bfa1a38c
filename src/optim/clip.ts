import { Binary, Kernel } from '../../assembly/kernel';
import { checkNumber, isAboveZero, OptionError } from '../errors';
import { emit, noGrad } from '../tensor/driver';
import type { Tensor } from '../tensor/tensor';

/** Keeps the quotient finite for gradients of 0, as PyTorch does. */
const EPS = 1e-6;

/** g ← f(g, x), in place; x has one element. */
function mapInPlace(f: Binary, g: Tensor, x: Tensor): void {
  emit(Kernel.mapBinary, f, g, x, g, 1, g.size, g.size, 1, 0, 0, 0);
}

function gradientsOf(owner: string, parameters: readonly Tensor[]): [Tensor, ...Tensor[]] {
  const [first, ...rest] = parameters.flatMap((p) => (p.gradient ? [p.gradient] : []));
  if (!first) throw new OptionError(`${owner} found no gradients; call backward() before.`);
  return [first, ...rest];
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
  checkNumber('The norm to clip to', max, isAboveZero);
  const grads = gradientsOf('clipGradNorm', parameters);
  const [first, ...rest] = grads;
  return noGrad(() => {
    let total = first.square().sum();
    for (const g of rest) total = total.add(g.square().sum());
    const norm = total.sqrt();
    const factor = norm.filled([], max).div(norm.add(EPS)).minimum(1);
    for (const g of grads) mapInPlace(Binary.multiply, g, factor);
    return norm;
  });
}

/**
 * Brings every element of the gradients into [-max, max].
 *
 * As https://pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_value_.html.
 *
 * @param parameters those of the model; ones without a gradient are passed over.
 * @param max the largest size of an element, above 0.
 * @throws OptionError for a `max` that is not above 0, or where there is no gradient.
 * @example
 * const w = parameter([3, -0.25]);
 * w.square().sum().backward();
 * optim.clipGradValue([w], 1);
 * expect(w.grad.toArray()).toEqual([1, -0.5]);
 */
export function clipGradValue(parameters: readonly Tensor[], max: number): void {
  checkNumber('The value to clip to', max, isAboveZero);
  const grads = gradientsOf('clipGradValue', parameters);
  noGrad(() => {
    const [top, bottom] = [grads[0].filled([], max), grads[0].filled([], -max)];
    for (const g of grads) {
      mapInPlace(Binary.minimum, g, top);
      mapInPlace(Binary.maximum, g, bottom);
    }
  });
}
