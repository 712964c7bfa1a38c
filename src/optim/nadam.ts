import { checkValues, isRate } from '../errors';
import { exponential, integerPower } from './exact';
import { type Factors, type MomentOptions, Moments } from './moments';
import type { Parameters } from './optimizer';

export interface NAdamOptions extends MomentOptions {
  /** The learning rate. Default: 0.002. */
  lr: number;
  /** Adds weightDecay × parameter to the gradient. Default: 0. */
  weightDecay: number;
  /** How fast the momentum rises to its β₁. Default: 0.004. */
  momentumDecay: number;
}

const DEFAULTS: NAdamOptions = { lr: 0.002, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, momentumDecay: 0.004 };

const LOG_096 = -0.040821994520255166;
/** 1 - x is 1 for all x below. */
const NOTHING = 2 ** -54;

/** μ₁ … μₜ and their products, which are kept because each step needs that of the one before. */
interface Momenta {
  beta1: number;
  momentumDecay: number;
  products: number[];
}

/**
 * Adam that looks ahead as Nesterov does (Dozat 2016): with u, v of Adam and μₜ = β₁ (1 - 0.96^(t momentumDecay) / 2),
 * p ← p - lr (μₜ₊₁ u / (1 - μ₁ … μₜ₊₁) + (1 - μₜ) g / (1 - μ₁ … μₜ)) / (√(v / (1 - β₂ᵗ)) + eps).
 *
 * As https://pytorch.org/docs/stable/generated/torch.optim.NAdam.html.
 *
 * @param parameters `model.parameters()`, or groups `{ params, lr, … }`.
 * @param options `lr` 0.002, `betas` [0.9, 0.999], `eps` 1e-8, `weightDecay` 0, `momentumDecay` 0.004.
 * @throws OptionError for options that are unknown or out of range, or for no parameters.
 * @example
 * const w = parameter([1]);
 * const optimizer = new optim.NAdam([w], { lr: 0.25 });
 * w.square().sum().backward();
 * optimizer.step();
 * expect(w.item()).toBeCloseTo(0.7359);
 */
export class NAdam extends Moments<NAdamOptions> {
  protected override readonly ahead = true;
  private readonly momenta = new WeakMap<NAdamOptions, Momenta>();

  constructor(parameters: Parameters<NAdamOptions>, options: Partial<NAdamOptions> = {}) {
    super(parameters, options, DEFAULTS);
  }

  protected override check(options: NAdamOptions): void {
    super.check(options);
    checkValues(options, { momentumDecay: isRate });
  }

  /** μ₁ … μₜ */
  private product(options: NAdamOptions, t: number): number {
    const { momentumDecay } = options;
    const [beta1] = options.betas;
    let known = this.momenta.get(options);
    if (known?.beta1 !== beta1 || known.momentumDecay !== momentumDecay) {
      known = { beta1, momentumDecay, products: [1] };
      this.momenta.set(options, known);
    }
    const { products } = known;
    for (let n = products.length; n <= t; n++) {
      const last = products[n - 1] as number;
      if (last < NOTHING) return 0;
      products.push(last * momentum(options, n));
    }
    return products[t] as number;
  }

  protected factors(options: NAdamOptions, step: number): Factors {
    const { lr, betas, eps } = options;
    const next = momentum(options, step + 1) / (1 - this.product(options, step + 1));
    const now = (1 - momentum(options, step)) / (1 - this.product(options, step));
    return { rate: lr, root: 1 / Math.sqrt(1 - integerPower(betas[1], step)), eps, next, now };
  }
}

function momentum({ betas: [beta1], momentumDecay }: NAdamOptions, t: number): number {
  return beta1 * (1 - 0.5 * integerPower(exponential(LOG_096 * momentumDecay), t));
}
