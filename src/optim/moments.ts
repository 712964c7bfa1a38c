import { Kernel } from '../../assembly/kernel';
import { checkValues, isFlag, isRate } from '../errors';
import { emit } from '../tensor/driver';
import type { Tensor } from '../tensor/tensor';
import type { Operand } from '../wasm/record';
import { checkBetas } from './checks';
import { integerPower } from './exact';
import { Optimizer, type ParameterState } from './optimizer';

/** The options of Adam and of its relatives. */
export interface MomentOptions {
  /** The learning rate. */
  lr: number;
  /** How slowly the means of the gradient and of its square change. Default: [0.9, 0.999]. */
  betas: readonly [number, number];
  /** Keeps the denominator from 0. Default: 1e-8. */
  eps: number;
  /** How much the parameters are pulled to 0. */
  weightDecay: number;
}

/** p ← p - rate (next u + now g  if it looks ahead, u  otherwise) / (√v root + eps). */
export interface Factors {
  rate: number;
  root: number;
  eps: number;
  next?: number;
  now?: number;
}

/** An optimizer that keeps the means of the gradient, u, and of its square, v. */
export abstract class Moments<O extends MomentOptions & { amsgrad?: boolean }> extends Optimizer<O> {
  protected readonly rowLength = 10;
  /** Does lr × weightDecay × parameter go from the parameter, instead of weightDecay × parameter to the gradient? */
  protected readonly apart: boolean = false;
  protected readonly ahead: boolean = false;

  protected check(options: O): void {
    checkValues(options, { lr: isRate, eps: isRate, weightDecay: isRate });
    checkBetas(options.betas);
    if (options.amsgrad !== undefined) checkValues(options, { amsgrad: isFlag });
  }

  protected remembers({ amsgrad }: O): readonly string[] {
    return ['expAvg', 'expAvgSq', ...(amsgrad ? ['maxExpAvgSq'] : [])];
  }

  /** What update number `step` multiplies by. */
  protected abstract factors(options: O, step: number): Factors;

  protected row(options: O, step: number): readonly number[] {
    const { lr, betas, weightDecay } = options;
    const [beta1, beta2] = betas;
    const { rate, root, eps, next = 1, now = 0 } = this.factors(options, step);
    const decay = this.apart ? lr * weightDecay : weightDecay;
    return [rate, beta1, 1 - beta1, beta2, 1 - beta2, root, eps, decay, next, now];
  }

  /** @internal */
  protected update(
    p: Tensor,
    grad: Tensor,
    { state, row, options }: { state: ParameterState; row: Operand; options: O },
  ): void {
    const { expAvg, expAvgSq, maxExpAvgSq } = state as Record<string, Tensor>;
    const top = options.amsgrad ? maxExpAvgSq : undefined;
    emit(Kernel.updateAdam, p, grad, expAvg, expAvgSq, top, p.size, row, this.apart ? 1 : 0, this.ahead ? 1 : 0);
  }
}

/** Adam's: the means divided by 1 - βᵗ, because they have begun from 0. */
export function unbiased({ lr, betas: [beta1, beta2], eps }: MomentOptions, step: number): Factors {
  return { rate: lr / (1 - integerPower(beta1, step)), root: 1 / Math.sqrt(1 - integerPower(beta2, step)), eps };
}
