import {
  checkOptions,
  checkValue,
  DivergenceError,
  isCount,
  isFunction,
  isRate,
  isSignal,
  OptionError,
  quoted,
  type Rules,
  ShapeError,
} from '../errors';
import { Adam } from '../optim/adam';
import { Optimizer } from '../optim/optimizer';
import { show } from '../tensor/shape';
import { Tensor } from '../tensor/tensor';
import { Compiled } from './compiled';
import { Pacer } from './pause';

/** What `minimize` takes. */
export interface MinimizeOptions {
  /** Over the parameters. Default: `new Adam(parameters, { lr: 0.01 })`. */
  optimizer?: Optimizer<never> | Optimizer;
  /** The most steps. Default: 1000. */
  steps?: number;
  /** Stop after the first step whose cost differs from that before it by no more than this. Default: 0, never. */
  tolerance?: number;
  /** Called after each step with its number, counted from 1, and the cost before it; a promise is awaited. */
  onStep?: (step: number, cost: number) => unknown;
  /** Stops between two slices; what was found stays. */
  signal?: AbortSignal;
}

/** What `minimize` found. */
export interface Minimum {
  /** The cost before the last step. */
  cost: number;
  /** The cost before each step. */
  costs: number[];
  /** Steps taken. */
  steps: number;
  /** Why it ended. */
  stoppedBy: 'steps' | 'tolerance' | 'signal';
}

/** Steps in the tables of a run without an end. */
const WINDOW = 4096;

const RULES: Rules<keyof MinimizeOptions> = {
  optimizer: undefined,
  steps: isCount,
  tolerance: isRate,
  onStep: isFunction,
  signal: isSignal,
};

function checked(
  parameters: readonly Tensor[],
  options: MinimizeOptions,
): { optimizer: Optimizer; steps: number; tolerance: number } {
  checkOptions('minimize', options, RULES);
  const bad =
    !Array.isArray(parameters) ||
    parameters.length === 0 ||
    !parameters.every((p) => p instanceof Tensor && p.requiresGrad);
  if (bad) throw new OptionError('minimize needs a list of parameters, such as [parameter([0, 0])].');
  const { steps = 1000, tolerance = 0, optimizer = new Adam(parameters, { lr: 0.01 }) } = options;
  if (!(optimizer instanceof Optimizer))
    throw new OptionError(
      `minimize got ${quoted(optimizer)} for its optimizer; give one such as new SGD(parameters, { lr: 0.01 }).`,
    );
  return { optimizer: optimizer as Optimizer, steps, tolerance };
}

/** The first step whose cost is within `tolerance` of the one before it, or undefined. */
function settled(costs: readonly number[], from: number, tolerance: number): number | undefined {
  if (tolerance === 0) return undefined;
  for (let i = Math.max(from, 1); i < costs.length; i++) {
    if (Math.abs((costs[i] as number) - (costs[i - 1] as number)) <= tolerance) return i;
  }
  return undefined;
}

/**
 * Steps down any differentiable cost until it settles: parameters ← optimizer(d cost / d parameters).
 *
 * @param cost a function of the parameters that gives a tensor of one element.
 * @param parameters tensors made by `parameter`; they are changed in place.
 * @returns the costs on the way, and why it ended. For the way itself, read the parameters in `onStep`; without it no
 * JavaScript runs between steps.
 * @throws OptionError for options that are unknown or out of range, and an optimizer of other parameters; ShapeError for a cost of many numbers; DivergenceError where
 * the cost is no longer finite: the parameters keep their last finite values.
 * @example
 * const x = parameter([4]);
 * const { cost } = await minimize((x) => x.sub(1).square().sum(), [x], {
 *   optimizer: new optim.SGD([x], { lr: 0.1 }), steps: 500, tolerance: 1e-12,
 * });
 * expect(cost).toBeLessThan(1e-9);
 * expect(x.item()).toBeCloseTo(1, 4);
 *
 * const path = [x.assign([4]).item()];
 * const optimizer = new optim.SGD([x], { lr: 0.25 });
 * await minimize((x) => x.sub(1).square().sum(), [x], { optimizer, steps: 2, onStep: () => path.push(x.item()) });
 * expect(path).toEqual([4, 2.5, 1.75]);
 */
export async function minimize(
  cost: (...parameters: Tensor[]) => Tensor,
  parameters: readonly Tensor[],
  options: MinimizeOptions = {},
): Promise<Minimum> {
  const { optimizer, steps, tolerance } = checked(parameters, options);
  checkValue('The cost of minimize', cost, isFunction);
  const update = () => {
    optimizer.zeroGrad();
    const value = cost(...parameters);
    if (!(value instanceof Tensor))
      throw new OptionError(`The cost of minimize gave ${quoted(value)}; it must give a tensor of one element.`);
    if (value.size !== 1)
      throw new ShapeError(
        `The cost of minimize has shape ${show(value.shape)}; it must be one number. Take its sum() or mean().`,
      );
    value.backward();
    if (!(optimizer as Optimizer).params.some((p) => p.gradient))
      throw new OptionError(
        "The cost depends on none of the optimizer's parameters; give it those that are minimised.",
      );
    optimizer.step();
    return value;
  };
  const compiled = new Compiled([{ end: steps, step: update }], {
    optimizer,
    steps: Math.min(steps, WINDOW),
    diverged: (_, i) =>
      new DivergenceError(
        `The cost or a parameter is not finite at step ${i + 1} (lr ${optimizer.lr}); try a smaller lr. The parameters keep their last finite values.`,
        1,
        i + 1,
        'cost',
      ),
  });
  try {
    return await descend(compiled, { steps, tolerance, options });
  } finally {
    compiled.release();
  }
}

interface Descent {
  steps: number;
  tolerance: number;
  options: MinimizeOptions;
}

async function descend(
  compiled: Compiled,
  { steps, tolerance, options: { onStep, signal } }: Descent,
): Promise<Minimum> {
  const pacer = new Pacer({ signal });
  const costs: number[] = [];
  const minimum = (stoppedBy: Minimum['stoppedBy']): Minimum => ({
    cost: costs[costs.length - 1] as number,
    costs,
    steps: costs.length,
    stoppedBy,
  });
  while (costs.length < steps) {
    if (pacer.stopped) return minimum('signal');
    const first = costs.length;
    const end = Math.min(steps, first + (onStep ? 1 : compiled.steps));
    costs.push(...(await compiled.run({ first, end })));
    if (onStep) await onStep(end, costs[first] as number);
    const last = settled(costs, first, tolerance);
    if (last !== undefined) {
      if (last + 1 < end) await compiled.again(first, last + 1);
      costs.length = last + 1;
      return minimum('tolerance');
    }
    await pacer.tick();
  }
  return minimum('steps');
}
