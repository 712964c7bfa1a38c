import { plainFeatures } from '../plain/features.mjs';
import { plainLine } from '../plain/line.mjs';
import { featureData, initialValues, lineData } from './data.mjs';
import { compiled, eager, wholeFits } from './downhill.mjs';

/** A product with the rows and one with their transpose; nothing else counts as useful. */
const flops = (batch, features) => 4 * batch * features;
const LINE_ROWS = 1000;

function lineSpec(batch) {
  const common = { sizes: [1, 1], initial: initialValues([1, 1]), loss: 'squared', optimizer: 'sgd', lr: 0.01 };
  return { ...common, data: lineData(LINE_ROWS), batch, shuffle: batch < LINE_ROWS };
}

/** The README's line: 1000 rows of one feature. */
function line(batch, epochs) {
  return {
    name: `W1-b${batch}`,
    updates: epochs * Math.ceil(LINE_ROWS / batch),
    flops: flops(batch, 1),
    tolerance: 1e-4,
    spec: () => lineSpec(batch),
    contenders: (spec) => [compiled(spec), plainLine(spec)],
  };
}

function eagerLine(epochs) {
  return {
    name: 'W1-eager',
    updates: epochs * Math.ceil(LINE_ROWS / 64),
    flops: flops(64, 1),
    tolerance: 1e-4,
    spec: () => lineSpec(64),
    contenders: (spec) => [eager(spec), plainLine(spec)],
  };
}

/** What a call of `fit` costs when the engine has seen one before: 20 epochs of W1, from arrays to history. */
function fitOfLine(fits) {
  return {
    name: 'W1-fit',
    per: 'fit',
    updates: fits,
    tolerance: 1e-4,
    alone: true,
    spec: () => lineSpec(64),
    contenders: (spec) => [wholeFits(spec, 20)],
  };
}

/** A linear model of several features. */
function features({ name, kind, rows, columns, batch, epochs, plainEpochs, lr, tolerance }) {
  const length = Math.ceil(rows / batch);
  return {
    name,
    updates: epochs * length,
    flops: flops(batch, columns),
    bytes: 4 * batch * (columns + 1),
    tolerance,
    spec() {
      const data = featureData({ rows, features: columns, kind });
      const sizes = [columns, 1];
      return {
        data,
        sizes,
        initial: initialValues(sizes),
        batch,
        lr,
        shuffle: batch < rows,
        loss: kind,
        optimizer: 'sgd',
      };
    },
    contenders: (spec) => [compiled(spec), plainFeatures({ ...spec, kind, updates: plainEpochs * length })],
  };
}

export function linearWorkloads({ quick }) {
  const few = quick ? 10 : 1;
  return [
    line(64, 2000 / few),
    line(1, 2000 / few),
    line(1000, 20_000 / few),
    eagerLine(100 / few),
    fitOfLine(100 / few),
    features({
      name: 'W4',
      kind: 'logistic',
      rows: 200_000,
      columns: 32,
      batch: 128,
      epochs: quick ? 1 : 4,
      plainEpochs: 1,
      lr: 0.1,
      tolerance: 1e-4,
    }),
    features({
      name: 'W6',
      kind: 'squared',
      rows: 100_000,
      columns: 64,
      batch: 100_000,
      epochs: quick ? 10 : 20,
      plainEpochs: quick ? 3 : 5,
      lr: 0.05,
      tolerance: 1e-3,
    }),
  ];
}
