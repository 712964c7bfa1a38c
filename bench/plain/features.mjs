import { sink } from '../lib/statistics.mjs';
import { shuffler } from './shuffle.mjs';

// A linear model of several features, as typed-array loops.

const LOSSES = {
  squared: { slope: (o, t) => 2 * (o - t), value: (o, t) => (o - t) * (o - t) },
  logistic: {
    slope: (o, t) => 1 / (1 + Math.exp(-o)) - t,
    value: (o, t) => Math.max(o, 0) - o * t + Math.log1p(Math.exp(-Math.abs(o))),
  },
};

/** w · x + b for the row at `at`; four sums, so that additions overlap. The features are a multiple of four. */
function predict(x, at, w, b) {
  let s0 = b;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let j = 0; j < w.length; j += 4) {
    s0 += w[j] * x[at + j];
    s1 += w[j + 1] * x[at + j + 1];
    s2 += w[j + 2] * x[at + j + 2];
    s3 += w[j + 3] * x[at + j + 3];
  }
  return s0 + s1 + (s2 + s3);
}

/** One update from the rows of `order` from `first` up to `end`, or from the rows themselves without one. */
function update({ x, y, order }, { w, dw, p }, { loss, lr, first, end }) {
  const features = w.length;
  let db = 0;
  let total = 0;
  dw.fill(0);
  for (let k = first; k < end; k++) {
    const i = order ? order[k] : k;
    const at = i * features;
    const output = predict(x, at, w, p.b);
    const slope = loss.slope(output, y[i]);
    total += loss.value(output, y[i]);
    for (let j = 0; j < features; j++) dw[j] += slope * x[at + j];
    db += slope;
  }
  const rate = lr / (end - first);
  for (let j = 0; j < features; j++) w[j] -= rate * dw[j];
  p.b -= rate * db;
  return total;
}

/** Linear or logistic regression of several features. */
export function plainFeatures({ data, initial, batch, lr, shuffle, kind, updates }) {
  const { x, y, rows } = data;
  const mix = shuffler(shuffle ? rows : 0);
  const loss = LOSSES[kind];
  return {
    name: 'plain',
    updates,
    prepare() {},
    run(count) {
      const w = initial['0.weight'].data.slice();
      const state = { w, dw: new Float32Array(w.length), p: { b: initial['0.bias'].data[0] } };
      const epochs = count / Math.ceil(rows / batch);
      let total = 0;
      for (let pass = 0; pass < epochs; pass++) {
        if (shuffle) sink(mix());
        const view = { x, y, order: shuffle && data.order(pass) };
        total = 0;
        for (let first = 0; first < rows; first += batch) {
          total += update(view, state, { loss, lr, first, end: Math.min(first + batch, rows) });
        }
      }
      return { loss: total / rows };
    },
  };
}
