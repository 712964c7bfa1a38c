import { Loss as Kind } from '../../assembly/kernel';
import { checkNumber, isRate } from '../errors';
import { elementwiseLoss, type Reduction } from '../tensor/ops/loss';
import type { Tensor } from '../tensor/tensor';
import { constantOf, Loss, type LossOptions, needPairs, reduced } from './loss';

/**
 * The squared error: mean or sum of (output - target)². Half of it, whose gradient has no factor of 2, is the function
 * `(o, t) => o.sub(t).square().mean().mul(0.5)`.
 *
 * Shapes: output and target equal, the loss [], or theirs for 'none'.
 * As https://pytorch.org/docs/stable/generated/torch.nn.MSELoss.html.
 *
 * @param options `reduction`: 'mean' (default), 'sum' or 'none'.
 * @throws ShapeError for different shapes.
 * @example
 * expect(new nn.MSELoss().forward(tensor([1, 2]), tensor([1, 4])).item()).toBe(2);
 */
export class MSELoss extends Loss {
  override reduce(output: Tensor, target: Tensor, reduction: Reduction): Tensor {
    needPairs('MSELoss', output, target);
    return elementwiseLoss(Kind.squared, output, { target: target.to('float32'), reduction });
  }
}

/**
 * The absolute error: mean or sum of |output - target|. The gradient at 0 is 0.
 *
 * Shapes: output and target equal, the loss [], or theirs for 'none'.
 * As https://pytorch.org/docs/stable/generated/torch.nn.L1Loss.html.
 *
 * @param options `reduction`: 'mean' (default), 'sum' or 'none'.
 * @throws ShapeError for different shapes.
 * @example
 * expect(new nn.L1Loss().forward(tensor([1, 2]), tensor([1, 4])).item()).toBe(1);
 */
export class L1Loss extends Loss {
  override reduce(output: Tensor, target: Tensor, reduction: Reduction): Tensor {
    needPairs('L1Loss', output, target);
    return elementwiseLoss(Kind.absolute, output, { target: target.to('float32'), reduction });
  }
}

/**
 * The squared error near the target and the absolute one far from it, where outliers pull no harder: mean or sum of d² / 2
 * where |d| ≤ delta, else delta (|d| - delta / 2), with d = output - target (Huber 1964).
 *
 * Shapes: output and target equal, the loss [], or theirs for 'none'.
 * As https://pytorch.org/docs/stable/generated/torch.nn.HuberLoss.html.
 *
 * @param options `delta`: above 0, default 1; `reduction`: 'mean' (default), 'sum' or 'none'.
 * @throws ShapeError for different shapes; OptionError for a delta out of range.
 * @example
 * const loss = new nn.HuberLoss({ delta: 2, reduction: 'none' });
 * expect(loss.forward(tensor([1, 5]), tensor([0, 0])).toArray()).toEqual([0.5, 8]);
 */
export class HuberLoss extends Loss {
  /** Where the square becomes a line. */
  readonly delta: number;

  constructor(options: LossOptions & { delta?: number } = {}) {
    super(options, { options: ['delta'] });
    this.delta = options.delta ?? 1;
    checkNumber('The delta of HuberLoss', this.delta, {
      needed: 'a finite number above 0',
      holds: (n) => n > 0 && Number.isFinite(n),
    });
  }

  override reduce(output: Tensor, target: Tensor, reduction: Reduction): Tensor {
    needPairs('HuberLoss', output, target);
    return elementwiseLoss(Kind.huber, output, { target: target.to('float32'), reduction, p: this.delta });
  }
}

/**
 * The absolute error with a rounded tip: mean or sum of d² / (2 beta) where |d| < beta, else |d| - beta / 2, with
 * d = output - target. It is HuberLoss of delta = beta, divided by beta; without a beta (0) it is L1Loss.
 *
 * Shapes: output and target equal, the loss [], or theirs for 'none'.
 * As https://pytorch.org/docs/stable/generated/torch.nn.SmoothL1Loss.html.
 *
 * @param options `beta`: at least 0, default 1; `reduction`: 'mean' (default), 'sum' or 'none'.
 * @throws ShapeError for different shapes; OptionError for a beta out of range.
 * @example
 * const loss = new nn.SmoothL1Loss({ beta: 2, reduction: 'none' });
 * expect(loss.forward(tensor([1, 5]), tensor([0, 0])).toArray()).toEqual([0.25, 4]);
 */
export class SmoothL1Loss extends Loss {
  /** Where the square becomes a line. */
  readonly beta: number;

  constructor(options: LossOptions & { beta?: number } = {}) {
    super(options, { options: ['beta'] });
    this.beta = options.beta ?? 1;
    checkNumber('The beta of SmoothL1Loss', this.beta, isRate);
  }

  override reduce(output: Tensor, target: Tensor, reduction: Reduction): Tensor {
    needPairs('SmoothL1Loss', output, target);
    const pairs = { target: target.to('float32'), reduction };
    if (this.beta === 0) return elementwiseLoss(Kind.absolute, output, pairs);
    return elementwiseLoss(Kind.huber, output, { ...pairs, p: this.beta, unit: this.beta });
  }
}

/** What PoissonNLLLoss takes. */
export interface PoissonNLLLossOptions extends LossOptions {
  /** The output is the logarithm of the expected count; else the count itself. Default: true. */
  logInput?: boolean;
  /** Add Stirling's approximation of log(target!), which changes no gradient. Default: false. */
  full?: boolean;
  /** Added to the output before its logarithm is taken, where it is a count. Default: 1e-8. */
  eps?: number;
}

/**
 * How unlikely counts are under the Poisson distribution of the expected count: mean or sum of e^o - t o, or of
 * o - t log(o + eps) without `logInput`; `full` adds t log t - t + log(2π t) / 2 where t > 1.
 *
 * Shapes: output o and target t equal, the loss [], or theirs for 'none'.
 * As https://pytorch.org/docs/stable/generated/torch.nn.PoissonNLLLoss.html.
 *
 * @param options `logInput`: default true; `full`: default false; `eps`: default 1e-8; `reduction`: 'mean' (default), 'sum' or
 * 'none'.
 * @throws ShapeError for different shapes.
 * @example
 * expect(new nn.PoissonNLLLoss().forward(tensor([0]), tensor([3])).item()).toBe(1);
 */
export class PoissonNLLLoss extends Loss {
  /** Is the output a logarithm? */
  readonly logInput: boolean;
  /** Is Stirling's term added? */
  readonly full: boolean;
  /** Added to the output before its logarithm is taken. */
  readonly eps: number;

  constructor(options: PoissonNLLLossOptions = {}) {
    super(options, { options: ['logInput', 'full', 'eps'] });
    this.logInput = options.logInput ?? true;
    this.full = options.full ?? false;
    this.eps = options.eps ?? 1e-8;
    checkNumber('The eps of PoissonNLLLoss', this.eps, isRate);
  }

  override reduce(output: Tensor, target: Tensor, reduction: Reduction): Tensor {
    needPairs('PoissonNLLLoss', output, target);
    const t = constantOf(target);
    const losses = this.logInput ? output.exp().sub(t.mul(output)) : output.sub(t.mul(output.add(this.eps).log()));
    return reduced(this.full ? losses.add(stirling(t)) : losses, reduction);
  }
}

/** log(t!) for t > 1, else 0. */
function stirling(t: Tensor): Tensor {
  const roots = t
    .mul(2 * Math.PI)
    .log()
    .mul(0.5);
  return t.gt(1).where(t.mul(t.log()).sub(t).add(roots), 0);
}

type KLReduction = Reduction | 'batchmean';

/** What KLDivLoss takes. */
export interface KLDivLossOptions extends LossOptions<KLReduction> {
  /** The target is the logarithm of probabilities. Default: false. */
  logTarget?: boolean;
}

/**
 * How far probabilities are from those of the target, as Kullback and Leibler (1951) measure it: mean or sum of t (log t - o),
 * which is 0 where t is; of e^t (t - o) with `logTarget`. The mean is over elements, as PyTorch's: the divergence itself is
 * 'batchmean', the sum divided by the rows.
 *
 * Shapes: output o (logarithms of probabilities) and target t equal, the loss [], or theirs for 'none'.
 * As https://pytorch.org/docs/stable/generated/torch.nn.KLDivLoss.html.
 *
 * @param options `logTarget`: default false; `reduction`: 'mean' (default), 'batchmean', 'sum' or 'none'.
 * @throws ShapeError for different shapes.
 * @example
 * const output = tensor([[0.5, 0.5]]).log();
 * const loss = new nn.KLDivLoss({ reduction: 'batchmean' });
 * expect(loss.forward(output, tensor([[0, 1]])).item()).toBeCloseTo(Math.log(2));
 */
export class KLDivLoss extends Loss<KLReduction> {
  /** Is the target a logarithm? */
  readonly logTarget: boolean;

  constructor(options: KLDivLossOptions = {}) {
    super(options, { options: ['logTarget'], reductions: ['mean', 'batchmean', 'sum', 'none'] });
    this.logTarget = options.logTarget ?? false;
  }

  override reduce(output: Tensor, target: Tensor, reduction: KLReduction): Tensor {
    needPairs('KLDivLoss', output, target);
    const t = constantOf(target);
    const losses = this.logTarget ? t.exp().mul(t.sub(output)) : t.gt(0).where(t.mul(t.log().sub(output)), 0);
    if (reduction !== 'batchmean') return reduced(losses, reduction);
    return losses.sum().div(output.shape[0] ?? 1);
  }
}
