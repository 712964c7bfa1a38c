import { Kernel } from '../../assembly/kernel';
import { checkValues, isFlag, isRate, isReal, OptionError } from '../errors';
import { emit } from '../tensor/driver';
import type { Tensor } from '../tensor/tensor';
import type { Operand } from '../wasm/record';
import { Optimizer, type ParameterState, type Parameters } from './optimizer';

/** What SGD takes. */
export interface SGDOptions {
  /** The learning rate. Default: 0.001. */
  lr: number;
  /** How much of the last step is kept. Default: 0. */
  momentum: number;
  /** How much of the gradient is left out of the momentum. Default: 0. */
  dampening: number;
  /** Look ahead by one step of the momentum. Default: false. */
  nesterov: boolean;
  /** Adds weightDecay × parameter to the gradient. Default: 0. */
  weightDecay: number;
}

const DEFAULTS: SGDOptions = { lr: 0.001, momentum: 0, dampening: 0, nesterov: false, weightDecay: 0 };

/**
 * Gradient descent: p ← p - lr g. With momentum, v ← momentum v + (1 - dampening) g (v ← g at the first step) and
 * p ← p - lr v, or p ← p - lr (g + momentum v) where `nesterov` is true (Sutskever et al. 2013).
 *
 * Whether a step sees all rows, some or one is the loader's `batchSize`.
 * As https://pytorch.org/docs/stable/generated/torch.optim.SGD.html.
 *
 * @param parameters `model.parameters()`, or groups `{ params, lr, … }`.
 * @param options `lr` 0.001, `momentum` 0, `dampening` 0, `nesterov` false, `weightDecay` 0.
 * @throws OptionError for options that are unknown or out of range, or for no parameters.
 * @example
 * const w = parameter([1]);
 * const optimizer = new optim.SGD([w], { lr: 0.5 });
 * w.square().sum().backward();
 * optimizer.step();
 * expect(w.toArray()).toEqual([0]);
 */
export class SGD extends Optimizer<SGDOptions> {
  protected readonly rowLength = 4;

  constructor(parameters: Parameters<SGDOptions>, options: Partial<SGDOptions> = {}) {
    super(parameters, options, DEFAULTS);
  }

  protected check(options: SGDOptions): void {
    const { momentum, dampening, nesterov } = options;
    checkValues(options, { lr: isRate, momentum: isRate, dampening: isReal, weightDecay: isRate, nesterov: isFlag });
    if (nesterov && (momentum === 0 || dampening !== 0)) {
      throw new OptionError(
        `nesterov got momentum ${momentum} and dampening ${dampening}; it needs a momentum above 0 and no dampening.`,
      );
    }
  }

  protected remembers({ momentum }: SGDOptions): readonly string[] {
    return momentum === 0 ? [] : ['momentumBuffer'];
  }

  protected row({ lr, momentum, dampening, weightDecay }: SGDOptions, step: number): readonly number[] {
    return [lr, momentum, step === 1 ? 1 : 1 - dampening, weightDecay];
  }

  protected override isConstant({ dampening }: SGDOptions): boolean {
    return dampening === 0;
  }

  /** @internal */
  protected update(
    p: Tensor,
    grad: Tensor,
    { state, row, options }: { state: ParameterState; row: Operand; options: SGDOptions },
  ): void {
    emit(Kernel.updateSgd, p, grad, state.momentumBuffer as Tensor | undefined, p.size, row, options.nesterov ? 1 : 0);
  }
}
