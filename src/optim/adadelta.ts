import { Kernel } from '../../assembly/kernel';
import { checkValues, isRate } from '../errors';
import { emit } from '../tensor/driver';
import type { Tensor } from '../tensor/tensor';
import type { Operand } from '../wasm/record';
import { isShare } from './checks';
import { Optimizer, type ParameterState, type Parameters } from './optimizer';

/** What Adadelta takes. */
export interface AdadeltaOptions {
  /** What the steps are multiplied by. Default: 1. */
  lr: number;
  /** How slowly the means of the squares change. Default: 0.9. */
  rho: number;
  /** Keeps the roots from 0, and begins the descent. Default: 1e-6. */
  eps: number;
  /** Adds weightDecay × parameter to the gradient. Default: 0. */
  weightDecay: number;
}

const DEFAULTS: AdadeltaOptions = { lr: 1, rho: 0.9, eps: 1e-6, weightDecay: 0 };

/**
 * Adadelta (Zeiler 2012): v ← rho v + (1 - rho) g², d = √(a + eps) / √(v + eps) g, a ← rho a + (1 - rho) d², p ← p - lr d.
 *
 * As https://pytorch.org/docs/stable/generated/torch.optim.Adadelta.html.
 *
 * @param parameters `model.parameters()`, or groups `{ params, lr, … }`.
 * @param options `lr` 1, `rho` 0.9, `eps` 1e-6, `weightDecay` 0.
 * @throws OptionError for options that are unknown or out of range, or for no parameters.
 * @example
 * const w = parameter([1]);
 * const optimizer = new optim.Adadelta([w]);
 * w.square().sum().backward();
 * optimizer.step();
 * expect(w.item()).toBeCloseTo(0.99684, 5);
 */
export class Adadelta extends Optimizer<AdadeltaOptions> {
  protected readonly rowLength = 5;

  constructor(parameters: Parameters<AdadeltaOptions>, options: Partial<AdadeltaOptions> = {}) {
    super(parameters, options, DEFAULTS);
  }

  protected check(options: AdadeltaOptions): void {
    checkValues(options, { lr: isRate, eps: isRate, weightDecay: isRate, rho: isShare });
  }

  protected remembers(): readonly string[] {
    return ['squareAvg', 'accDelta'];
  }

  protected row({ lr, rho, eps, weightDecay }: AdadeltaOptions): readonly number[] {
    return [lr, rho, 1 - rho, eps, weightDecay];
  }

  protected override isConstant(): boolean {
    return true;
  }

  /** @internal */
  protected update(p: Tensor, grad: Tensor, { state, row }: { state: ParameterState; row: Operand }): void {
    emit(Kernel.updateAdadelta, p, grad, state.squareAvg as Tensor, state.accDelta as Tensor, p.size, row);
  }
}
