import { integerPower } from './exact';
import { type Factors, type MomentOptions, Moments } from './moments';
import type { Parameters } from './optimizer';

export interface RAdamOptions extends MomentOptions {
  /** The learning rate. Default: 0.001. */
  lr: number;
  /** Adds weightDecay × parameter to the gradient. Default: 0. */
  weightDecay: number;
}

const DEFAULTS: RAdamOptions = { lr: 0.001, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0 };

/** The length of v's mean from which its variance is known well enough, as PyTorch has it. */
const ENOUGH = 5;

/**
 * Adam whose steps wait until v is worth dividing by (Liu et al. 2020). With ρ∞ = 2 / (1 - β₂) - 1 and
 * ρ = ρ∞ - 2 t β₂ᵗ / (1 - β₂ᵗ): p ← p - lr u / (1 - β₁ᵗ) while ρ ≤ 5, and then
 * p ← p - lr r u / (1 - β₁ᵗ) √(1 - β₂ᵗ) / (√v + eps), r = √((ρ - 4) (ρ - 2) ρ∞ / ((ρ∞ - 4) (ρ∞ - 2) ρ)).
 *
 * As https://pytorch.org/docs/stable/generated/torch.optim.RAdam.html.
 *
 * @param parameters `model.parameters()`, or groups `{ params, lr, … }`.
 * @param options `lr` 0.001, `betas` [0.9, 0.999], `eps` 1e-8, `weightDecay` 0.
 * @throws OptionError for options that are unknown or out of range, or for no parameters.
 * @example
 * const w = parameter([1]);
 * const optimizer = new optim.RAdam([w], { lr: 0.25 });
 * w.square().sum().backward();
 * optimizer.step();
 * expect(w.item()).toBeCloseTo(0.5);
 */
export class RAdam extends Moments<RAdamOptions> {
  constructor(parameters: Parameters<RAdamOptions>, options: Partial<RAdamOptions> = {}) {
    super(parameters, options, DEFAULTS);
  }

  protected factors({ lr, betas: [beta1, beta2], eps }: RAdamOptions, step: number): Factors {
    const rate = lr / (1 - integerPower(beta1, step));
    const power = integerPower(beta2, step);
    const longest = 2 / (1 - beta2) - 1;
    const length = longest - (2 * step * power) / (1 - power);
    if (length <= ENOUGH) return { rate, root: 0, eps: 1 };
    const ratio = ((length - 4) * (length - 2) * longest) / ((longest - 4) * (longest - 2) * length);
    return { rate: rate * Math.sqrt(ratio) * Math.sqrt(1 - power), root: 1, eps };
  }
}
