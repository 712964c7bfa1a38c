import { checkNumber, checkOptions, isReal } from '../errors';
import * as elementwise from '../tensor/ops/elementwise';
import type { Tensor } from '../tensor/tensor';
import { Module } from './module';

/**
 * y = max(x, 0). The gradient at 0 is 0.
 *
 * @example
 * expect(new nn.ReLU().forward(tensor([-1, 2])).toArray()).toEqual([0, 2]);
 */
export class ReLU extends Module {
  forward(x: Tensor): Tensor {
    return x.relu();
  }
}

/**
 * y = x for x ≥ 0, negativeSlope x below.
 *
 * @param options `negativeSlope`: default 0.01.
 * @example
 * expect(new nn.LeakyReLU({ negativeSlope: 0.5 }).forward(tensor([-2, 2])).toArray()).toEqual([-1, 2]);
 */
export class LeakyReLU extends Module {
  /** The slope for x below 0. */
  readonly negativeSlope: number;

  constructor(options: { negativeSlope?: number } = {}) {
    super();
    checkOptions('LeakyReLU', options, ['negativeSlope']);
    this.negativeSlope = options.negativeSlope ?? 0.01;
    checkNumber('The negativeSlope of LeakyReLU', this.negativeSlope, isReal);
  }

  forward(x: Tensor): Tensor {
    return elementwise.leakyRelu(x, this.negativeSlope);
  }

  protected override describe(): string {
    return `negativeSlope: ${this.negativeSlope}`;
  }
}

/**
 * y = x for x > 0, alpha (e^x - 1) below (Clevert, Unterthiner and Hochreiter 2015).
 *
 * @param options `alpha`: default 1.
 * @example
 * expect(new nn.ELU().forward(tensor([2])).toArray()).toEqual([2]);
 */
export class ELU extends Module {
  /** What the output tends to for x to -∞, negated. */
  readonly alpha: number;

  constructor(options: { alpha?: number } = {}) {
    super();
    checkOptions('ELU', options, ['alpha']);
    this.alpha = options.alpha ?? 1;
    checkNumber('The alpha of ELU', this.alpha, isReal);
  }

  forward(x: Tensor): Tensor {
    return elementwise.elu(x, this.alpha);
  }

  protected override describe(): string {
    return `alpha: ${this.alpha}`;
  }
}

/**
 * y = x sigmoid(x), also called swish (Elfwing, Uchibe and Doya 2017).
 *
 * @example
 * expect(new nn.SiLU().forward(tensor([0])).toArray()).toEqual([0]);
 */
export class SiLU extends Module {
  forward(x: Tensor): Tensor {
    return elementwise.silu(x);
  }
}

/**
 * y = x Φ(x) with the normal distribution Φ(x) = (1 + erf(x / √2)) / 2, computed exactly (Hendrycks and Gimpel 2016).
 *
 * @example
 * expect(new nn.GELU().forward(tensor([0])).toArray()).toEqual([0]);
 */
export class GELU extends Module {
  forward(x: Tensor): Tensor {
    return elementwise.gelu(x);
  }
}

/**
 * y = log(1 + e^(beta x)) / beta; x itself where beta x > threshold.
 *
 * @param options `beta`: default 1; `threshold`: default 20.
 * @example
 * expect(new nn.Softplus().forward(tensor([30])).toArray()).toEqual([30]);
 */
export class Softplus extends Module {
  /** How sharply it bends. */
  readonly beta: number;
  /** From beta × x on, the output is x. */
  readonly threshold: number;

  constructor(options: { beta?: number; threshold?: number } = {}) {
    super();
    checkOptions('Softplus', options, ['beta', 'threshold']);
    this.beta = options.beta ?? 1;
    this.threshold = options.threshold ?? 20;
    checkNumber('The beta of Softplus', this.beta, { needed: 'above 0', holds: (n) => n > 0 && Number.isFinite(n) });
    checkNumber('The threshold of Softplus', this.threshold, isReal);
  }

  forward(x: Tensor): Tensor {
    const z = this.beta === 1 ? x : x.mul(this.beta);
    const y = elementwise.softplus(z);
    return z.gt(this.threshold).where(x, this.beta === 1 ? y : y.div(this.beta));
  }

  protected override describe(): string {
    return `beta: ${this.beta}, threshold: ${this.threshold}`;
  }
}

/**
 * y = (e^x - e^-x) / (e^x + e^-x)
 *
 * @example
 * expect(new nn.Tanh().forward(tensor([0])).toArray()).toEqual([0]);
 */
export class Tanh extends Module {
  forward(x: Tensor): Tensor {
    return x.tanh();
  }
}

/**
 * y = 1 / (1 + e^-x)
 *
 * @example
 * expect(new nn.Sigmoid().forward(tensor([0])).toArray()).toEqual([0.5]);
 */
export class Sigmoid extends Module {
  forward(x: Tensor): Tensor {
    return x.sigmoid();
  }
}
