// @ts-check
import { fit, randn, tensor } from 'downhill';
import { DataLoader, TensorDataset } from 'downhill/data';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';
import { CostSurface } from '../data/cost-surface.mjs';
import { halfSquaredError, lineOf, modelOf, noisyLine, TRUE_LINE } from '../data/line.mjs';
import { regressionPlot } from '../plots/regression.mjs';

const EPOCHS = 20;
const LEARNING_RATE = 0.01;
const BATCH_SIZE = 64;

/** @type {import('../start.mjs').Work} */
export async function regression({ save }) {
  const { x, y } = noisyLine();
  const loader = new DataLoader(new TensorDataset(x, y), { batchSize: BATCH_SIZE, shuffle: true, seed: 42 });
  const fitted = await withFit(loader);
  const loss = withTheLoop(loader);

  const points = { x: x.toTypedArray(), y: y.toTypedArray() };
  const surface = new CostSurface(points.x, points.y);
  const { optimum } = surface;
  const left = (1 - LEARNING_RATE * surface.curvatures().flattest) ** (EPOCHS * loader.length);
  console.log(`\nThe points were made with ${text(TRUE_LINE)}; least squares gives ${text(optimum)}.`);
  console.log(
    `Along the flattest direction of its cost, the first run had ${(left * 100).toFixed(0)}% of the way still to go.`,
  );
  const lines = [
    { name: `after ${EPOCHS} epochs: y = ${fitted.w.toFixed(2)} x + ${fitted.b.toFixed(2)}`, ...fitted },
    { name: `least squares: y = ${optimum.w.toFixed(2)} x + ${optimum.b.toFixed(2)}`, ...optimum },
  ];
  await save('regression', regressionPlot({ ...points, lines }));
  return {
    results: [
      [`w, b after ${EPOCHS} epochs of fit`, `${fitted.w.toFixed(4)}, ${fitted.b.toFixed(4)}`],
      ['w, b by least squares', `${optimum.w.toFixed(4)}, ${optimum.b.toFixed(4)}`],
      [`last loss of the loop, epoch ${EPOCHS}`, loss.toFixed(4)],
    ],
  };
}

/**
 * From scratch: w and b start at random, and the gradient is that of half the mean squared error.
 * @param {DataLoader} loader
 */
async function withFit(loader) {
  console.log(`\nHalf the squared error, learning rate ${LEARNING_RATE}, batches of ${BATCH_SIZE}, with fit:`);
  const model = modelOf({ w: randn([1]).item(), b: randn([1]).item() });
  await fit(model, loader, {
    loss: halfSquaredError,
    optimizer: new optim.SGD(model.parameters(), { lr: LEARNING_RATE }),
    epochs: EPOCHS,
    onEpochEnd: ({ epoch }) => console.log(`  Epoch ${epoch}: ${text(lineOf(model))}`),
  });
  return lineOf(model);
}

/**
 * The same as it is written in PyTorch. MSELoss is not halved, so these steps are twice as long.
 * @param {DataLoader} loader
 */
function withTheLoop(loader) {
  console.log('\nThe mean squared error, with the loop written out:');
  const model = new nn.Linear(1, 1);
  const criterion = new nn.MSELoss();
  const optimizer = new optim.SGD(model.parameters(), { lr: LEARNING_RATE });
  let loss = tensor(0);
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    for (const [x, target] of loader) {
      optimizer.zeroGrad();
      loss = criterion.forward(model.forward(x), target);
      loss.backward();
      optimizer.step();
    }
    console.log(`  Epoch ${epoch + 1}, loss ${loss.item().toFixed(4)}`);
  }
  return loss.item();
}

const text = (/** @type {import('../data/line.mjs').Line} */ { w, b }) => `w = ${w.toFixed(4)}, b = ${b.toFixed(4)}`;
