import { Kernel } from '../../assembly/kernel';
import { checkValues, isRate } from '../errors';
import { emit } from '../tensor/driver';
import type { Tensor } from '../tensor/tensor';
import type { Operand } from '../wasm/record';
import { checkBetas } from './checks';
import { Optimizer, type ParameterState, type Parameters } from './optimizer';

/** What Lion takes. */
export interface LionOptions {
  /** The learning rate, and the length of every step. Default: 0.0001. */
  lr: number;
  /** How much of the mean is in the step, and how slowly it changes. Default: [0.9, 0.99]. */
  betas: readonly [number, number];
  /** Takes lr × weightDecay of the parameter away. Default: 0. */
  weightDecay: number;
}

const DEFAULTS: LionOptions = { lr: 1e-4, betas: [0.9, 0.99], weightDecay: 0 };

/**
 * Lion (Chen et al. 2023): p ← p - lr weightDecay p - lr sign(β₁ u + (1 - β₁) g), u ← β₂ u + (1 - β₂) g.
 *
 * As algorithm 2 of https://arxiv.org/abs/2302.06675. A rate of a tenth of Adam's is a good start.
 *
 * @param parameters `model.parameters()`, or groups `{ params, lr, … }`.
 * @param options `lr` 0.0001, `betas` [0.9, 0.99], `weightDecay` 0.
 * @throws OptionError for options that are unknown or out of range, or for no parameters.
 * @example
 * const w = parameter([1]);
 * const optimizer = new optim.Lion([w], { lr: 0.25 });
 * w.square().sum().backward();
 * optimizer.step();
 * expect(w.item()).toBe(0.75);
 */
export class Lion extends Optimizer<LionOptions> {
  protected readonly rowLength = 6;

  constructor(parameters: Parameters<LionOptions>, options: Partial<LionOptions> = {}) {
    super(parameters, options, DEFAULTS);
  }

  protected check(options: LionOptions): void {
    checkValues(options, { lr: isRate, weightDecay: isRate });
    checkBetas(options.betas);
  }

  protected remembers(): readonly string[] {
    return ['expAvg'];
  }

  protected row({ lr, betas: [beta1, beta2], weightDecay }: LionOptions): readonly number[] {
    return [lr, beta1, 1 - beta1, beta2, 1 - beta2, lr * weightDecay];
  }

  protected override isConstant(): boolean {
    return true;
  }

  /** @internal */
  protected update(p: Tensor, grad: Tensor, { state, row }: { state: ParameterState; row: Operand }): void {
    emit(Kernel.updateLion, p, grad, state.expAvg as Tensor, p.size, row);
  }
}
