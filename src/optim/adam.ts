import { type Factors, type MomentOptions, Moments, unbiased } from './moments';
import type { Parameters } from './optimizer';

/** What Adam takes. */
export interface AdamOptions extends MomentOptions {
  /** The learning rate. Default: 0.001. */
  lr: number;
  /** Adds weightDecay × parameter to the gradient. Default: 0. */
  weightDecay: number;
  /** Divide by the root of the largest v so far (Reddi et al. 2018). Default: false. */
  amsgrad: boolean;
}

/** What AdamW takes. */
export interface AdamWOptions extends Omit<AdamOptions, 'weightDecay'> {
  /** Takes lr × weightDecay of the parameter away. Default: 0.01. */
  weightDecay: number;
}

const DEFAULTS: AdamOptions = { lr: 0.001, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, amsgrad: false };

/**
 * Adam (Kingma and Ba 2015): u ← β₁ u + (1 - β₁) g, v ← β₂ v + (1 - β₂) g²,
 * p ← p - lr (u / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + eps). With `amsgrad` the largest v so far stands for v in the last.
 *
 * As https://pytorch.org/docs/stable/generated/torch.optim.Adam.html.
 *
 * @param parameters `model.parameters()`, or groups `{ params, lr, … }`.
 * @param options `lr` 0.001, `betas` [0.9, 0.999], `eps` 1e-8, `weightDecay` 0, `amsgrad` false.
 * @throws OptionError for options that are unknown or out of range, or for no parameters.
 * @example
 * const w = parameter([1]);
 * const optimizer = new optim.Adam([w], { lr: 0.25 });
 * w.square().sum().backward();
 * optimizer.step();
 * expect(w.item()).toBeCloseTo(0.75);
 */
export class Adam extends Moments<AdamOptions> {
  constructor(parameters: Parameters<AdamOptions>, options: Partial<AdamOptions> = {}) {
    super(parameters, options, DEFAULTS);
  }

  protected factors(options: AdamOptions, step: number): Factors {
    return unbiased(options, step);
  }
}

/**
 * Adam with a weight decay of its own (Loshchilov and Hutter 2019): p ← p - lr weightDecay p, then Adam's step with the
 * gradient as it is.
 *
 * As https://pytorch.org/docs/stable/generated/torch.optim.AdamW.html.
 *
 * @param parameters `model.parameters()`, or groups `{ params, lr, … }`.
 * @param options `lr` 0.001, `betas` [0.9, 0.999], `eps` 1e-8, `weightDecay` 0.01, `amsgrad` false.
 * @throws OptionError for options that are unknown or out of range, or for no parameters.
 * @example
 * const w = parameter([1]);
 * const optimizer = new optim.AdamW([w], { lr: 0.25 });
 * w.square().sum().backward();
 * optimizer.step();
 * expect(w.item()).toBeCloseTo(0.7475);
 */
export class AdamW extends Moments<AdamWOptions> {
  protected override readonly apart = true;

  constructor(parameters: Parameters<AdamWOptions>, options: Partial<AdamWOptions> = {}) {
    super(parameters, options, { ...DEFAULTS, weightDecay: 0.01 });
  }

  protected factors(options: AdamWOptions, step: number): Factors {
    return unbiased(options, step);
  }
}
