import { checkNumber, checkOptions, isCount, isFlag, isRate, ShapeError } from '../errors';
import { ones, parameter, tensor, zeros } from '../tensor/create';
import { noGrad } from '../tensor/driver';
import { countUp } from '../tensor/ops/random';
import { needFloats } from '../tensor/ops/reduce';
import { show, sizeFromEnd } from '../tensor/shape';
import type { Tensor } from '../tensor/tensor';
import { Module } from './module';

/** y = x weight + bias, where there are such. */
function scaled(x: Tensor, weight: Tensor | undefined, bias: Tensor | undefined): Tensor {
  const y = weight ? x.mul(weight) : x;
  return bias ? y.add(bias) : y;
}

/** x - mean, divided by √(variance + eps). */
function normalised(x: Tensor, { mean, variance, eps }: { mean: Tensor; variance: Tensor; eps: number }): Tensor {
  return x.sub(mean).div(variance.add(eps).sqrt());
}

/** What LayerNorm takes. */
export interface LayerNormOptions {
  /** Added to the variance. Default: 1e-5. */
  eps?: number;
  /** Have a weight and a bias for each of the n numbers. Default: true. */
  elementwiseAffine?: boolean;
}

/**
 * y = (x - mean) / √(variance + eps) weight + bias, with mean and (biased) variance of each row's n numbers (Ba, Kiros and
 * Hinton 2016).
 *
 * Shapes: x and y of [..., n]; `weight` (ones at first) and `bias` (zeros) of [n].
 * As https://pytorch.org/docs/stable/generated/torch.nn.LayerNorm.html.
 *
 * @param features n, the length of a row.
 * @param options `eps`: default 1e-5; `elementwiseAffine`: default true.
 * @throws OptionError for an n that is no positive whole number; ShapeError from `forward` for rows of another length.
 * @example
 * const y = new nn.LayerNorm(2).forward(tensor([[1, 3], [10, 30]]));
 * expect(y.toArray()[1][1]).toBeCloseTo(1);
 */
export class LayerNorm extends Module {
  /** Added to the variance. */
  readonly eps: number;
  /** The scale of each feature, [features], or undefined without one. */
  readonly weight: Tensor | undefined;
  /** The shift of each feature, [features], or undefined without one. */
  readonly bias: Tensor | undefined;

  constructor(
    /** The last dimension of what comes in. */
    readonly features: number,
    options: LayerNormOptions = {},
  ) {
    super();
    checkOptions('LayerNorm', options, { eps: undefined, elementwiseAffine: isFlag });
    checkNumber('The length of LayerNorm', features, isCount);
    this.eps = options.eps ?? 1e-5;
    checkNumber('The eps of LayerNorm', this.eps, isRate);
    const affine = options.elementwiseAffine ?? true;
    this.weight = affine ? parameter(ones([features])) : undefined;
    this.bias = affine ? parameter(zeros([features])) : undefined;
  }

  forward(x: Tensor): Tensor {
    needFloats('LayerNorm', x);
    if (sizeFromEnd(x.shape, 1) !== this.features) {
      throw new ShapeError(
        `LayerNorm(${this.features}) got x of shape ${show(x.shape)}; its last dimension must be ${this.features}.`,
      );
    }
    const row = { axis: -1, keepDims: true };
    const centred = x.sub(x.mean(row));
    const deviation = centred.square().mean(row).add(this.eps).sqrt();
    return scaled(centred.div(deviation), this.weight, this.bias);
  }

  protected override describe(): string {
    return `${this.features}, eps: ${this.eps}`;
  }
}

/** What BatchNorm1d takes. */
export interface BatchNorm1dOptions {
  /** Added to the variance. Default: 1e-5. */
  eps?: number;
  /** The weight of a batch in the running statistics; null is the mean of all batches so far. Default: 0.1. */
  momentum?: number | null;
  /** Have a weight and a bias for each feature. Default: true. */
  affine?: boolean;
  /** Keep running statistics and use them in eval mode; else the batch's are used there too. Default: true. */
  trackRunningStats?: boolean;
}

/**
 * y = (x - mean) / √(variance + eps) weight + bias, with mean and (biased) variance of each feature over the batch (Ioffe and
 * Szegedy 2015), and over running statistics in eval mode: running ← (1 - momentum) running + momentum batch, of the mean and
 * the unbiased variance.
 *
 * Shapes: x and y of [rows, n] or [rows, n, length]; `weight` (ones at first) and `bias` (zeros) of [n]. `stateDict` also has
 * `running_mean` (zeros at first), `running_var` (ones) and `num_batches_tracked` (int32 of shape []).
 * As https://pytorch.org/docs/stable/generated/torch.nn.BatchNorm1d.html.
 *
 * @param features n, the numbers in a row.
 * @param options `eps`: default 1e-5; `momentum`: from 0 to 1 or null, default 0.1; `affine`: default true;
 * `trackRunningStats`: default true.
 * @throws OptionError for an n that is no positive whole number; ShapeError from `forward` for other rows, and in train mode
 * for a batch of one value a feature.
 * @example
 * const layer = new nn.BatchNorm1d(1, { momentum: 0.5 });
 * expect(layer.forward(tensor([[1], [3]])).toArray()[1][0]).toBeCloseTo(1);
 * expect(layer.stateDict().running_mean.toArray()).toEqual([1]);
 */
export class BatchNorm1d extends Module {
  /** Added to the variance. */
  readonly eps: number;
  /** What a batch counts in the running statistics; null takes the mean of all batches. */
  momentum: number | null;
  /** The scale of each feature, [features], or undefined without one. */
  readonly weight: Tensor | undefined;
  /** The shift of each feature, [features], or undefined without one. */
  readonly bias: Tensor | undefined;
  /** The mean of each feature that `eval()` uses, [features]. */
  readonly runningMean: Tensor | undefined;
  /** The variance of each feature that `eval()` uses, [features]. */
  readonly runningVar: Tensor | undefined;
  /** The batches seen: PyTorch's num_batches_tracked. */
  readonly batches: Tensor | undefined;

  constructor(
    /** The last dimension of what comes in. */
    readonly features: number,
    options: BatchNorm1dOptions = {},
  ) {
    super();
    checkOptions('BatchNorm1d', options, {
      eps: undefined,
      momentum: undefined,
      affine: isFlag,
      trackRunningStats: isFlag,
    });
    checkNumber('The number of features of BatchNorm1d', features, isCount);
    const { eps = 1e-5, momentum = 0.1, affine = true, trackRunningStats = true } = options;
    checkNumber('The eps of BatchNorm1d', eps, isRate);
    if (momentum !== null)
      checkNumber('The momentum of BatchNorm1d', momentum, { needed: 'from 0 to 1', holds: (n) => n >= 0 && n <= 1 });
    this.eps = eps;
    this.momentum = momentum;
    this.weight = affine ? parameter(ones([features])) : undefined;
    this.bias = affine ? parameter(zeros([features])) : undefined;
    if (!trackRunningStats) return;
    this.runningMean = zeros([features]);
    this.runningVar = ones([features]);
    this.batches = tensor(0, { dtype: 'int32' });
  }

  /** Forgets the batches so far: a mean of 0 and a variance of 1. */
  resetRunningStats(): void {
    this.runningMean?.assign(zeros([this.features]));
    this.runningVar?.assign(ones([this.features]));
    this.batches?.assign(0);
  }

  private get running(): { mean: Tensor; variance: Tensor; batches: Tensor } | undefined {
    const { runningMean: mean, runningVar: variance, batches } = this;
    return mean && variance && batches && { mean, variance, batches };
  }

  protected override buffers(): Record<string, Tensor> {
    if (!this.running) return {};
    const { mean, variance, batches } = this.running;
    return { running_mean: mean, running_var: variance, num_batches_tracked: batches };
  }

  forward(x: Tensor): Tensor {
    needFloats('BatchNorm1d', x);
    const { shape } = x;
    if (shape[1] !== this.features || shape.length > 3) {
      throw new ShapeError(
        `BatchNorm1d(${this.features}) got x of shape ${show(shape)}; it must be [rows, ${this.features}] or [rows, ${this.features}, length].`,
      );
    }
    if (shape.length === 2) return this.ofRows(x);
    const rows = x.transpose().reshape([-1, this.features]);
    return this.ofRows(rows)
      .reshape([shape[0] as number, shape[2] as number, this.features])
      .transpose();
  }

  private ofRows(x: Tensor): Tensor {
    const { eps, running } = this;
    const fixed = !this.training && running;
    const y = normalised(x, { ...(fixed || this.ofBatch(x)), eps });
    return scaled(y, this.weight, this.bias);
  }

  /** The statistics of a batch; in train mode they enter the running ones. */
  private ofBatch(x: Tensor): { mean: Tensor; variance: Tensor } {
    const m = x.shape[0] as number;
    if (this.training && m < 2) {
      throw new ShapeError(
        `BatchNorm1d(${this.features}) got a batch of ${m} value a feature, which has no variance; use another batchSize, or dropLast where the last batch is one row.`,
      );
    }
    const mean = x.mean({ axis: 0 });
    const variance = x.sub(mean).square().mean({ axis: 0 });
    if (this.training && this.running) noGrad(() => this.track(mean, variance.mul(m / (m - 1))));
    return { mean, variance };
  }

  private track(mean: Tensor, variance: Tensor): void {
    const { running } = this;
    if (!running) return;
    countUp(running.batches);
    const share = this.momentum ?? running.batches.to('float32').pow(-1);
    running.mean.assign(running.mean.add(mean.sub(running.mean).mul(share)));
    running.variance.assign(running.variance.add(variance.sub(running.variance).mul(share)));
  }

  protected override describe(): string {
    return `${this.features}, eps: ${this.eps}, momentum: ${this.momentum}`;
  }
}
