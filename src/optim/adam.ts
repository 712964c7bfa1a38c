import { Kernel } from '../../assembly/kernel';
import { checkNumber, isFraction, isRate, OptionError } from '../errors';
import { emit } from '../tensor/driver';
import type { Tensor } from '../tensor/tensor';
import type { Operand } from '../wasm/record';
import { integerPower, Optimizer, type ParameterState, type Parameters } from './optimizer';

export interface AdamOptions {
  /** The learning rate. Default: 0.001. */
  lr: number;
  /** How slowly the means of the gradient and of its square change. Default: [0.9, 0.999]. */
  betas: readonly [number, number];
  /** Keeps the denominator from 0. Default: 1e-8. */
  eps: number;
  /** Adds weightDecay × parameter to the gradient. Default: 0. */
  weightDecay: number;
}

const DEFAULTS: AdamOptions = { lr: 0.001, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0 };

/**
 * Adam (Kingma and Ba 2015): u ← β₁ u + (1 - β₁) g, v ← β₂ v + (1 - β₂) g²,
 * p ← p - lr (u / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + eps).
 *
 * As https://pytorch.org/docs/stable/generated/torch.optim.Adam.html.
 *
 * @param parameters `model.parameters()`, or groups `{ params, lr, … }`.
 * @param options `lr` 0.001, `betas` [0.9, 0.999], `eps` 1e-8, `weightDecay` 0.
 * @throws OptionError for options that are unknown or out of range, or for no parameters.
 * @example
 * const w = parameter([1]);
 * const optimizer = new optim.Adam([w], { lr: 0.25 });
 * w.square().sum().backward();
 * optimizer.step();
 * expect(w.item()).toBeCloseTo(0.75);
 */
export class Adam extends Optimizer<AdamOptions> {
  protected readonly rowLength = 8;

  constructor(parameters: Parameters<AdamOptions>, options: Partial<AdamOptions> = {}) {
    super(parameters, options, DEFAULTS);
  }

  protected check({ lr, betas, eps, weightDecay }: AdamOptions): void {
    checkNumber('lr', lr, isRate);
    if (!Array.isArray(betas) || betas.length !== 2)
      throw new OptionError(`betas is ${String(betas)}; it must be two numbers, such as [0.9, 0.999].`);
    for (const beta of betas) checkNumber('Each of betas', beta, isFraction);
    checkNumber('eps', eps, isRate);
    checkNumber('weightDecay', weightDecay, isRate);
  }

  protected remembers(): readonly string[] {
    return ['expAvg', 'expAvgSq'];
  }

  protected row({ lr, betas: [beta1, beta2], eps, weightDecay }: AdamOptions, step: number): readonly number[] {
    const rate = lr / (1 - integerPower(beta1, step));
    const root = 1 / Math.sqrt(1 - integerPower(beta2, step));
    return [rate, beta1, 1 - beta1, beta2, 1 - beta2, root, eps, weightDecay];
  }

  /** @internal */
  protected update(p: Tensor, grad: Tensor, { state, row }: { state: ParameterState; row: Operand }): void {
    emit(Kernel.updateAdam, p, grad, state.expAvg as Tensor, state.expAvgSq as Tensor, p.size, row);
  }
}
