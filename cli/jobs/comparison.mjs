// @ts-check
import { runtimeInfo } from 'downhill';
import { CostSurface } from '../data/cost-surface.mjs';
import { noisyLine } from '../data/line.mjs';
import { pathsPlot, surfacePlot } from '../plots/surface.mjs';
import { printTable } from '../terminal/table.mjs';
import { Descent } from './descent.mjs';

const METHODS = [
  { name: 'batch', batchSize: 1000 },
  { name: 'mini-batch', batchSize: 100 },
  { name: 'stochastic', batchSize: 1 },
];
const LEARNING_RATE = 0.01;
const PATH_UPDATES = 2000;
const WATCHED_EPOCHS = 50;

/** @typedef {Awaited<ReturnType<typeof measure>>} Measured */

/** @type {import('../start.mjs').Work} */
export async function comparison({ save }) {
  const { x, y } = noisyLine();
  const surface = new CostSurface(x.toTypedArray(), y.toTypedArray());
  explain(surface);
  /** @type {({ name: string } & Measured)[]} */
  const measured = [];
  for (const { name, batchSize } of METHODS) {
    console.log(`  measuring ${name} descent, ${batchSize} rows an update`);
    measured.push({ name, ...(await measure(new Descent({ x, y, batchSize, lr: LEARNING_RATE }), surface)) });
  }
  console.log('');
  printTable(['', ...METHODS.map(({ name }) => name)], table(measured));
  const mebibytes = (runtimeInfo().bytes / 2 ** 20).toFixed(1);
  console.log(`
Gradient noise: the mean of |g of the batch - g of all rows|^2 at the optimum, where the latter is 0.
In all, the library's memory has grown to ${mebibytes} MiB.`);
  await save('cost-surface', surfacePlot(surface));
  await save('descent-paths', pathsPlot(surface, measured));
  const inOne = (/** @type {(method: Measured) => string} */ value) => measured.map(value).join(' / ');
  return {
    results: [
      ['epochs to within 1%: batch / mini-batch / stochastic', inOne(({ epochs }) => `${epochs}`)],
      ['time to within 1%', inOne((method) => timeToOptimum(method))],
      ['time of an update', inOne(({ seconds }) => duration(seconds))],
    ],
  };
}

/** @param {CostSurface} surface */
function explain(surface) {
  const { steepest, flattest } = surface.curvatures();
  // Around the optimum, steps of one row keep the mean cost at minimum (1 + rate trace(H) / 2).
  const floor = (LEARNING_RATE * (steepest + flattest)) / 2;
  console.log(`
Half the mean squared error, from w = 0, b = 0, and one learning rate for all: ${LEARNING_RATE}. Batch descent would
diverge only from ${(2 / steepest).toFixed(2)} on (2 over the steepest curvature, ${steepest.toFixed(2)}), but one row an update is so noisy that it
hovers about ${percent(floor)} above the least-squares optimum even at ${LEARNING_RATE}, and higher in proportion at a higher rate.
`);
}

/**
 * @param {Descent} descent
 * @param {CostSurface} surface
 */
async function measure(descent, surface) {
  const settling = await descent.settle({ cost: 1.01 * surface.minimum, watch: WATCHED_EPOCHS });
  const excess = (/** @type {number} */ cost) => cost / surface.minimum - 1;
  return {
    batchSize: descent.batchSize,
    updatesPerEpoch: descent.updatesPerEpoch,
    seconds: await descent.secondsPerUpdate(),
    noise: descent.gradientNoise(surface),
    memory: descent.batchBytes(),
    epochs: settling.epochs,
    excess: [excess(settling.lowest), excess(settling.highest)],
    path: descent.path(PATH_UPDATES),
  };
}

/** @param {Measured[]} measured */
function table(measured) {
  const row = (/** @type {string} */ name, /** @type {(method: Measured) => string} */ value) => [
    name,
    ...measured.map(value),
  ];
  return [
    row('rows an update', ({ batchSize }) => `${batchSize}`),
    row('updates an epoch', ({ updatesPerEpoch }) => `${updatesPerEpoch}`),
    row('time of an update', ({ seconds }) => duration(seconds)),
    row('gradient noise', ({ noise }) => (noise < 1e-9 ? '0' : noise.toPrecision(2))),
    row('memory of a batch', ({ memory }) => `${memory.toLocaleString('en')} B`),
    row('epochs to within 1%', ({ epochs }) => `${epochs}`),
    row('updates to within 1%', ({ epochs, updatesPerEpoch }) => `${epochs * updatesPerEpoch}`),
    row('time to within 1%', (method) => timeToOptimum(method)),
    row(`above the optimum in the next ${WATCHED_EPOCHS} epochs`, ({ excess }) => excess.map(percent).join(' to ')),
  ];
}

const timeToOptimum = (/** @type {Measured} */ { epochs, updatesPerEpoch, seconds }) =>
  duration(epochs * updatesPerEpoch * seconds);

const percent = (/** @type {number} */ share) => `${(share * 100).toFixed(1)}%`;

/** @param {number} seconds */
const duration = (seconds) =>
  seconds < 1e-3 ? `${(seconds * 1e6).toFixed(seconds < 1e-5 ? 2 : 0)} µs` : `${(seconds * 1e3).toFixed(1)} ms`;
