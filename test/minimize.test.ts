import {
  DivergenceError,
  minimize,
  OptionError,
  parameter,
  ShapeError,
  StateError,
  type Tensor,
  tensor,
} from 'downhill';
import { Adam, SGD } from 'downhill/optim';
import { describe, expect, it } from 'vitest';
import { constant, expectClose, readGolden, type Stated } from './golden/read.js';
import { any, failure, testFailures } from './support/failures';

interface Fitted {
  t: Stated;
  y: Stated;
  start: number[];
  at: number[];
  cost: number;
}

const golden = readGolden<{ sine: Fitted; peak: Fitted; rosenbrock: Pick<Fitted, 'start' | 'at' | 'cost'> }>('minima');

type Curve = (t: Tensor, ...parameters: Tensor[]) => Tensor;
type Cost = (...parameters: Tensor[]) => Tensor;

const sine: Curve = (t, amplitude, frequency, phase) =>
  t
    .mul(frequency as Tensor)
    .add(phase as Tensor)
    .sin()
    .mul(amplitude as Tensor);
const peak: Curve = (t, height, center, width) =>
  t
    .sub(center as Tensor)
    .div(width as Tensor)
    .square()
    .mul(-0.5)
    .exp()
    .mul(height as Tensor);
const squares = (curve: Curve, { t, y }: Fitted): Cost => {
  const [times, values] = [constant(t), constant(y)];
  return (...parameters) =>
    curve(times, ...parameters)
      .sub(values)
      .square()
      .mean();
};
const rosenbrock: Cost = (x, y) =>
  (x as Tensor)
    .sub(1)
    .square()
    .add(
      (y as Tensor)
        .sub((x as Tensor).square())
        .square()
        .mul(100),
    )
    .sum();

const COSTS = [
  { name: 'a sine', cost: squares(sine, golden.sine), found: golden.sine },
  { name: 'a Gaussian peak', cost: squares(peak, golden.peak), found: golden.peak },
  { name: 'Rosenbrock’s valley', cost: rosenbrock, found: golden.rosenbrock },
];
const OPTIMIZERS = [
  { by: 'momentum', make: (p: Tensor[], valley: boolean) => new SGD(p, { lr: valley ? 1e-3 : 0.01, momentum: 0.9 }) },
  { by: 'Adam', make: (p: Tensor[]) => new Adam(p, { lr: 0.02 }) },
];

const start = (values: readonly number[]) => values.map((v) => parameter([v]));
const distance = (x: Tensor) => x.sub(1).square().sum();

describe('minimize finds SciPy’s minimum', () => {
  const all = COSTS.flatMap((cost) => OPTIMIZERS.map((optimizer) => ({ ...cost, ...optimizer })));

  it.each(all)('of $name by $by', async ({ cost, found, make }) => {
    const parameters = start(found.start);
    const optimizer = make(parameters, cost === rosenbrock);
    const minimum = await minimize(cost, parameters, { optimizer, steps: 8000 });
    const at = parameters.map((p) => p.item());
    expectClose('where', at, found.at, (v) => 1e-4 * (1 + Math.abs(v)));
    expectClose('the cost', [minimum.cost], [found.cost], () => 1e-7);
    expect([minimum.steps, minimum.stoppedBy, minimum.costs.length]).toEqual([8000, 'steps', 8000]);
  });
});

describe('the steps of minimize', () => {
  /** The loop written out: the costs before the steps, and the path. */
  function looped(steps: number) {
    const parameters = start(golden.rosenbrock.start);
    const optimizer = new Adam(parameters, { lr: 0.02 });
    const costs: number[] = [];
    const path: number[][] = [];
    for (let i = 0; i < steps; i++) {
      optimizer.zeroGrad();
      const cost = rosenbrock(...parameters);
      cost.backward();
      optimizer.step();
      costs.push(cost.item());
      path.push(parameters.map((p) => p.item()));
    }
    return { costs, path };
  }

  it('are those of the loop written out, seen one by one or not', async () => {
    const { costs, path } = looped(300);
    const seen = start(golden.rosenbrock.start);
    const way: number[][] = [];
    const heard: number[][] = [];
    const onStep = async (step: number, cost: number) => {
      heard.push([step, cost]);
      await Promise.resolve();
      way.push(seen.map((p) => p.item()));
    };
    const optimizer = new Adam(seen, { lr: 0.02 });
    expect((await minimize(rosenbrock, seen, { optimizer, steps: 300, onStep })).costs).toEqual(costs);
    expect(way).toEqual(path);
    expect(heard).toEqual(costs.map((cost, i) => [i + 1, cost]));
    const unseen = start(golden.rosenbrock.start);
    await minimize(rosenbrock, unseen, { optimizer: new Adam(unseen, { lr: 0.02 }), steps: 300 });
    expect(unseen.map((p) => p.item())).toEqual(path.at(-1));
  });

  it('end with the first whose cost is within the tolerance of the one before, and no step is taken after it', async () => {
    const { costs, path } = looped(4000);
    const tolerance = 1e-6;
    const last = costs.findIndex((c, i) => i > 0 && Math.abs(c - (costs[i - 1] as number)) <= tolerance);
    const parameters = start(golden.rosenbrock.start);
    const optimizer = new Adam(parameters, { lr: 0.02 });
    const minimum = await minimize(rosenbrock, parameters, { optimizer, steps: 4000, tolerance });
    expect(minimum).toEqual({
      cost: costs[last],
      costs: costs.slice(0, last + 1),
      steps: last + 1,
      stoppedBy: 'tolerance',
    });
    expect(parameters.map((p) => p.item())).toEqual(path[last]);
    expect(Object.values(optimizer.stateDict().state).map(({ step }) => step)).toEqual([last + 1, last + 1]);
  });

  it('end when a signal says so, and what was found stays', async () => {
    const x = parameter([4]);
    const stop = new AbortController();
    const onStep = (step: number) => step === 7 && stop.abort();
    const options = { optimizer: new SGD([x], { lr: 0.25 }), onStep, signal: stop.signal };
    expect(await minimize(distance, [x], options)).toMatchObject({ steps: 7, stoppedBy: 'signal' });
    expect(x.item()).toBe(1 + 3 / 2 ** 7);
  });

  it('keep the last finite parameters where the cost diverges, and name the step', async () => {
    const x = parameter([4]);
    const optimizer = new SGD([x], { lr: 1e9 });
    const error = await minimize(distance, [x], { optimizer }).catch((e) => e);
    expect(error).toBeInstanceOf(DivergenceError);
    expect(error.message).toMatch(/is not finite at step 4 \(lr 1000000000\); try a smaller lr/);
    expect(Number.isFinite(x.item())).toBe(true);
  });
});

describe('minimize refuses, and changes nothing:', () => {
  const x = parameter([4]);
  const run =
    (options: object, cost: unknown = distance) =>
    () =>
      minimize(any(cost), [x], any(options));
  testFailures([
    failure('an unknown option', run({ step: 3 }), OptionError, /minimize has no option "step"; did you mean "steps"/),
    failure('no steps', run({ steps: 0 }), OptionError, /steps is 0/),
    failure('a negative tolerance', run({ tolerance: -1 }), OptionError, /tolerance is -1/),
    failure('an optimizer by name', run({ optimizer: 'adam' }), OptionError, /minimize got "adam" for its optimizer/),
    failure('a callback that is none', run({ onStep: 1 }), OptionError, /onStep is 1; it must be a function/),
    failure(
      'a signal that is none',
      run({ signal: 'now' }),
      OptionError,
      /signal is "now"; it must be the signal of an AbortController/,
    ),
    failure(
      'a tensor that is no parameter',
      () => minimize(distance, [tensor([1])]),
      OptionError,
      /list of parameters/,
    ),
    failure(
      'a cost of many numbers',
      run({}, () => x.mul(tensor([1, 2]))),
      ShapeError,
      /has shape \[2\]; it must be one number/,
    ),
    failure(
      'a cost that is no tensor',
      run({}, () => 3),
      OptionError,
      /The cost of minimize gave 3/,
    ),
    failure('a cost that is no function', run({}, 3), OptionError, /The cost of minimize is 3; it must be a function/),
    failure(
      'an optimizer of other parameters',
      run({ optimizer: new SGD([parameter([1])]) }),
      OptionError,
      /depends on none of the optimizer's parameters/,
    ),
    failure(
      'a cost that has no gradient',
      run({}, () => tensor([1])),
      StateError,
      /found no graph/,
    ),
    failure(
      'a cost that asks for values',
      run({}, () => x.mul(x.item()).sum()),
      StateError,
      /inside a compiled step/,
    ),
  ]);

  it('the parameter is where it was', () => {
    expect([x.item(), x.grad]).toEqual([4, undefined]);
  });
});
