// @ts-check
import { accuracy, evaluate, fit, gradCheck, manualSeed, tensor } from 'downhill';
import { DataLoader, OneHotEncoder, randomSplit, StandardScaler, TensorDataset } from 'downhill/data';
import * as nn from 'downhill/nn';
import { SGD } from 'downhill/optim';
import { MEASURES, readPenguins, SPECIES } from '../data/penguins.mjs';
import { costPlot, gradientPlot } from '../plots/network.mjs';
import { printTable } from '../terminal/table.mjs';

/** @typedef {import('downhill').Tensor} Tensor */
/** @typedef {import('downhill/data').Subset} Subset */
/** @typedef {{ x: Tensor, labels: Tensor, oneHot: Tensor }} Part */

const SEED = 42;
const TRAIN = 256;
const HIDDEN = 5;
const BATCH_SIZE = 32;
const MOST_EPOCHS = 2000;
const OUTPUTS = SPECIES.length;
const NEEDED = 0.95;
/** When the gradient is drawn, beside start and end. */
const DRAWN = 3;

/**
 * Costs of the outputs against 0 and 1, and of their softmax against the species. A sum over a batch is
 * larger than its mean, and so is its gradient: the rate makes up for it.
 */
const COSTS = [
  {
    name: 'sum of squares',
    formula: 'Σ (f(x) - y)²',
    loss: new nn.MSELoss({ reduction: 'sum' }),
    target: (/** @type {Part} */ { oneHot }) => oneHot,
    lr: 0.3 / (BATCH_SIZE * OUTPUTS),
    enough: 0.01 * TRAIN * OUTPUTS,
    /** The mean of its batches, as a history has it. */
    ofBatches: BATCH_SIZE / TRAIN,
  },
  {
    name: 'mean squared error',
    formula: `Σ (f(x) - y)² / ${TRAIN * OUTPUTS}`,
    loss: new nn.MSELoss(),
    target: (/** @type {Part} */ { oneHot }) => oneHot,
    lr: 0.3,
    enough: 0.01,
    ofBatches: 1,
  },
  {
    name: 'cross-entropy',
    formula: `-Σ log softmax(f(x)) at y / ${TRAIN}`,
    loss: new nn.CrossEntropyLoss(),
    target: (/** @type {Part} */ { labels }) => labels,
    lr: 0.3,
    enough: 0.01,
    ofBatches: 1,
  },
];

/** @typedef {typeof COSTS[number]} Cost */

/** @type {import('../start.mjs').Work} */
export async function network({ save }) {
  const { train, test } = await splitPenguins();
  showGradients(train);
  const trained = [];
  for (const cost of COSTS) trained.push(await descend(cost, { train, test }));
  console.log(`\nMini-batches of ${BATCH_SIZE}, each weight and bias by the rule, until C is small enough:`);
  printTable(
    ['cost', 'rate', 'enough', 'epochs', 'updates', 'C', '|∇C|', 'test accuracy'],
    trained.map(({ cost: { name, lr, enough }, epochs, updates, end, score }) => [
      name,
      lr.toPrecision(3),
      `${enough}`,
      `${epochs.length}`,
      `${updates}`,
      end.value.toPrecision(3),
      end.length.toPrecision(3),
      percent(score),
    ]),
  );
  await save('network-gradient', gradientPlot(trained[2]?.gradients ?? []));
  await save(
    'network-cost',
    costPlot(trained.map(({ cost, start, epochs }) => ({ name: cost.name, costs: [start.value, ...epochs] }))),
  );
  const failed = trained.filter(({ cost, end, score }) => !(end.value < 2 * cost.enough && score >= NEEDED));
  return {
    results: trained.map(({ cost, updates, score }) => [
      cost.name,
      `${updates} updates, test accuracy ${percent(score)}`,
    ]),
    failure: failed.length > 0 ? `${failed.map(({ cost }) => cost.name).join(', ')}: not learned` : undefined,
  };
}

async function splitPenguins() {
  const { measures, species, dropped } = await readPenguins();
  const tests = species.length - TRAIN;
  console.log(`\n${species.length} penguins (${dropped} more have no measures): ${TRAIN} to train, ${tests} to test`);
  const all = new TensorDataset(measures, tensor(species));
  const parts = randomSplit(all, [TRAIN, tests], { seed: SEED, stratify: species });
  const [train, test] = /** @type {[Subset, Subset]} */ (parts);
  const scaler = new StandardScaler().fit(/** @type {Tensor} */ (train.tensors[0]));
  const encoder = new OneHotEncoder();
  /** @returns {Part} */
  const part = (/** @type {Subset} */ { tensors }) => {
    const [x, labels] = /** @type {[Tensor, Tensor]} */ (tensors);
    return { x: scaler.transform(x), labels, oneHot: encoder.fitTransform(labels.reshape([-1, 1])) };
  };
  return { train: part(train), test: part(test) };
}

/** The same network each time: 4 measures, a hidden layer, an output for each species. */
function newNetwork() {
  manualSeed(SEED);
  return new nn.Sequential(new nn.Linear(MEASURES.length, HIDDEN), new nn.Tanh(), new nn.Linear(HIDDEN, OUTPUTS));
}

/**
 * C over all of the rows, its derivative in each weight and bias, and how long the gradient is.
 * @param {nn.Sequential} model
 * @param {Cost} cost
 * @param {Part} part
 */
function gradientOf(model, cost, part) {
  for (const p of model.parameters()) p.grad = undefined;
  const value = cost.loss.forward(model.forward(part.x), cost.target(part));
  value.backward();
  const derivatives = model.parameters().map(({ grad }) => Array.from(grad?.toTypedArray() ?? []));
  const length = Math.hypot(...derivatives.flat());
  const layers = [0, 2].map((i) => ({ w: table(model, `${i}.weight`), b: table(model, `${i}.bias`) }));
  return { value: value.item(), length, derivatives, layers };
}

/**
 * The gradient of a parameter, as nested arrays.
 * @param {nn.Sequential} model
 * @param {string} name
 */
function table(model, name) {
  const [, parameter] = model.namedParameters().find(([n]) => n === name) ?? [];
  return /** @type {any} */ (parameter?.grad?.toArray());
}

/** @param {Part} train */
function showGradients(train) {
  const count = newNetwork()
    .parameters()
    .reduce((sum, { size }) => sum + size, 0);
  console.log(
    `\nA network of ${MEASURES.length}-${HIDDEN}-${OUTPUTS}, tanh: ${count} weights and biases. At the start,`,
  );
  printTable(
    ['cost', 'C', '|∇C|', 'largest derivative', 'of C ='],
    COSTS.map((cost) => {
      const model = newNetwork();
      const { value, length, derivatives } = gradientOf(model, cost, train);
      gradCheck(() => cost.loss.forward(model.forward(train.x), cost.target(train)), model.parameters());
      const largest = Math.max(...derivatives.flat().map(Math.abs));
      return [cost.name, value.toPrecision(4), length.toPrecision(4), largest.toPrecision(4), cost.formula];
    }),
  );
  console.log(`All ${count} derivatives of each cost agree with central differences.`);
}

/**
 * Descends until the cost is small enough.
 * @param {Cost} cost
 * @param {{ train: Part, test: Part }} parts
 */
async function descend(cost, { train, test }) {
  const { loss, target, lr, enough, ofBatches } = cost;
  const model = newNetwork();
  const rows = new TensorDataset(train.x, target(train));
  const loader = new DataLoader(rows, { batchSize: BATCH_SIZE, shuffle: true, seed: SEED });
  const start = gradientOf(model, cost, train);
  const gradients = [{ ...start, epoch: 0 }];
  const { epochs } = await fit(model, loader, {
    loss,
    optimizer: new SGD(model.parameters(), { lr }),
    epochs: MOST_EPOCHS,
    earlyStopping: { monitor: 'loss', patience: MOST_EPOCHS, targetLoss: enough * ofBatches },
    onEpochEnd: ({ epoch }) => void (epoch === DRAWN && gradients.push({ ...gradientOf(model, cost, train), epoch })),
  });
  const end = gradientOf(model, cost, train);
  gradients.push({ ...end, epoch: epochs.length });
  const tests = new DataLoader(new TensorDataset(test.x, test.labels), { batchSize: test.labels.size });
  const { accuracy: score = 0 } = await evaluate(model, tests, { metrics: { accuracy } });
  const updates = epochs.length * loader.length;
  return { cost, start, end, gradients, updates, score, epochs: epochs.map((row) => row.loss / ofBatches) };
}

const percent = (/** @type {number} */ share) => `${(share * 100).toFixed(1)}%`;
