import { sink } from '../lib/statistics.mjs';
import { backwardInputs, backwardWeights, forward } from './layers.mjs';
import { shuffler } from './shuffle.mjs';

/** A dense layer's parameters, gradients and, for Adam, moments. */
function layerOf(initial, i, relu) {
  const { shape, data: w } = initial[`${2 * i}.weight`];
  const [outputs, inputs] = shape;
  const zeros = (n) => new Float64Array(n);
  const layer = { inputs, outputs, relu, w: Float64Array.from(w), b: Float64Array.from(initial[`${2 * i}.bias`].data) };
  layer.dw = zeros(w.length);
  layer.db = zeros(outputs);
  layer.pairs = [
    { p: layer.w, g: layer.dw, u: zeros(w.length), v: zeros(w.length) },
    { p: layer.b, g: layer.db, u: zeros(outputs), v: zeros(outputs) },
  ];
  return layer;
}

const UPDATES = {
  sgd({ p, g }, { lr }) {
    for (let i = 0; i < p.length; i++) p[i] -= lr * g[i];
  },
  adam({ p, g, u, v }, { lr, step }) {
    const rate = lr / (1 - 0.9 ** step);
    const root = 1 / Math.sqrt(1 - 0.999 ** step);
    for (let i = 0; i < p.length; i++) {
      const ui = 0.9 * u[i] + 0.1 * g[i];
      const vi = 0.999 * v[i] + 0.001 * g[i] * g[i];
      u[i] = ui;
      v[i] = vi;
      p[i] -= (rate * ui) / (Math.sqrt(vi) * root + 1e-8);
    }
  },
};

const LOSSES = {
  /** The mean squared error; its gradient goes to dy. */
  squared(o, t, dy, { m, n }) {
    let total = 0;
    for (let i = 0; i < m * n; i++) {
      const d = o[i] - t[i];
      total += d * d;
      dy[i] = (2 * d) / (m * n);
    }
    return total / (m * n);
  },
  /** The mean of -log softmax(o)[label] over the rows. */
  crossEntropy(o, labels, dy, { m, n }) {
    let total = 0;
    for (let i = 0; i < m; i++) {
      let top = -Infinity;
      for (let j = i * n; j < (i + 1) * n; j++) top = Math.max(top, o[j]);
      let sum = 0;
      for (let j = i * n; j < (i + 1) * n; j++) {
        dy[j] = Math.exp(o[j] - top);
        sum += dy[j];
      }
      const hit = i * n + labels[i];
      total += Math.log(sum) - (o[hit] - top);
      for (let j = i * n; j < (i + 1) * n; j++) dy[j] /= sum * m;
      dy[hit] -= 1 / m;
    }
    return total / m;
  },
};

function gather({ x, y, features, targets }, order, { first, m }, into) {
  for (let i = 0; i < m; i++) {
    const row = order[first + i];
    into.x.set(x.subarray(row * features, (row + 1) * features), i * features);
    for (let j = 0; j < targets; j++) into.y[i * targets + j] = y[row * targets + j];
  }
}

/** The network after its initial values, and one step of its training. */
function network({ initial, depth, batch, loss, optimizer, lr }) {
  const layers = Array.from({ length: depth }, (_, i) => layerOf(initial, i, i < depth - 1));
  const ys = layers.map(({ outputs }) => new Float64Array(batch * outputs));
  const dys = layers.map(({ outputs }) => new Float64Array(batch * outputs));
  const last = depth - 1;
  let step = 0;
  return (x, y, m) => {
    step++;
    layers.forEach((layer, i) => {
      forward(i === 0 ? x : ys[i - 1], layer, ys[i], m);
    });
    const value = LOSSES[loss](ys[last], y, dys[last], { m, n: layers[last].outputs });
    for (let i = last; i >= 0; i--) {
      backwardWeights(dys[i], i === 0 ? x : ys[i - 1], layers[i], m);
      if (i > 0) backwardInputs(dys[i], layers[i], { x: ys[i - 1], dx: dys[i - 1] }, m);
    }
    for (const { pairs } of layers) for (const pair of pairs) UPDATES[optimizer](pair, { lr, step });
    return value;
  };
}

/** A dense network with relu between its layers. */
export function plainNetwork(spec) {
  const { data, batch, updates } = spec;
  const { rows, features, targets } = data;
  const mix = shuffler(rows);
  const into = { x: new Float64Array(batch * features), y: new data.y.constructor(batch * targets) };
  return {
    name: 'plain',
    updates,
    prepare() {},
    run(count) {
      const train = network(spec);
      const epochs = count / Math.ceil(rows / batch);
      let total = 0;
      for (let pass = 0; pass < epochs; pass++) {
        sink(mix());
        total = 0;
        for (let first = 0; first < rows; first += batch) {
          const m = Math.min(batch, rows - first);
          gather(data, data.order(pass), { first, m }, into);
          total += train(into.x, into.y, m) * m;
        }
      }
      return { loss: total / rows };
    },
  };
}
