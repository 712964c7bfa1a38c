import { checkValues, isRate } from '../errors';
import type { Tensor } from '../tensor/tensor';
import { exponential, integerPower } from './exact';
import { type Factors, type MomentOptions, Moments } from './moments';
import type { OptimizerState, ParameterState, Parameters } from './optimizer';

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
/** 1 - x is 1 for all x below: what follows of a product is 0. */
const NOTHING = 2 ** -54;

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
  /** μ₁ … μₜ of each group, each with the β₁ of its step. */
  private readonly products = new WeakMap<NAdamOptions, number[]>();

  constructor(parameters: Parameters<NAdamOptions>, options: Partial<NAdamOptions> = {}) {
    super(parameters, options, DEFAULTS);
  }

  protected override check(options: NAdamOptions): void {
    super.check(options);
    checkValues(options, { momentumDecay: isRate });
  }

  /** μ₁ … μₜ; steps that were not seen count as if their β₁ had been the present one. */
  private product(options: NAdamOptions, t: number): number {
    const products = this.products.get(options) ?? [1];
    this.products.set(options, products);
    let n = Math.min(t, products.length - 1);
    while (products[n] === undefined) n--;
    let last = products[n] as number;
    for (; n < t && last >= NOTHING; n++) {
      last *= momentum(options, n + 1);
      products[n + 1] = last;
    }
    return last < NOTHING ? 0 : last;
  }

  protected factors(options: NAdamOptions, step: number): Factors {
    const { lr, betas, eps } = options;
    const mu = momentum(options, step);
    const product = this.product(options, step - 1) * mu;
    if (product > 0) (this.products.get(options) as number[])[step] = product;
    const ahead = momentum(options, step + 1);
    const next = ahead / (1 - product * ahead);
    const now = (1 - mu) / (1 - product);
    return { rate: lr, root: 1 / Math.sqrt(1 - integerPower(betas[1], step)), eps, next, now };
  }

  /** Each parameter's state has its `muProduct` too: the product of the momenta of its steps. */
  override stateDict(): OptimizerState<NAdamOptions> {
    const dict = super.stateDict();
    this.eachState(dict, (state, options) => {
      state.muProduct = this.product(options, state.step);
    });
    return dict;
  }

  /** @internal */
  override restore(dict: OptimizerState<NAdamOptions>): void {
    super.restore(dict);
    for (const { options } of this.groups) this.products.set(options, [1]);
    this.eachState(dict, ({ step, muProduct }, options) => {
      if (Number.isFinite(muProduct)) (this.products.get(options) as number[])[step] = muProduct as number;
    });
  }

  private eachState(
    { state }: OptimizerState<NAdamOptions>,
    visit: (own: ParameterState, options: NAdamOptions) => void,
  ): void {
    for (const [i, own] of Object.entries(state)) {
      const p = this.params[Number(i)] as Tensor;
      visit(own, this.groups.find(({ params }) => params.includes(p))?.options as NAdamOptions);
    }
  }
}

function momentum({ betas: [beta1], momentumDecay }: NAdamOptions, t: number): number {
  return beta1 * (1 - 0.5 * integerPower(exponential(LOG_096 * momentumDecay), t));
}
