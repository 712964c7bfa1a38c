import { sink } from '../lib/statistics.mjs';
import { shuffler } from './shuffle.mjs';

// A linear model of several features, as typed-array loops. The features are a multiple of four.

/** w · x for the row at `at`; four sums, so that additions overlap. */
function dot(x, at, w) {
  let s0 = 0;
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

function addScaled(dw, slope, x, at) {
  for (let j = 0; j < dw.length; j++) dw[j] += slope * x[at + j];
}

/** The gradient of a batch goes to g.dw and g.db; returns the sum of the squared errors. */
function squared({ x, y, order }, g, first, end) {
  let loss = 0;
  let db = 0;
  for (let k = first; k < end; k++) {
    const i = order ? order[k] : k;
    const error = dot(x, i * g.w.length, g.w) + g.b - y[i];
    loss += error * error;
    db += 2 * error;
    addScaled(g.dw, 2 * error, x, i * g.w.length);
  }
  g.db = db;
  return loss;
}

/** The same for a yes or no: -t log s(o) - (1 - t) log(1 - s(o)) with the sigmoid s. */
function logistic({ x, y, order }, g, first, end) {
  let loss = 0;
  let db = 0;
  for (let k = first; k < end; k++) {
    const i = order ? order[k] : k;
    const output = dot(x, i * g.w.length, g.w) + g.b;
    const e = Math.exp(-Math.abs(output));
    const slope = (output < 0 ? e : 1) / (1 + e) - y[i];
    loss += Math.max(output, 0) - output * y[i] + Math.log1p(e);
    db += slope;
    addScaled(g.dw, slope, x, i * g.w.length);
  }
  g.db = db;
  return loss;
}

/** One pass over the data; returns the mean loss. */
function pass(view, g, { gradient, batch, lr, rows }) {
  let loss = 0;
  for (let first = 0; first < rows; first += batch) {
    const end = Math.min(first + batch, rows);
    g.dw.fill(0);
    loss += gradient(view, g, first, end);
    const rate = lr / (end - first);
    for (let j = 0; j < g.w.length; j++) g.w[j] -= rate * g.dw[j];
    g.b -= rate * g.db;
  }
  return loss / rows;
}

/** Linear or logistic regression of several features. */
export function plainFeatures({ data, initial, batch, lr, shuffle, kind, updates }) {
  const { rows } = data;
  const mix = shuffler(shuffle ? rows : 0);
  const x = Float64Array.from(data.x);
  const y = Float64Array.from(data.y);
  const settings = { gradient: kind === 'logistic' ? logistic : squared, batch, lr, rows };
  return {
    name: 'plain',
    updates,
    prepare() {},
    run(count) {
      const w = Float64Array.from(initial['0.weight'].data);
      const g = { w, b: initial['0.bias'].data[0], dw: new Float64Array(w.length), db: 0 };
      const epochs = count / Math.ceil(rows / batch);
      let loss = 0;
      for (let i = 0; i < epochs; i++) {
        if (shuffle) sink(mix());
        loss = pass({ x, y, order: shuffle ? data.order(i) : undefined }, g, settings);
      }
      return { loss };
    },
  };
}
