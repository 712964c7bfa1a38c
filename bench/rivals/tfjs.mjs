import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';

const require = createRequire(import.meta.url);

/** TensorFlow.js on its wasm backend, one thread, or an error where it is not installed. */
export async function loadTfjs() {
  const tf = (await import('@tensorflow/tfjs')).default;
  const { setThreadsCount, setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
  setWasmPaths(dirname(require.resolve('@tensorflow/tfjs-backend-wasm')) + sep);
  setThreadsCount(1);
  await tf.setBackend('wasm');
  await tf.ready();
  return tf;
}

const LOSSES = {
  squared: (tf, o, t) => tf.mean(tf.square(tf.sub(o, t))),
  logistic: (tf, o, t) => tf.mean(tf.sub(tf.add(tf.relu(o), tf.log1p(tf.exp(tf.neg(tf.abs(o))))), tf.mul(o, t))),
  crossEntropy: (tf, o, t) => tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(o), t), 1))),
};

function parametersOf(tf, { sizes, initial }) {
  return sizes.slice(1).map((_, i) => {
    const { shape, data } = initial[`${2 * i}.weight`];
    const w = tf.variable(tf.tensor2d(data, shape));
    const b = tf.variable(tf.tensor1d(initial[`${2 * i}.bias`].data));
    return { w, b };
  });
}

/** The loop that its users write: gather, gradients, step. */
export function tfjs(tf, spec, updates) {
  const { data, loss, optimizer, lr, batch, shuffle = true } = spec;
  const { x, y, rows, features, order } = data;
  let [xs, ys] = [];
  const forward = (layers, input) =>
    layers.reduce((h, { w, b }, i) => tf.add(tf.matMul(i === 0 ? h : tf.relu(h), w, false, true), b), input);

  function train(count, layers, stepper) {
    let total = 0;
    for (let pass = 0; pass < count / Math.ceil(rows / batch); pass++) {
      total = 0;
      const now = shuffle ? order(pass) : undefined;
      for (let first = 0; first < rows; first += batch) {
        const m = Math.min(batch, rows - first);
        const step = () => {
          const at = now && tf.tensor1d(now.subarray(first, first + m), 'int32');
          const bx = at ? tf.gather(xs, at) : xs;
          const by = at ? tf.gather(ys, at) : ys;
          return stepper.minimize(() => LOSSES[loss](tf, forward(layers, bx), by), true).dataSync()[0];
        };
        total += tf.tidy(step) * m;
      }
    }
    return total / rows;
  }

  return {
    name: 'tfjs',
    updates,
    most: updates,
    prepare() {
      xs = tf.tensor2d(x, [rows, features]);
      const outputs = spec.sizes.at(-1);
      ys = y instanceof Int32Array ? tf.oneHot(tf.tensor1d(y, 'int32'), outputs) : tf.tensor2d(y, [rows, outputs]);
    },
    run(count) {
      const layers = parametersOf(tf, spec);
      const stepper = optimizer === 'adam' ? tf.train.adam(lr, 0.9, 0.999, 1e-8) : tf.train.sgd(lr);
      const value = train(count, layers, stepper);
      stepper.dispose();
      for (const { w, b } of layers) tf.dispose([w, b]);
      return { loss: value };
    },
    release() {
      tf.dispose([xs, ys]);
    },
  };
}
