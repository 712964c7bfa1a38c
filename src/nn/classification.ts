import { Loss as Kind } from '../../assembly/kernel';
import { checkNumber, isFraction, OptionError, ShapeError } from '../errors';
import { tensor } from '../tensor/create';
import type { Data } from '../tensor/literal';
import { softplus } from '../tensor/ops/elementwise';
import { checkLabels } from '../tensor/ops/labels';
import { elementwiseLoss, type Reduction, softmaxCrossEntropy } from '../tensor/ops/loss';
import { needFloats } from '../tensor/ops/reduce';
import { sameShape, show, sizeOf } from '../tensor/shape';
import type { Tensor } from '../tensor/tensor';
import { constantOf, Loss, type LossOptions, needPairs, reduced, weightsOf } from './loss';

/** What BCEWithLogitsLoss takes. */
export interface BCEWithLogitsLossOptions extends LossOptions {
  /** What a positive counts beside a negative: for each output, or one for all; a tensor or arrays. Default: 1. */
  posWeight?: Tensor | Data;
}

/**
 * The cross-entropy of a yes or no: mean or sum of -w t log s(o) - (1 - t) log(1 - s(o)) with s the sigmoid and w = posWeight.
 * Without one it is computed as max(o, 0) - t o + log(1 + e^-|o|), which neither overflows nor cancels.
 *
 * Shapes: output (before the sigmoid) and target (from 0 to 1) equal, the loss [], or theirs for 'none'; `posWeight` any that
 * broadcasts to theirs. As https://pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html.
 *
 * @param options `posWeight`: default 1; `reduction`: 'mean' (default), 'sum' or 'none'.
 * @throws ShapeError for different shapes.
 * @example
 * expect(new nn.BCEWithLogitsLoss().forward(tensor([0]), tensor([1])).item()).toBeCloseTo(Math.log(2));
 * const loss = new nn.BCEWithLogitsLoss({ posWeight: [3] });
 * expect(loss.forward(tensor([0]), tensor([1])).item()).toBeCloseTo(3 * Math.log(2));
 */
export class BCEWithLogitsLoss extends Loss {
  /** @internal */
  readonly posWeight: Tensor | undefined;

  constructor(options: BCEWithLogitsLossOptions = {}) {
    super(options, { options: ['posWeight'] });
    this.posWeight = weightsOf(options.posWeight);
  }

  override reduce(output: Tensor, target: Tensor, reduction: Reduction): Tensor {
    needPairs('BCEWithLogitsLoss', output, target);
    const { posWeight } = this;
    if (!posWeight) return elementwiseLoss(Kind.logistic, output, { target: target.to('float32'), reduction });
    const fits = posWeight.shape.every((n, i, s) => n === 1 || n === output.shape[output.shape.length - s.length + i]);
    if (!fits || posWeight.shape.length > output.shape.length) {
      throw new ShapeError(
        `BCEWithLogitsLoss has a posWeight of shape ${show(posWeight.shape)}, which does not broadcast to the output's ${show(output.shape)}.`,
      );
    }
    const t = constantOf(target);
    // -log s(o) = softplus(-o) and -log(1 - s(o)) = softplus(o): no difference of large numbers.
    const positive = t.mul(posWeight).mul(softplus(output.neg()));
    return reduced(positive.add(t.neg().add(1).mul(softplus(output))), reduction);
  }
}

/** Throws unless an output is a row of numbers for each of several classes, with a weight for each class if any. */
function needClasses(owner: string, output: Tensor, weight: Tensor | undefined): void {
  needFloats(owner, output);
  const classes = output.shape[1];
  if (output.shape.length !== 2 || !classes) {
    throw new ShapeError(`${owner} got an output of shape ${show(output.shape)}; it must be [rows, classes].`);
  }
  if (!weight || sameShape(weight.shape, [classes])) return;
  throw new ShapeError(
    `${owner} has a weight of shape ${show(weight.shape)} and got ${classes} classes; it must be [${classes}], one number a class.`,
  );
}

function needLabels(owner: string, output: Tensor, target: Tensor): void {
  const rows = output.shape[0] as number;
  if (sameShape(target.shape, [rows])) return;
  const reshape = sizeOf(target.shape) === rows ? ` Use target.reshape([${rows}]).` : '';
  throw new ShapeError(
    `${owner} got a target of shape ${show(target.shape)}; it must be [${rows}], one class index a row.${reshape}`,
  );
}

function checkIgnored(owner: string, index: number | undefined): void {
  if (index === undefined) return;
  checkNumber(`The ignoreIndex of ${owner}`, index, { needed: 'a whole number', holds: Number.isInteger });
}

/** A row of zeros with a 1 at the class for each label; zeros alone for the one that is ignored, NaN for what is no label. */
function oneHot(labels: Tensor, classes: number, ignored: number | undefined): Tensor {
  const columns = Float32Array.from({ length: classes }, (_, j) => (j === ignored ? Number.NaN : j));
  const column = labels.reshape([labels.size, 1]);
  const hot = column.eq(tensor(columns));
  const found = hot.sum({ axis: 1, keepDims: true });
  const known = ignored === undefined ? found : found.add(column.eq(ignored));
  return known.eq(0).where(Number.NaN, hot);
}

/** What each row counts: the weight of its label, 0 where that is ignored; undefined where all count 1. */
function labelCounts(
  owner: string,
  { weight, ignoreIndex }: { weight: Tensor | undefined; ignoreIndex: number | undefined },
  { output, target }: { output: Tensor; target: Tensor },
): Tensor | undefined {
  if (!weight && ignoreIndex === undefined) return undefined;
  const classes = output.shape[1] as number;
  const hot = oneHot(checkLabels(owner, target, { count: classes, ignored: ignoreIndex }), classes, ignoreIndex);
  return (weight ? hot.mul(weight) : hot).sum({ axis: 1 });
}

/** The losses of rows that have a label each; their mean is over the weights of the labels. */
function ofLabels(losses: Tensor, reduction: Reduction, weights: Tensor): Tensor {
  return reduction === 'mean' ? losses.sum().div(weights.sum()) : reduced(losses, reduction);
}

/** What NLLLoss takes. */
export interface NLLLossOptions extends LossOptions {
  /** What each class counts: [classes], a tensor or arrays. Default: 1. */
  weight?: Tensor | Data;
  /** Rows with this target count nothing. It need not be one of the classes. Default: none (PyTorch's is -100). */
  ignoreIndex?: number;
}

/**
 * The negative log-likelihood of one class of several: -w[target] output[target] for each row, of which 'mean' divides the sum
 * by that of the weights w[target].
 *
 * Shapes: output (logarithms of probabilities) [rows, classes], target [rows] of class indices, the loss [], or [rows] for
 * 'none'. As https://pytorch.org/docs/stable/generated/torch.nn.NLLLoss.html.
 *
 * @param options `weight`: default 1; `ignoreIndex`: default none; `reduction`: 'mean' (default), 'sum' or 'none'.
 * @throws ShapeError for other shapes; OptionError for an index that is not whole or not one of the classes.
 * @example
 * const output = tensor([[0, 0]]).logSoftmax();
 * expect(new nn.NLLLoss().forward(output, tensor(new Int32Array([1]))).item()).toBeCloseTo(Math.log(2));
 */
export class NLLLoss extends Loss {
  /** Rows with this target count nothing. */
  readonly ignoreIndex: number | undefined;
  /** @internal */
  readonly weight: Tensor | undefined;

  constructor(options: NLLLossOptions = {}) {
    super(options, { options: ['weight', 'ignoreIndex'] });
    checkIgnored('NLLLoss', options.ignoreIndex);
    this.ignoreIndex = options.ignoreIndex;
    this.weight = weightsOf(options.weight);
  }

  override reduce(output: Tensor, target: Tensor, reduction: Reduction): Tensor {
    const { weight, ignoreIndex } = this;
    needClasses('NLLLoss', output, weight);
    needLabels('NLLLoss', output, target);
    const classes = output.shape[1] as number;
    const hot = oneHot(checkLabels('NLLLoss', target, { count: classes, ignored: ignoreIndex }), classes, ignoreIndex);
    // A choice, not a product: the other classes may be -Infinity.
    const picked = hot.where(weight ? output.mul(weight) : output, 0);
    return ofLabels(picked.sum({ axis: 1 }).neg(), reduction, weight ? hot.mul(weight) : hot);
  }

  override counts(output: Tensor, target: Tensor): Tensor | undefined {
    const { weight, ignoreIndex } = this;
    return labelCounts('NLLLoss', { weight, ignoreIndex }, { output, target });
  }
}

/** What CrossEntropyLoss takes. */
export interface CrossEntropyLossOptions extends NLLLossOptions {
  /** The share of the target that is spread over all classes (Szegedy et al. 2016). Default: 0. */
  labelSmoothing?: number;
}

/**
 * The cross-entropy of one class of several: for each row -Σ w[j] q[j] log softmax(output)[j], where q is 1 at the target's
 * class, or the target itself if that is probabilities; `labelSmoothing` s makes it (1 - s) q + s / classes. The mean is over
 * rows, or the sum divided by that of w[target] for class indices.
 *
 * Shapes: output (before the softmax) [rows, classes], target [rows] of class indices or [rows, classes] of probabilities, the
 * loss [], or [rows] for 'none'. As https://pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html.
 *
 * @param options `weight`: what each class counts, default 1; `ignoreIndex`: rows with this target count nothing, default none;
 * `labelSmoothing`: from 0 to 1, default 0; `reduction`: 'mean' (default), 'sum' or 'none'.
 * @throws ShapeError for other shapes; OptionError for an index that is not whole or not one of the classes.
 * @example
 * const loss = new nn.CrossEntropyLoss().forward(tensor([[0, 0]]), tensor(new Int32Array([1])));
 * expect(loss.item()).toBeCloseTo(Math.log(2));
 * const soft = new nn.CrossEntropyLoss({ labelSmoothing: 0.1 }).forward(tensor([[0, 0]]), tensor([[0.5, 0.5]]));
 * expect(soft.item()).toBeCloseTo(Math.log(2));
 */
export class CrossEntropyLoss extends Loss {
  /** The share of a target that is spread over all classes. */
  readonly labelSmoothing: number;
  /** Rows with this target count nothing. */
  readonly ignoreIndex: number | undefined;
  /** @internal */
  readonly weight: Tensor | undefined;

  constructor(options: CrossEntropyLossOptions = {}) {
    super(options, { options: ['weight', 'ignoreIndex', 'labelSmoothing'] });
    this.labelSmoothing = options.labelSmoothing ?? 0;
    checkNumber('labelSmoothing', this.labelSmoothing, {
      needed: 'from 0 to 1',
      holds: (n) => isFraction.holds(n) || n === 1,
    });
    checkIgnored('CrossEntropyLoss', options.ignoreIndex);
    this.ignoreIndex = options.ignoreIndex;
    this.weight = weightsOf(options.weight);
  }

  override reduce(output: Tensor, target: Tensor, reduction: Reduction): Tensor {
    const { weight, ignoreIndex, labelSmoothing } = this;
    needClasses('CrossEntropyLoss', output, weight);
    if (sameShape(output.shape, target.shape)) return this.ofProbabilities(output, target, reduction);
    needLabels('CrossEntropyLoss', output, target);
    const plain = !weight && ignoreIndex === undefined && labelSmoothing === 0;
    if (plain && reduction !== 'none') return softmaxCrossEntropy(output, { target, reduction });
    const classes = output.shape[1] as number;
    const hot = oneHot(
      checkLabels('CrossEntropyLoss', target, { count: classes, ignored: ignoreIndex }),
      classes,
      ignoreIndex,
    );
    const logs = this.weightedLogs(output);
    const counted = hot.sum({ axis: 1, keepDims: true });
    // Choices, not products: other classes, and rows that are ignored, may be -Infinity.
    const losses = this.smoothed(hot.where(logs, 0), () => counted.where(logs, 0));
    return ofLabels(losses, reduction, weight ? hot.mul(weight) : hot);
  }

  override counts(output: Tensor, target: Tensor): Tensor | undefined {
    const { weight, ignoreIndex } = this;
    if (sameShape(output.shape, target.shape)) return undefined;
    return labelCounts('CrossEntropyLoss', { weight, ignoreIndex }, { output, target });
  }

  private ofProbabilities(output: Tensor, target: Tensor, reduction: Reduction): Tensor {
    if (this.ignoreIndex !== undefined) {
      throw new OptionError('CrossEntropyLoss has an ignoreIndex and got probabilities; it needs class indices.');
    }
    const logs = this.weightedLogs(output);
    return reduced(
      this.smoothed(constantOf(target).mul(logs), () => logs),
      reduction,
    );
  }

  private weightedLogs(output: Tensor): Tensor {
    const logs = output.logSoftmax();
    return this.weight ? logs.mul(this.weight) : logs;
  }

  /** The loss of each row, from the terms of its target and those of all classes. */
  private smoothed(terms: Tensor, all: () => Tensor): Tensor {
    const s = this.labelSmoothing;
    if (s === 0) return terms.sum({ axis: 1 }).neg();
    const share = s / (terms.shape[1] as number);
    return terms
      .mul(1 - s)
      .add(all().mul(share))
      .sum({ axis: 1 })
      .neg();
  }
}
