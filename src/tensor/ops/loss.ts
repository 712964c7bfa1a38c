import { Kernel, Loss } from '../../../assembly/kernel';
import { record } from '../autograd';
import { emit } from '../driver';
import { sizeOf } from '../shape';
import type { Tensor } from '../tensor';
import { checkLabels } from './labels';

/** What becomes of the losses of a batch: their sum, divided by their number or not, or all of them as they are. */
export type Reduction = 'mean' | 'sum' | 'none';

/** The gradient that the forward pass has made, times that of the loss, which is 1 if the loss is the root. */
function scaled(dx: Tensor): (dy: Tensor) => Tensor {
  return (dy) => (dy.isOne ? dx.view(dx.shape) : dx.mul(dy));
}

interface Pairs {
  target: Tensor;
  reduction: Reduction;
  /** The constant of the loss. */
  p?: number;
  /** Every loss is divided by this. */
  unit?: number;
}

/** Σ f(output, target, p) over all elements, or each of them, and the gradient in the same pass. */
export function elementwiseLoss(f: Loss, output: Tensor, { target, reduction, p = 0, unit = 1 }: Pairs): Tensor {
  const o = output.contiguous();
  const t = target.contiguous();
  const [m, n] = [o.shape[0] ?? 1, sizeOf(o.shape.slice(1))];
  const total = o.spawn([]);
  const each = reduction === 'none' ? o.spawn(o.shape) : undefined;
  const dx = output.requiresGrad || target.requiresGrad ? o.spawn(o.shape) : undefined;
  const divisor = reduction === 'mean' ? o.size * unit : unit;
  emit(Kernel.elementwiseLoss, f, o, t, total, dx, m, n, divisor, p, each);
  const y = each ?? total;
  if (!dx) return y;
  // The others depend on o - t alone; the logistic loss is softplus(o) - t o, whose slope in t is -o.
  const slopeOfTarget = (dy: Tensor) => (f === Loss.logistic ? o.mul(dy).mul(-1 / divisor) : dx.mul(dy).neg());
  return record(y, [output, target], [scaled(dx), slopeOfTarget]);
}

/** Σ -log softmax(output)[target] over the rows, and its gradient in the same pass. */
export function softmaxCrossEntropy(
  output: Tensor,
  { target, reduction }: { target: Tensor; reduction: Reduction },
): Tensor {
  const o = output.contiguous();
  const [m, n] = o.shape as readonly [number, number];
  const labels = checkLabels('CrossEntropyLoss', target, { count: n });
  const y = o.spawn([]);
  const dx = o.spawn(o.shape);
  emit(Kernel.softmaxCrossEntropy, o, labels, y, dx, m, n, reduction === 'mean' ? m : 1);
  return record(y, [output], [scaled(dx)]);
}
