import { tensor } from 'downhill';
import { DataLoader, TensorDataset } from 'downhill/data';
import { randomFrom } from '../lib/statistics.mjs';

export const SEED = 42;

/** The orders of the passes that a shuffling loader makes, each drawn once. */
function orders(rows) {
  const numbers = new TensorDataset(tensor(Int32Array.from({ length: rows }, (_, i) => i)));
  const loader = new DataLoader(numbers, { batchSize: rows, shuffle: true, seed: SEED });
  const known = [];
  return (pass) => {
    if (!known[pass]) {
      loader.epoch = pass;
      const [[batch]] = [...loader];
      known[pass] = batch.toTypedArray();
      batch.dispose();
    }
    return known[pass];
  };
}

function dataOf({ x, y, rows, features, targets = 1 }) {
  return { x, y, rows, features, targets, order: orders(rows) };
}

/** y = 3.5 x + 1.2 with noise of 0.5: the README's line. */
export function lineData(rows) {
  const { uniform, normal } = randomFrom(SEED);
  const x = Float32Array.from({ length: rows }, uniform);
  const y = x.map((v) => 3.5 * v + 1.2 + 0.5 * normal());
  return dataOf({ x, y, rows, features: 1 });
}

/** Normal features; the target is linear in them with noise, or a yes or no drawn with that log-odds. */
export function featureData({ rows, features, kind }) {
  const { uniform, normal } = randomFrom(SEED);
  const w = Float32Array.from({ length: features }, normal);
  const x = Float32Array.from({ length: rows * features }, normal);
  const y = new Float32Array(rows);
  for (let i = 0; i < rows; i++) {
    let sum = 0.5;
    for (let j = 0; j < features; j++) sum += w[j] * x[i * features + j];
    y[i] = kind === 'logistic' ? Number(uniform() < 1 / (1 + Math.exp(-sum))) : sum + 0.1 * normal();
  }
  return dataOf({ x, y, rows, features });
}

/** How far apart the centres of two classes are, in deviations of the noise around them: no network learns these by heart. */
const APART = 3;

/** A blob of points for each class, or (one target) a smooth function of the features. */
export function networkData({ rows, features, classes }) {
  const { uniform, normal } = randomFrom(SEED);
  const scale = classes ? APART / Math.sqrt(2 * features) : 1;
  const centres = Float32Array.from({ length: (classes ?? 1) * features }, () => scale * normal());
  const x = new Float32Array(rows * features);
  const y = classes ? new Int32Array(rows) : new Float32Array(rows);
  for (let i = 0; i < rows; i++) {
    const label = classes ? Math.floor(uniform() * classes) : 0;
    let sum = 0;
    for (let j = 0; j < features; j++) {
      const v = (classes ? centres[label * features + j] : 0) + normal();
      x[i * features + j] = v;
      sum += centres[j] * v;
    }
    y[i] = classes ? label : Math.sin(sum / Math.sqrt(features));
  }
  return dataOf({ x, y, rows, features });
}

/** A state for Sequential(Linear, ReLU, Linear, …): uniform in ±1/√in, as PyTorch starts. */
export function initialValues(sizes) {
  const { uniform } = randomFrom(SEED + 1);
  const state = {};
  for (let i = 0; i + 1 < sizes.length; i++) {
    const [inputs, outputs] = [sizes[i], sizes[i + 1]];
    const draw = (n) => Float32Array.from({ length: n }, () => (2 * uniform() - 1) / Math.sqrt(inputs));
    state[`${2 * i}.weight`] = { shape: [outputs, inputs], data: draw(outputs * inputs) };
    state[`${2 * i}.bias`] = { shape: [outputs], data: draw(outputs) };
  }
  return state;
}
