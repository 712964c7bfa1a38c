import { plainNetwork } from '../plain/network.mjs';
import { initialValues, networkData } from './data.mjs';
import { compiled } from './downhill.mjs';

/** The products of a step: forward, gradient of the weights, and gradient of the inputs but for the first layer. */
function flops(sizes, batch) {
  let sum = 0;
  for (let i = 0; i + 1 < sizes.length; i++) sum += (i === 0 ? 4 : 6) * batch * sizes[i] * sizes[i + 1];
  return sum;
}

/** A dense network with relu between its layers: a classifier, or with one output a regression. */
function network({ name, sizes, rows, batch, epochs, plainEpochs, optimizer, lr, tolerance }) {
  const length = Math.ceil(rows / batch);
  const outputs = sizes.at(-1);
  return {
    name,
    updates: epochs * length,
    flops: flops(sizes, batch),
    tolerance,
    spec: () => ({
      sizes,
      depth: sizes.length - 1,
      data: networkData({ rows, features: sizes[0], classes: outputs > 1 ? outputs : undefined }),
      initial: initialValues(sizes),
      loss: outputs > 1 ? 'crossEntropy' : 'squared',
      optimizer,
      lr,
      batch,
    }),
    contenders: (spec) => [compiled(spec), plainNetwork({ ...spec, updates: plainEpochs * length })],
  };
}

const SGD = { optimizer: 'sgd', lr: 0.01 };
const ADAM = { optimizer: 'adam', lr: 0.001 };

export function networkWorkloads({ quick }) {
  const digits = { sizes: [784, 128, 10], rows: 2048, epochs: quick ? 2 : 4, plainEpochs: 1, tolerance: 1e-3 };
  const small = { rows: 1024, plainEpochs: quick ? 2 : 10, tolerance: 1e-2, ...ADAM };
  return [
    network({ name: 'W2-b32', ...digits, batch: 32, ...SGD }),
    network({ name: 'W2-b64', ...digits, batch: 64, ...SGD }),
    network({ name: 'W2-b128', ...digits, batch: 128, ...SGD }),
    network({ name: 'W2-b512', ...digits, batch: 512, ...SGD }),
    network({ name: 'W2-b64-adam', ...digits, batch: 64, ...ADAM }),
    network({ name: 'W3', ...small, sizes: [16, 64, 64, 1], batch: 32, epochs: 50 }),
    network({ name: '4-16-3', ...small, sizes: [4, 16, 3], batch: 16, epochs: 200 }),
    network({ name: '20-32-2', ...small, sizes: [20, 32, 2], batch: 32, epochs: 200 }),
    network({
      name: 'W5',
      sizes: [512, 1024, 1024, 10],
      rows: 512,
      batch: 256,
      epochs: 2,
      plainEpochs: 1,
      tolerance: 1e-3,
      ...SGD,
    }),
  ];
}
