import { Kernel } from '../../assembly/kernel';
import { checkValues, isRate } from '../errors';
import { zeros } from '../tensor/create';
import { emit } from '../tensor/driver';
import type { Tensor } from '../tensor/tensor';
import type { Operand } from '../wasm/record';
import { Optimizer, type ParameterState, type Parameters } from './optimizer';

/** What Adagrad takes. */
export interface AdagradOptions {
  /** The learning rate. Default: 0.01. */
  lr: number;
  /** Divides the rate of update t by 1 + (t - 1) lrDecay. Default: 0. */
  lrDecay: number;
  /** Adds weightDecay × parameter to the gradient. Default: 0. */
  weightDecay: number;
  /** What the sum of the squares begins with. Default: 0. */
  initialAccumulatorValue: number;
  /** Keeps the denominator from 0. Default: 1e-10. */
  eps: number;
}

const DEFAULTS: AdagradOptions = { lr: 0.01, lrDecay: 0, weightDecay: 0, initialAccumulatorValue: 0, eps: 1e-10 };

/**
 * Adagrad (Duchi et al. 2011): v ← v + g², p ← p - lr / (1 + (t - 1) lrDecay) g / (√v + eps).
 *
 * As https://pytorch.org/docs/stable/generated/torch.optim.Adagrad.html.
 *
 * @param parameters `model.parameters()`, or groups `{ params, lr, … }`.
 * @param options `lr` 0.01, `lrDecay` 0, `weightDecay` 0, `initialAccumulatorValue` 0, `eps` 1e-10.
 * @throws OptionError for options that are unknown or out of range, or for no parameters.
 * @example
 * const w = parameter([1]);
 * const optimizer = new optim.Adagrad([w], { lr: 0.5 });
 * w.square().sum().backward();
 * optimizer.step();
 * expect(w.item()).toBeCloseTo(0.5);
 */
export class Adagrad extends Optimizer<AdagradOptions> {
  protected readonly rowLength = 6;

  constructor(parameters: Parameters<AdagradOptions>, options: Partial<AdagradOptions> = {}) {
    super(parameters, options, DEFAULTS);
  }

  protected check(options: AdagradOptions): void {
    const rates = { lr: isRate, lrDecay: isRate, weightDecay: isRate, initialAccumulatorValue: isRate, eps: isRate };
    checkValues(options, rates);
  }

  protected remembers(): readonly string[] {
    return ['sum'];
  }

  protected override initial(p: Tensor, { initialAccumulatorValue }: AdagradOptions): Tensor {
    return zeros([]).filled(p.shape, initialAccumulatorValue);
  }

  protected row({ lr, lrDecay, weightDecay, eps }: AdagradOptions, step: number): readonly number[] {
    return [lr / (1 + (step - 1) * lrDecay), 1, 1, eps, weightDecay, 0];
  }

  /** @internal RMSprop's kernel, with a sum for its mean. */
  protected update(p: Tensor, grad: Tensor, { state, row }: { state: ParameterState; row: Operand }): void {
    emit(Kernel.updateRmsprop, p, grad, state.sum as Tensor, undefined, undefined, p.size, row);
  }
}
