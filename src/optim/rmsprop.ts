import { Kernel } from '../../assembly/kernel';
import { checkValues, isFlag, isRate } from '../errors';
import { emit } from '../tensor/driver';
import type { Tensor } from '../tensor/tensor';
import type { Operand } from '../wasm/record';
import { isShare } from './checks';
import { Optimizer, type ParameterState, type Parameters } from './optimizer';

/** What RMSprop takes. */
export interface RMSpropOptions {
  /** The learning rate. Default: 0.01. */
  lr: number;
  /** How slowly the mean of the squared gradient changes. Default: 0.99. */
  alpha: number;
  /** Keeps the denominator from 0. Default: 1e-8. */
  eps: number;
  /** Adds weightDecay × parameter to the gradient. Default: 0. */
  weightDecay: number;
  /** How much of the last step is kept. Default: 0. */
  momentum: number;
  /** Divide by the root of the gradient's variance, not of its mean square. Default: false. */
  centered: boolean;
}

const DEFAULTS: RMSpropOptions = { lr: 0.01, alpha: 0.99, eps: 1e-8, weightDecay: 0, momentum: 0, centered: false };

/**
 * RMSprop (Hinton 2012): v ← alpha v + (1 - alpha) g², p ← p - lr g / (√v + eps). With `centered`,
 * m ← alpha m + (1 - alpha) g and v - m² stands for v in the last (Graves 2013). With momentum,
 * b ← momentum b + g / (√v + eps), p ← p - lr b.
 *
 * As https://pytorch.org/docs/stable/generated/torch.optim.RMSprop.html.
 *
 * @param parameters `model.parameters()`, or groups `{ params, lr, … }`.
 * @param options `lr` 0.01, `alpha` 0.99, `eps` 1e-8, `weightDecay` 0, `momentum` 0, `centered` false.
 * @throws OptionError for options that are unknown or out of range, or for no parameters.
 * @example
 * const w = parameter([1]);
 * const optimizer = new optim.RMSprop([w], { lr: 0.05 });
 * w.square().sum().backward();
 * optimizer.step();
 * expect(w.item()).toBeCloseTo(0.5);
 */
export class RMSprop extends Optimizer<RMSpropOptions> {
  protected readonly rowLength = 6;

  constructor(parameters: Parameters<RMSpropOptions>, options: Partial<RMSpropOptions> = {}) {
    super(parameters, options, DEFAULTS);
  }

  protected check(options: RMSpropOptions): void {
    const rates = { lr: isRate, eps: isRate, weightDecay: isRate, momentum: isRate };
    checkValues(options, { ...rates, alpha: isShare, centered: isFlag });
  }

  protected remembers({ momentum, centered }: RMSpropOptions): readonly string[] {
    return ['squareAvg', ...(centered ? ['gradAvg'] : []), ...(momentum > 0 ? ['momentumBuffer'] : [])];
  }

  protected row({ lr, alpha, eps, weightDecay, momentum }: RMSpropOptions): readonly number[] {
    return [lr, alpha, 1 - alpha, eps, weightDecay, momentum];
  }

  protected override isConstant(): boolean {
    return true;
  }

  /** @internal */
  protected update(p: Tensor, grad: Tensor, { state, row }: { state: ParameterState; row: Operand }): void {
    const { squareAvg, gradAvg, momentumBuffer } = state as Record<string, Tensor>;
    emit(Kernel.updateRmsprop, p, grad, squareAvg, gradAvg, momentumBuffer, p.size, row);
  }
}
