import { checkOptions, checkValue, isOneOf, OptionError, quoted, ShapeError } from '../errors';
import { tensor } from '../tensor/create';
import type { Data } from '../tensor/literal';
import type { Reduction } from '../tensor/ops/loss';
import { needFloats } from '../tensor/ops/reduce';
import { needTensor, sameShape, show, sizeOf } from '../tensor/shape';
import { Tensor } from '../tensor/tensor';

/** What all losses take. */
export interface LossOptions<R extends string = Reduction> {
  /**
   * 'mean' divides the sum by the number of elements (rows, for losses of classes), 'sum' does not, 'none' gives the loss
   * of each. Default: 'mean'.
   */
  reduction?: R;
}

/** What an output is off its target by: a loss of this room, or any function that gives a tensor of one element. */
export type LossFunction = Loss<string> | ((output: Tensor, target: Tensor) => Tensor);

/** What a loss takes beside `reduction`, and what `reduction` may be. */
interface Known {
  options?: readonly string[];
  reductions?: readonly string[];
}

/** A loss of this room. The target is a constant: no gradient goes there. */
export abstract class Loss<R extends string = Reduction> {
  /** What becomes of the losses of the elements. */
  readonly reduction: R;

  constructor(options: LossOptions<R> = {}, { options: names = [], reductions = ['mean', 'sum', 'none'] }: Known = {}) {
    checkOptions(this.constructor.name, options, ['reduction', ...names]);
    this.reduction = options.reduction ?? ('mean' as R);
    checkValue('reduction', this.reduction, isOneOf(...reductions));
  }

  /** The loss of an output. */
  forward(output: Tensor, target: Tensor): Tensor {
    for (const t of [output, target]) needTensor(this.constructor.name, t);
    return this.reduce(output, target, this.reduction);
  }

  /** @internal The loss under one of the reductions. A loss that has its own `forward` instead can't be weighted. */
  reduce(_output: Tensor, _target: Tensor, _reduction: R): Tensor {
    throw new OptionError(
      `${this.constructor.name} does not say what each row loses, so rows can't be weighted. ` +
        'Give fit a function that returns a loss for each row: (output, target) => tensor of [rows].',
    );
  }

  /** @internal What each row counts in the mean, [rows]; undefined where all count alike. */
  counts(_output: Tensor, _target: Tensor): Tensor | undefined {
    return undefined;
  }
}

/** Losses of pairs of numbers do not broadcast: a column against a list would silently compare all with all. */
export function needPairs(owner: string, output: Tensor, target: Tensor): void {
  needFloats(owner, output);
  if (sameShape(output.shape, target.shape)) return;
  const reshape = sizeOf(target.shape) === output.size ? ` Use target.reshape(${show(output.shape)}).` : '';
  throw new ShapeError(
    `${owner} got an output of shape ${show(output.shape)} and a target of ${show(target.shape)}; they must be equal.${reshape}`,
  );
}

/** A target as numbers that no gradient passes. */
export function constantOf(target: Tensor): Tensor {
  const t = target.to('float32');
  return t.requiresGrad ? t.detach() : t;
}

/** Losses that were computed one by one, as they are wanted. */
export function reduced(losses: Tensor, reduction: Reduction): Tensor {
  if (reduction === 'none') return losses;
  return reduction === 'sum' ? losses.sum() : losses.mean();
}

/** Weights as they are given: a tensor or arrays. */
export function weightsOf(weights: Tensor | Data | undefined): Tensor | undefined {
  if (weights === undefined) return undefined;
  return weights instanceof Tensor ? weights.to('float32') : tensor(weights, { dtype: 'float32' });
}

/** @internal The loss of an output, whichever way it is given. */
export function lossOf(loss: LossFunction): (output: Tensor, target: Tensor) => Tensor {
  if (typeof loss === 'function' && !(loss.prototype instanceof Loss)) return loss;
  if (loss instanceof Loss) return (output, target) => loss.forward(output, target);
  throw new OptionError(
    `loss is ${quoted(loss)}; give a loss such as new MSELoss(), or a function (output, target) => Tensor.`,
  );
}
