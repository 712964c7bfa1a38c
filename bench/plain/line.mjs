import { sink } from '../lib/statistics.mjs';
import { shuffler } from './shuffle.mjs';

// y = w x + b by least squares, one feature, as typed-array loops. `p` is [w, b]; each returns the sum of the squared errors.

/** One row an update. */
function eachRow({ x, y }, order, p, { lr }) {
  let [w, b] = p;
  let loss = 0;
  for (let k = 0; k < order.length; k++) {
    const i = order[k];
    const error = w * x[i] + b - y[i];
    const step = 2 * lr * error;
    w -= step * x[i];
    b -= step;
    loss += error * error;
  }
  p[0] = w;
  p[1] = b;
  return loss;
}

/** `batch` rows an update; two rows at a time, so that additions overlap. */
function eachBatch({ x, y }, order, p, { lr, batch }) {
  let [w, b] = p;
  let loss = 0;
  for (let first = 0; first < order.length; first += batch) {
    const end = Math.min(first + batch, order.length);
    let [dw0, db0, loss0, dw1, db1, loss1] = [0, 0, 0, 0, 0, 0];
    let k = first;
    for (; k + 1 < end; k += 2) {
      const [i, j] = [order[k], order[k + 1]];
      const [xi, xj] = [x[i], x[j]];
      const e0 = w * xi + b - y[i];
      const e1 = w * xj + b - y[j];
      dw0 += e0 * xi;
      dw1 += e1 * xj;
      db0 += e0;
      db1 += e1;
      loss0 += e0 * e0;
      loss1 += e1 * e1;
    }
    for (; k < end; k++) {
      const error = w * x[order[k]] + b - y[order[k]];
      dw0 += error * x[order[k]];
      db0 += error;
      loss0 += error * error;
    }
    const rate = (2 * lr) / (end - first);
    w -= rate * (dw0 + dw1);
    b -= rate * (db0 + db1);
    loss += loss0 + loss1;
  }
  p[0] = w;
  p[1] = b;
  return loss;
}

/** All rows an update, in the order in which they lie. */
function allRows({ x, y }, p, { lr }) {
  const [w, b] = p;
  const rows = x.length;
  let [dw0, db0, loss0, dw1, db1, loss1] = [0, 0, 0, 0, 0, 0];
  let i = 0;
  for (; i + 1 < rows; i += 2) {
    const [xi, xj] = [x[i], x[i + 1]];
    const e0 = w * xi + b - y[i];
    const e1 = w * xj + b - y[i + 1];
    dw0 += e0 * xi;
    dw1 += e1 * xj;
    db0 += e0;
    db1 += e1;
    loss0 += e0 * e0;
    loss1 += e1 * e1;
  }
  for (; i < rows; i++) {
    const error = w * x[i] + b - y[i];
    dw0 += error * x[i];
    db0 += error;
    loss0 += error * error;
  }
  p[0] = w - ((2 * lr) / rows) * (dw0 + dw1);
  p[1] = b - ((2 * lr) / rows) * (db0 + db1);
  return loss0 + loss1;
}

/** The text's linear regression, by the loop that suits the batch size. */
export function plainLine({ data, initial, batch, lr, shuffle }) {
  const { rows } = data;
  const mix = shuffler(rows);
  const settings = { lr, batch };
  const epoch = (p, pass) => {
    if (!shuffle) return allRows(data, p, settings);
    sink(mix());
    return batch === 1 ? eachRow(data, data.order(pass), p, settings) : eachBatch(data, data.order(pass), p, settings);
  };
  return {
    name: 'plain',
    prepare() {},
    run(updates) {
      const p = [initial['0.weight'].data[0], initial['0.bias'].data[0]];
      const epochs = updates / Math.ceil(rows / batch);
      let loss = 0;
      for (let pass = 0; pass < epochs; pass++) loss = epoch(p, pass) / rows;
      return { loss };
    },
  };
}
