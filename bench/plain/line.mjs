import { sink } from '../lib/statistics.mjs';
import { shuffler } from './shuffle.mjs';

// y = w x + b by least squares, one feature, as typed-array loops. `p` is [w, b]; each returns the sum of the squared errors.

/** One row an update. */
function eachRow(x, y, order, p, lr) {
  let w = p[0];
  let b = p[1];
  let loss = 0;
  for (let k = 0; k < order.length; k++) {
    const i = order[k];
    const xi = x[i];
    const error = w * xi + b - y[i];
    const step = 2 * lr * error;
    w -= step * xi;
    b -= step;
    loss += error * error;
  }
  p[0] = w;
  p[1] = b;
  return loss;
}

/** `batch` rows an update. */
function eachBatch(x, y, order, p, { lr, batch }) {
  const rows = order.length;
  let w = p[0];
  let b = p[1];
  let loss = 0;
  for (let first = 0; first < rows; first += batch) {
    const end = Math.min(first + batch, rows);
    let dw = 0;
    let db = 0;
    for (let k = first; k < end; k++) {
      const i = order[k];
      const xi = x[i];
      const error = w * xi + b - y[i];
      dw += error * xi;
      db += error;
      loss += error * error;
    }
    const rate = (2 * lr) / (end - first);
    w -= rate * dw;
    b -= rate * db;
  }
  p[0] = w;
  p[1] = b;
  return loss;
}

/** All rows an update, in the order in which they lie; two at a time, so that additions overlap. */
function allRows(x, y, p, lr) {
  const rows = x.length;
  const w = p[0];
  const b = p[1];
  let dw0 = 0;
  let db0 = 0;
  let loss0 = 0;
  let dw1 = 0;
  let db1 = 0;
  let loss1 = 0;
  for (let i = 0; i + 1 < rows; i += 2) {
    const x0 = x[i];
    const x1 = x[i + 1];
    const e0 = w * x0 + b - y[i];
    const e1 = w * x1 + b - y[i + 1];
    dw0 += e0 * x0;
    dw1 += e1 * x1;
    db0 += e0;
    db1 += e1;
    loss0 += e0 * e0;
    loss1 += e1 * e1;
  }
  p[0] = w - ((2 * lr) / rows) * (dw0 + dw1);
  p[1] = b - ((2 * lr) / rows) * (db0 + db1);
  return loss0 + loss1;
}

/** The README's line, by the loop that suits the batch size. The rows are even in number. */
export function plainLine({ data, initial, batch, lr, shuffle }) {
  const { rows } = data;
  const mix = shuffler(rows);
  const x = Float64Array.from(data.x);
  const y = Float64Array.from(data.y);
  const epoch = (p, pass) => {
    if (!shuffle) return allRows(x, y, p, lr);
    sink(mix());
    const order = data.order(pass);
    return batch === 1 ? eachRow(x, y, order, p, lr) : eachBatch(x, y, order, p, { lr, batch });
  };
  return {
    name: 'plain',
    prepare() {},
    run(updates) {
      const p = Float64Array.of(initial['0.weight'].data[0], initial['0.bias'].data[0]);
      const epochs = updates / Math.ceil(rows / batch);
      let loss = 0;
      for (let pass = 0; pass < epochs; pass++) loss = epoch(p, pass) / rows;
      return { loss };
    },
  };
}
