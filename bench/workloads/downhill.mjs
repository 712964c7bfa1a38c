import { fit, tensor } from 'downhill';
import { DataLoader, TensorDataset } from 'downhill/data';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';
import { SEED } from './data.mjs';

const LOSSES = { squared: nn.MSELoss, logistic: nn.BCEWithLogitsLoss, crossEntropy: nn.CrossEntropyLoss };
const OPTIMIZERS = { sgd: optim.SGD, adam: optim.Adam };

/** What a training needs, at its initial values. */
function setUp({ sizes, initial, loss, optimizer, lr, batch, shuffle = true }, dataset) {
  const layers = sizes.slice(1).flatMap((outputs, i) => [new nn.ReLU(), new nn.Linear(sizes[i], outputs)]);
  const model = new nn.Sequential(...layers.slice(1));
  model.loadStateDict(initial);
  return {
    model,
    loader: new DataLoader(dataset, { batchSize: batch, shuffle, seed: SEED }),
    criterion: new LOSSES[loss](),
    optimizer: new OPTIMIZERS[optimizer](model.parameters(), { lr }),
  };
}

function datasetOf({ x, y, rows, features, targets }) {
  const labels = y instanceof Int32Array;
  return new TensorDataset(
    tensor(x, { shape: [rows, features] }),
    tensor(y, { shape: labels ? [rows] : [rows, targets] }),
  );
}

/** `fit` from the same initial values each time. */
export function compiled(spec) {
  let dataset;
  return {
    name: 'downhill',
    prepare() {
      dataset = datasetOf(spec.data);
    },
    async run(updates) {
      const { model, loader, criterion, optimizer } = setUp(spec, dataset);
      const history = await fit(model, loader, { loss: criterion, optimizer, epochs: updates / loader.length });
      return { loss: history.epochs.at(-1).loss };
    },
  };
}

/** The loop written out: one call an operation. */
export function eager(spec) {
  let dataset;
  return {
    name: 'downhill',
    prepare() {
      dataset = datasetOf(spec.data);
    },
    run(updates) {
      const { model, loader, criterion, optimizer } = setUp(spec, dataset);
      let total = 0;
      for (let epoch = 0; epoch < updates / loader.length; epoch++) {
        total = 0;
        for (const [x, t] of loader) {
          optimizer.zeroGrad();
          const loss = criterion.forward(model.forward(x), t);
          loss.backward();
          optimizer.step();
          total += loss.item() * x.shape[0];
        }
      }
      return { loss: total / dataset.length };
    },
  };
}

/** Whole calls of `fit`, with all that they need but the arrays. */
export function wholeFits(spec, epochs) {
  return {
    name: 'downhill',
    prepare() {},
    async run(fits) {
      let loss = 0;
      for (let i = 0; i < fits; i++) {
        const { model, loader, criterion, optimizer } = setUp(spec, datasetOf(spec.data));
        const history = await fit(model, loader, { loss: criterion, optimizer, epochs });
        loss = history.epochs.at(-1).loss;
      }
      return { loss };
    },
  };
}
