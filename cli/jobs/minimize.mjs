// @ts-check
import { manualSeed, minimize, parameter, randn, tensor } from 'downhill';
import { Adam, SGD } from 'downhill/optim';
import { rosenbrock } from '../data/rosenbrock.mjs';
import { curvesPlot, valleyPlot } from '../plots/minimize.mjs';
import { printTable } from '../terminal/table.mjs';

/** @typedef {import('downhill').Tensor} Tensor */
/** @typedef {[a: Tensor, b: Tensor, c: Tensor]} Three */
/** @typedef {{ x: number, y: number }} Point */

const SEED = 42;
const POINTS = 120;
const NOISE = 0.15;
const FIT_STEPS = 4000;
/** Of the largest gradient at the minimum, in the curves' fits. */
const FLAT = 1e-3;
const DEEP = 1e-6;
const MOST_STEPS = 20_000;
/** Points of a path that are nearer to each other are not drawn. */
const RESOLUTION = 0.01;

const CURVES = [
  {
    name: 'a sine',
    formula: 'a sin(b t + c)',
    at: (/** @type {Tensor} */ t, /** @type {Three} */ [a, b, c]) => t.mul(b).add(c).sin().mul(a),
    truth: [1.5, 2, 0.5],
    start: [1, 1.75, 0],
  },
  {
    name: 'a Gaussian peak',
    formula: 'a exp(-((t - b) / c)² / 2)',
    at: (/** @type {Tensor} */ t, /** @type {Three} */ [a, b, c]) => t.sub(b).div(c).square().mul(-0.5).exp().mul(a),
    truth: [2, 2.75, 0.4],
    start: [1, 2, 1],
  },
];

const START = { x: -1.2, y: 1 };
const METHODS = [
  { name: 'descent', make: (/** @type {Tensor[]} */ p) => new SGD(p, { lr: 0.001 }) },
  { name: 'momentum', make: (/** @type {Tensor[]} */ p) => new SGD(p, { lr: 0.001, momentum: 0.9 }) },
  { name: 'Adam', make: (/** @type {Tensor[]} */ p) => new Adam(p, { lr: 0.02 }) },
];

/** @type {import('../start.mjs').Work} */
export async function minimizing({ save }) {
  const fitted = await fitCurves();
  const ways = await walkTheValley();
  await save('minimize-curves', curvesPlot(fitted));
  await save('minimize-valley', valleyPlot(ways));
  const failures = [
    ...fitted.filter(({ slope }) => !(slope < FLAT)).map(({ name }) => `${name} was not fitted`),
    ...ways.filter(({ cost }) => !(cost < DEEP)).map(({ name }) => `${name} did not reach the valley's lowest point`),
  ];
  return {
    results: [
      ...fitted.map(
        ({ name, formula, found }) => /** @type {[string, string]} */ ([`${name}, ${formula}`, list(found)]),
      ),
      ["steps down Rosenbrock's valley", ways.map(({ name, steps }) => `${name} ${steps}`).join(', ')],
    ],
    failure: failures.length > 0 ? failures.join('; ') : undefined,
  };
}

async function fitCurves() {
  console.log(`\nTwo curves through ${POINTS} noisy points each; the cost is the mean squared error, by Adam:`);
  manualSeed(SEED);
  const t = tensor(Array.from({ length: POINTS }, (_, i) => (5 * i) / (POINTS - 1)));
  const fitted = [];
  for (const { name, formula, at, truth, start } of CURVES) {
    const values = at(
      t,
      three(truth, (v) => tensor(v)),
    ).add(randn([POINTS]).mul(NOISE));
    const parameters = three(start, (v) => parameter([v]));
    const cost = (/** @type {Tensor[]} */ ...own) =>
      at(t, /** @type {Three} */ (own))
        .sub(values)
        .square()
        .mean();
    await minimize(cost, parameters, { optimizer: new Adam(parameters, { lr: 0.01 }), steps: FIT_STEPS });
    const found = parameters.map((p) => p.item());
    console.log(`  ${name}, ${formula}: made with ${list(truth)}, begun at ${list(start)}, found ${list(found)}`);
    const line = at(t, parameters);
    const points = Array.from(t.toTypedArray(), (x, i) => ({
      t: x,
      y: values.toTypedArray()[i] ?? 0,
      fit: line.toTypedArray()[i] ?? 0,
    }));
    fitted.push({ name, formula, found, points, slope: steepest(cost, parameters) });
  }
  return fitted;
}

/** @type {(values: number[], of: (value: number) => Tensor) => Three} */
const three = (values, of) => /** @type {Three} */ (values.map(of));

/**
 * The largest derivative of the cost where the parameters are.
 * @param {(...parameters: Tensor[]) => Tensor} cost
 * @param {Tensor[]} parameters
 */
function steepest(cost, parameters) {
  for (const p of parameters) p.grad = undefined;
  cost(...parameters).backward();
  return Math.max(...parameters.map(({ grad }) => Math.abs(grad?.item() ?? Number.NaN)));
}

async function walkTheValley() {
  console.log(
    `\nRosenbrock's valley, (1 - x)² + 100 (y - x²)², from (${START.x}, ${START.y}) until the cost is below ${DEEP}:`,
  );
  const ways = [];
  for (const { name, make } of METHODS) ways.push({ name, ...(await walk(make)) });
  printTable(
    ['', 'steps', 'x', 'y'],
    ways.map(({ name, steps, end }) => [name, `${steps}`, end.x.toFixed(4), end.y.toFixed(4)]),
  );
  return ways;
}

/** @param {(parameters: Tensor[]) => SGD | Adam} make */
async function walk(make) {
  const [x, y] = [parameter([START.x]), parameter([START.y])];
  const path = [START];
  const there = new AbortController();
  const onStep = (/** @type {number} */ _, /** @type {number} */ cost) => {
    const [now, last] = [{ x: x.item(), y: y.item() }, path.at(-1) ?? START];
    if ((now.x - last.x) ** 2 + (now.y - last.y) ** 2 >= RESOLUTION ** 2) path.push(now);
    if (cost < DEEP) there.abort();
  };
  const options = { optimizer: make([x, y]), steps: MOST_STEPS, onStep, signal: there.signal };
  const { cost, steps } = await minimize(rosenbrock, [x, y], options);
  const end = { x: x.item(), y: y.item() };
  return { cost, steps, end, path: [...path, end] };
}

const list = (/** @type {number[]} */ values) => values.map((v) => v.toFixed(3)).join(', ');
