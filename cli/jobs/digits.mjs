// @ts-check
import { accuracy, confusionMatrix, evaluate, findLearningRate, fit, manualSeed, predict, tensor } from 'downhill';
import { DataLoader, randomSplit, TensorDataset } from 'downhill/data';
import * as nn from 'downhill/nn';
import { SGD } from 'downhill/optim';
import { deskew, PIXELS, readDigits } from '../data/digits.mjs';
import { confusionPlot, lossPlot, ratesPlot } from '../plots/digits.mjs';
import { progress } from '../terminal/progress.mjs';

/** @typedef {import('downhill').Tensor} Tensor */
/** @typedef {import('downhill/data').Dataset} Dataset */
/** @typedef {import('downhill/data').Subset} Subset */

const SEED = 42;
const PARTS = [8000, 2000];
const HIDDEN = 128;
const BATCH_SIZE = 64;
const EPOCHS = 15;
const NEEDED = 0.96;

/** @type {import('../start.mjs').Work} */
export async function digits({ save }) {
  const { train, test } = await splitDigits();
  const testLoader = new DataLoader(test, { batchSize: 500 });
  const criterion = new nn.CrossEntropyLoss();
  manualSeed(SEED);
  const model = new nn.Sequential(new nn.Linear(PIXELS, HIDDEN), new nn.ReLU(), new nn.Linear(HIDDEN, 10));
  console.log(`${PIXELS}-${HIDDEN}-10, ReLU, cross-entropy, SGD with momentum, batches of ${BATCH_SIZE}:`);
  const tried = await ratesOf(model, { train, criterion });
  console.log(`the loss falls most at a rate of ${tried.suggestion?.toPrecision(2)}\n`);
  const { epochs, seconds } = await trained(model, { train, testLoader, criterion });

  const { accuracy: score = 0 } = await evaluate(model, testLoader, { metrics: { accuracy } });
  console.log(`\ntest accuracy ${percent(score)} after ${seconds.toFixed(2)} s of training`);
  const [images, labels] = /** @type {[Tensor, Tensor]} */ (test.tensors);
  const scores = await predict(model, images, { batchSize: 500 });
  await save('digits-rates', ratesPlot(tried));
  await save('digits-loss', lossPlot(epochs));
  await save('digits-confusion', confusionPlot(confusionMatrix(scores, labels)));
  return {
    results: [
      ['test accuracy', percent(score)],
      [`training, ${EPOCHS} epochs`, `${seconds.toFixed(2)} s`],
    ],
    failure: score >= NEEDED ? undefined : `test accuracy ${percent(score)}, at least ${percent(NEEDED)} is needed`,
  };
}

async function splitDigits() {
  console.log('\nreading the images');
  const { images, labels } = await readDigits();
  console.log(`straightening ${labels.length} images, which is worth more than a percent of accuracy here`);
  const dataset = new TensorDataset(tensor(deskew(images), { shape: [labels.length, PIXELS] }), tensor(labels));
  const [train, test] = /** @type {[Subset, Subset]} */ (randomSplit(dataset, PARTS, { seed: SEED }));
  console.log(`${train.length} images to train, ${test.length} to test`);
  return { train, test };
}

/**
 * What each learning rate would do; the model stays as it is.
 * @param {nn.Sequential} model
 * @param {{ train: Dataset, criterion: nn.CrossEntropyLoss }} options
 */
function ratesOf(model, { train, criterion }) {
  const loader = new DataLoader(train, { batchSize: BATCH_SIZE, shuffle: true, seed: SEED });
  const optimizer = new SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
  return findLearningRate(model, loader, { loss: criterion, optimizer, from: 1e-4, to: 10 });
}

/**
 * @param {nn.Sequential} model
 * @param {{ train: Dataset, testLoader: DataLoader, criterion: nn.CrossEntropyLoss }} options
 */
async function trained(model, { train, testLoader, criterion }) {
  const loader = new DataLoader(train, { batchSize: BATCH_SIZE, shuffle: true, seed: SEED });
  const { onProgress, note, stop } = await progress(EPOCHS);
  const start = performance.now();
  try {
    const { epochs } = await fit(model, loader, {
      loss: criterion,
      optimizer: new SGD(model.parameters(), { lr: 0.1, momentum: 0.9 }),
      epochs: EPOCHS,
      validation: testLoader,
      onProgress,
      onEpochEnd({ epoch, loss, valLoss }) {
        const seconds = (performance.now() - start) / 1000;
        const losses = `loss ${loss.toFixed(4)}  test loss ${valLoss?.toFixed(4)}`;
        note(`epoch ${`${epoch}`.padStart(2)}/${EPOCHS}  ${losses}  ${seconds.toFixed(2)} s`);
      },
    });
    return { epochs, seconds: (performance.now() - start) / 1000 };
  } finally {
    stop();
  }
}

const percent = (/** @type {number} */ share) => `${(share * 100).toFixed(2)}%`;
