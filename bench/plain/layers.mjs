// The three products of a dense layer as plain typed-array loops. x is [m, k], w [n, k], y [m, n]; four sums or rows at a time,
// so that additions overlap and a loaded number is used four times. Math.fround keeps the engine in f32.

const { fround } = Math;

/** y = x wᵀ + b, then relu where wanted. */
export function forward(x, { w, b, inputs: k, outputs: n, relu }, y, m) {
  for (let i = 0; i < m; i++) {
    const at = i * k;
    let j = 0;
    for (; j + 3 < n; j += 4) {
      const [w0, w1, w2, w3] = [j * k, (j + 1) * k, (j + 2) * k, (j + 3) * k];
      let [s0, s1, s2, s3] = [fround(0), fround(0), fround(0), fround(0)];
      for (let p = 0; p < k; p++) {
        const v = x[at + p];
        s0 = fround(s0 + fround(v * w[w0 + p]));
        s1 = fround(s1 + fround(v * w[w1 + p]));
        s2 = fround(s2 + fround(v * w[w2 + p]));
        s3 = fround(s3 + fround(v * w[w3 + p]));
      }
      const to = i * n + j;
      y[to] = s0 + b[j];
      y[to + 1] = s1 + b[j + 1];
      y[to + 2] = s2 + b[j + 2];
      y[to + 3] = s3 + b[j + 3];
    }
    for (; j < n; j++) {
      let s = fround(0);
      for (let p = 0; p < k; p++) s = fround(s + fround(x[at + p] * w[j * k + p]));
      y[i * n + j] = s + b[j];
    }
  }
  if (relu) for (let i = 0; i < m * n; i++) if (y[i] < 0) y[i] = 0;
}

/** dx = dy w, where x was an activation: 0 where relu cut it off. */
export function backwardInputs(dy, { w, inputs: k, outputs: n }, { x, dx }, m) {
  for (let i = 0; i < m; i++) {
    const at = i * k;
    dx.fill(0, at, at + k);
    let j = 0;
    for (; j + 3 < n; j += 4) {
      const from = i * n + j;
      const [d0, d1, d2, d3] = [dy[from], dy[from + 1], dy[from + 2], dy[from + 3]];
      const [w0, w1, w2, w3] = [j * k, (j + 1) * k, (j + 2) * k, (j + 3) * k];
      for (let p = 0; p < k; p++) {
        const low = fround(fround(d0 * w[w0 + p]) + fround(d1 * w[w1 + p]));
        const high = fround(fround(d2 * w[w2 + p]) + fround(d3 * w[w3 + p]));
        dx[at + p] = fround(dx[at + p] + fround(low + high));
      }
    }
    for (; j < n; j++) {
      const d = dy[i * n + j];
      for (let p = 0; p < k; p++) dx[at + p] = fround(dx[at + p] + fround(d * w[j * k + p]));
    }
    for (let p = at; p < at + k; p++) if (x[p] <= 0) dx[p] = 0;
  }
}

/** dw = dyᵀ x, db = the sums of dy's columns. */
export function backwardWeights(dy, x, { dw, db, inputs: k, outputs: n }, m) {
  dw.fill(0);
  db.fill(0);
  for (let j = 0; j < n; j++) {
    const to = j * k;
    let i = 0;
    for (; i + 3 < m; i += 4) {
      const [d0, d1, d2, d3] = [dy[i * n + j], dy[(i + 1) * n + j], dy[(i + 2) * n + j], dy[(i + 3) * n + j]];
      const [x0, x1, x2, x3] = [i * k, (i + 1) * k, (i + 2) * k, (i + 3) * k];
      db[j] += d0 + d1 + (d2 + d3);
      for (let p = 0; p < k; p++) {
        const low = fround(fround(d0 * x[x0 + p]) + fround(d1 * x[x1 + p]));
        const high = fround(fround(d2 * x[x2 + p]) + fround(d3 * x[x3 + p]));
        dw[to + p] = fround(dw[to + p] + fround(low + high));
      }
    }
    for (; i < m; i++) {
      const d = dy[i * n + j];
      db[j] += d;
      for (let p = 0; p < k; p++) dw[to + p] = fround(dw[to + p] + fround(d * x[i * k + p]));
    }
  }
}
