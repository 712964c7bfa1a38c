import { Kernel } from '../../assembly/kernel';
import { checkValues, isRate } from '../errors';
import { emit } from '../tensor/driver';
import type { Tensor } from '../tensor/tensor';
import type { Operand } from '../wasm/record';
import { checkBetas } from './checks';
import { integerPower } from './exact';
import { Optimizer, type ParameterState, type Parameters } from './optimizer';

/** What Adamax takes. */
export interface AdamaxOptions {
  /** The learning rate. Default: 0.002. */
  lr: number;
  /** How slowly the mean of the gradient and its largest size change. Default: [0.9, 0.999]. */
  betas: readonly [number, number];
  /** Keeps the denominator from 0. Default: 1e-8. */
  eps: number;
  /** Adds weightDecay × parameter to the gradient. Default: 0. */
  weightDecay: number;
}

const DEFAULTS: AdamaxOptions = { lr: 0.002, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0 };

/**
 * Adamax (Kingma and Ba 2015, section 7.1): u ← β₁ u + (1 - β₁) g, v ← max(β₂ v, |g| + eps), p ← p - lr / (1 - β₁ᵗ) u / v.
 *
 * As https://pytorch.org/docs/stable/generated/torch.optim.Adamax.html.
 *
 * @param parameters `model.parameters()`, or groups `{ params, lr, … }`.
 * @param options `lr` 0.002, `betas` [0.9, 0.999], `eps` 1e-8, `weightDecay` 0.
 * @throws OptionError for options that are unknown or out of range, or for no parameters.
 * @example
 * const w = parameter([1]);
 * const optimizer = new optim.Adamax([w], { lr: 0.25 });
 * w.square().sum().backward();
 * optimizer.step();
 * expect(w.item()).toBeCloseTo(0.75);
 */
export class Adamax extends Optimizer<AdamaxOptions> {
  protected readonly rowLength = 6;

  constructor(parameters: Parameters<AdamaxOptions>, options: Partial<AdamaxOptions> = {}) {
    super(parameters, options, DEFAULTS);
  }

  protected check(options: AdamaxOptions): void {
    checkValues(options, { lr: isRate, eps: isRate, weightDecay: isRate });
    checkBetas(options.betas);
  }

  protected remembers(): readonly string[] {
    return ['expAvg', 'expInf'];
  }

  protected row({ lr, betas: [beta1, beta2], eps, weightDecay }: AdamaxOptions, step: number): readonly number[] {
    return [lr / (1 - integerPower(beta1, step)), beta1, 1 - beta1, beta2, eps, weightDecay];
  }

  /** @internal */
  protected update(p: Tensor, grad: Tensor, { state, row }: { state: ParameterState; row: Operand }): void {
    emit(Kernel.updateAdamax, p, grad, state.expAvg as Tensor, state.expInf as Tensor, p.size, row);
  }
}
