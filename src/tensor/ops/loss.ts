import { Kernel, Loss } from '../../../assembly/kernel';
import { record } from '../autograd';
import { emit } from '../driver';
import { sizeOf } from '../shape';
import type { Tensor } from '../tensor';
import { checkLabels } from './labels';

/** What the sum over the elements (or rows) of a batch is divided by. */
export type Reduction = 'mean' | 'sum';

/** The gradient that the forward pass has made, times that of the loss, which is 1 if the loss is the root. */
function scaled(dx: Tensor): (dy: Tensor) => Tensor {
  return (dy) => (dy.isOne ? dx.view(dx.shape) : dx.mul(dy));
}

/** Σ f(output, target), over all elements, and its gradient in the same pass. */
export function elementwiseLoss(
  f: Loss,
  output: Tensor,
  { target, reduction }: { target: Tensor; reduction: Reduction },
): Tensor {
  const o = output.contiguous();
  const t = target.contiguous();
  const [m, n] = [o.shape[0] ?? 1, sizeOf(o.shape.slice(1))];
  const y = o.spawn([]);
  const dx = output.requiresGrad || target.requiresGrad ? o.spawn(o.shape) : undefined;
  const divisor = reduction === 'mean' ? o.size : 1;
  emit(Kernel.elementwiseLoss, f, o, t, y, dx, m, n, divisor);
  if (!dx) return y;
  // The squared error is symmetric; the logistic one is softplus(o) - t o, whose slope in t is -o.
  const slopeOfTarget = (dy: Tensor) => (f === Loss.squared ? dx.mul(dy).neg() : o.mul(dy).mul(-1 / divisor));
  return record(y, [output, target], [scaled(dx), slopeOfTarget]);
}

/** Σ -log softmax(output)[target] over the rows, and its gradient in the same pass. */
export function softmaxCrossEntropy(
  output: Tensor,
  { target, reduction }: { target: Tensor; reduction: Reduction },
): Tensor {
  const o = output.contiguous();
  const [m, n] = o.shape as readonly [number, number];
  const labels = checkLabels('CrossEntropyLoss', target, n);
  const y = o.spawn([]);
  const dx = o.spawn(o.shape);
  emit(Kernel.softmaxCrossEntropy, o, labels, y, dx, m, n, reduction === 'mean' ? m : 1);
  return record(y, [output], [scaled(dx)]);
}
