import { Loss as Kind } from '../../assembly/kernel';
import { checkOptions, OptionError, ShapeError } from '../errors';
import { elementwiseLoss, type Reduction, softmaxCrossEntropy } from '../tensor/ops/loss';
import { needFloats } from '../tensor/ops/reduce';
import { sameShape, show, sizeOf } from '../tensor/shape';
import type { Tensor } from '../tensor/tensor';

export interface LossOptions {
  /** 'mean' divides the sum by the number of elements (rows, for CrossEntropyLoss); 'sum' does not. Default: 'mean'. */
  reduction?: Reduction;
}

/** What an output is off its target by: a loss of this room, or any function that gives a tensor of one element. */
export type LossFunction = Loss | ((output: Tensor, target: Tensor) => Tensor);

/** A loss of this room. */
export abstract class Loss {
  readonly reduction: Reduction;

  constructor(options: LossOptions = {}) {
    checkOptions(this.constructor.name, options, ['reduction']);
    this.reduction = options.reduction ?? 'mean';
    if (this.reduction !== 'mean' && this.reduction !== 'sum') {
      throw new OptionError(`reduction is "${String(this.reduction)}"; it must be 'mean' or 'sum'.`);
    }
  }

  abstract forward(output: Tensor, target: Tensor): Tensor;
}

/** Losses of pairs of numbers do not broadcast: a column against a list would silently compare all with all. */
function needPairs(owner: string, output: Tensor, target: Tensor): void {
  needFloats(owner, output);
  if (sameShape(output.shape, target.shape)) return;
  const reshape = sizeOf(target.shape) === output.size ? ` Use target.reshape(${show(output.shape)}).` : '';
  throw new ShapeError(
    `${owner} got an output of shape ${show(output.shape)} and a target of ${show(target.shape)}; they must be equal.${reshape}`,
  );
}

/**
 * The squared error: mean or sum of (output - target)². Half of it, whose gradient has no factor of 2, is the function
 * `(o, t) => o.sub(t).square().mean().mul(0.5)`.
 *
 * Shapes: output and target equal, the loss []. As https://pytorch.org/docs/stable/generated/torch.nn.MSELoss.html.
 *
 * @param options `reduction`: 'mean' (default) or 'sum'.
 * @throws ShapeError for different shapes.
 * @example
 * expect(new nn.MSELoss().forward(tensor([1, 2]), tensor([1, 4])).item()).toBe(2);
 */
export class MSELoss extends Loss {
  forward(output: Tensor, target: Tensor): Tensor {
    needPairs('MSELoss', output, target);
    return elementwiseLoss(Kind.squared, output, { target: target.to('float32'), reduction: this.reduction });
  }
}

/**
 * The cross-entropy of a yes or no: mean or sum of -t log s(o) - (1 - t) log(1 - s(o)) with s the sigmoid, computed as
 * max(o, 0) - t o + log(1 + e^-|o|), which neither overflows nor cancels.
 *
 * Shapes: output (before the sigmoid) and target (from 0 to 1) equal, the loss [].
 * As https://pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html.
 *
 * @param options `reduction`: 'mean' (default) or 'sum'.
 * @throws ShapeError for different shapes.
 * @example
 * expect(new nn.BCEWithLogitsLoss().forward(tensor([0]), tensor([1])).item()).toBeCloseTo(Math.log(2));
 */
export class BCEWithLogitsLoss extends Loss {
  forward(output: Tensor, target: Tensor): Tensor {
    needPairs('BCEWithLogitsLoss', output, target);
    return elementwiseLoss(Kind.logistic, output, { target: target.to('float32'), reduction: this.reduction });
  }
}

/**
 * The cross-entropy of one class of several: mean or sum over rows of -log softmax(output)[target].
 *
 * Shapes: output (before the softmax) [rows, classes], target [rows] of class indices, the loss [].
 * As https://pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html.
 *
 * @param options `reduction`: 'mean' (default) or 'sum'.
 * @throws ShapeError for other shapes; OptionError for an index that is not whole or not one of the classes.
 * @example
 * const loss = new nn.CrossEntropyLoss().forward(tensor([[0, 0]]), tensor(new Int32Array([1])));
 * expect(loss.item()).toBeCloseTo(Math.log(2));
 */
export class CrossEntropyLoss extends Loss {
  forward(output: Tensor, target: Tensor): Tensor {
    needFloats('CrossEntropyLoss', output);
    const [rows, classes] = output.shape;
    if (output.shape.length !== 2 || !classes) {
      throw new ShapeError(
        `CrossEntropyLoss got an output of shape ${show(output.shape)}; it must be [rows, classes].`,
      );
    }
    if (target.shape.length !== 1 || target.shape[0] !== rows) {
      const reshape = sizeOf(target.shape) === rows ? ` Use target.reshape([${rows}]).` : '';
      throw new ShapeError(
        `CrossEntropyLoss got a target of shape ${show(target.shape)}; it must be [${rows}], one class index a row.${reshape}`,
      );
    }
    return softmaxCrossEntropy(output, { target, reduction: this.reduction });
  }
}

/** @internal The loss of an output, whichever way it is given. */
export function lossOf(loss: LossFunction): (output: Tensor, target: Tensor) => Tensor {
  if (typeof loss === 'function') return loss;
  if (loss instanceof Loss) return (output, target) => loss.forward(output, target);
  throw new OptionError(
    `loss is ${String(loss)}; give a loss such as new MSELoss(), or a function (output, target) => Tensor.`,
  );
}
