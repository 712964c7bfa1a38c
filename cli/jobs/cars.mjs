// @ts-check
import { evaluate, fit, manualSeed, predict, r2, tensor } from 'downhill';
import { DataLoader, randomSplit, StandardScaler, TensorDataset } from 'downhill/data';
import { Linear, MSELoss } from 'downhill/nn';
import { SGD } from 'downhill/optim';
import { FEATURES, ORIGINS, readCars } from '../data/cars.mjs';
import { carsPlot } from '../plots/cars.mjs';
import { printTable } from '../terminal/table.mjs';

/** @typedef {import('downhill').Tensor} Tensor */
/** @typedef {import('downhill/data').Dataset} Dataset */
/** @typedef {import('downhill/data').Subset} Subset */

const SEED = 42;
const TEST_SHARE = 0.2;
const BATCH_SIZE = 32;
const EPOCHS = 200;
const REPORT_EVERY = 25;

/** @type {import('../start.mjs').Work} */
export async function cars({ save }) {
  const { train, test, origins } = await standardisedCars();
  const { model, criterion } = await trained(train);
  printTable(
    ['feature', 'mpg a standard deviation'],
    Array.from(model.weight.toTypedArray(), (weight, i) => [FEATURES[i] ?? '', weight.toFixed(2)]),
  );

  const [x, y] = columns(test);
  const output = await predict(model, x, { batchSize: test.length });
  const score = r2(output, y);
  const { loss } = await evaluate(model, new DataLoader(test, { batchSize: test.length }), { loss: criterion });
  const error = Math.sqrt(loss);
  console.log(`\ntest R² ${score.toFixed(4)}, root mean squared error ${error.toFixed(2)} miles per gallon`);

  const [predicted, actual] = [output.toTypedArray(), y.toTypedArray()];
  const points = origins.map((origin, i) => ({ origin, predicted: predicted[i] ?? 0, actual: actual[i] ?? 0 }));
  await save('cars', carsPlot({ points, origins: ORIGINS, r2: score }));
  return {
    results: [
      ['test R²', score.toFixed(4)],
      ['test error (root mean square)', `${error.toFixed(2)} mpg`],
    ],
  };
}

/** Both parts of the split, scaled by what is known of the training part alone, and where the test cars were built. */
async function standardisedCars() {
  const { features, milesPerGallon, dropped, total } = await readCars();
  console.log(`\n${total} cars, ${dropped.length} dropped for a missing value:`);
  for (const { Name, ...values } of dropped) {
    const missing = Object.keys(values).filter((key) => values[key] === null);
    console.log(`  ${Name}: no ${missing.join(', ')}`);
  }
  const tests = Math.round(features.length * TEST_SHARE);
  const cars = new TensorDataset(tensor(features), tensor(milesPerGallon));
  const parts = randomSplit(cars, [features.length - tests, tests], { seed: SEED });
  const [train, test] = /** @type {[Subset, Subset]} */ (parts);
  console.log(`\n${train.length} cars to train, ${test.length} to test; ${FEATURES.length} features, standardised`);
  const scaler = new StandardScaler().fit(columns(train)[0]);
  const scaled = (/** @type {Dataset} */ part) => {
    const [x, y] = columns(part);
    return new TensorDataset(scaler.transform(x), y);
  };
  const rows = /** @type {number[][]} */ (columns(test)[0].toArray());
  const origins = rows.map((row) => ORIGINS[row.slice(-ORIGINS.length).indexOf(1)] ?? '');
  return { train: scaled(train), test: scaled(test), origins };
}

/** @param {Dataset} dataset */
const columns = ({ tensors }) => /** @type {[x: Tensor, y: Tensor]} */ (tensors);

/** @param {TensorDataset} train */
async function trained(train) {
  manualSeed(SEED);
  const model = new Linear(FEATURES.length, 1);
  const criterion = new MSELoss();
  const optimizer = new SGD(model.parameters(), { lr: 0.01 });
  const loader = new DataLoader(train, { batchSize: BATCH_SIZE, shuffle: true, seed: SEED });
  console.log(`linear model, mean squared error, SGD, batches of ${BATCH_SIZE}:`);
  await fit(model, loader, {
    loss: criterion,
    optimizer,
    epochs: EPOCHS,
    onEpochEnd({ epoch, loss }) {
      if (epoch % REPORT_EVERY === 0) console.log(`  epoch ${epoch}/${EPOCHS}  loss ${loss.toFixed(3)}`);
    },
  });
  console.log('');
  return { model, criterion };
}
