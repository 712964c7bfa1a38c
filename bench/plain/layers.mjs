// A matrix product as a plain typed-array loop. The numbers are f64: an engine converts each f32 that it loads and stores,
// which halves the speed.

/** Two rows and four columns of c: eight sums that stay in registers, so that additions overlap and loads are shared. */
function tile(a, b, k, { rowA, stepA, columnB, stepB }, at) {
  const { c, low, high } = at;
  let { ia, ib } = at;
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let t0 = 0;
  let t1 = 0;
  let t2 = 0;
  let t3 = 0;
  for (let p = 0; p < k; p++, ia += stepA, ib += stepB) {
    const x = a[ia];
    const y = a[ia + rowA];
    const v0 = b[ib];
    const v1 = b[ib + columnB];
    const v2 = b[ib + 2 * columnB];
    const v3 = b[ib + 3 * columnB];
    s0 += x * v0;
    s1 += x * v1;
    s2 += x * v2;
    s3 += x * v3;
    t0 += y * v0;
    t1 += y * v1;
    t2 += y * v2;
    t3 += y * v3;
  }
  c[low] = s0;
  c[low + 1] = s1;
  c[low + 2] = s2;
  c[low + 3] = s3;
  c[high] = t0;
  c[high + 1] = t1;
  c[high + 2] = t2;
  c[high + 3] = t3;
}

/** One number of c. */
function dot(a, b, k, { stepA, stepB }, at) {
  let { ia, ib } = at;
  let s0 = 0;
  let s1 = 0;
  let p = 0;
  for (; p + 1 < k; p += 2, ia += 2 * stepA, ib += 2 * stepB) {
    s0 += a[ia] * b[ib];
    s1 += a[ia + stepA] * b[ib + stepB];
  }
  if (p < k) s0 += a[ia] * b[ib];
  at.c[at.low] = s0 + s1;
}

/** c = a b, where a is m x k, b is k x n, and each has a step to the next row or column and one along k. */
function product(a, b, c, [m, n, k], strides) {
  const at = { c, ia: 0, ib: 0, low: 0, high: 0 };
  for (let i = 0; i < m; i += 2) {
    for (let j = 0; j < n; j += 4) {
      const whole = i + 1 < m && j + 3 < n;
      at.ia = i * strides.rowA;
      at.ib = j * strides.columnB;
      at.low = i * n + j;
      at.high = at.low + n;
      if (whole) tile(a, b, k, strides, at);
      else rest(a, b, [m, n, k], strides, { c, i, j });
    }
  }
}

/** What is left of a tile at an edge, number by number. */
function rest(a, b, [m, n, k], strides, { c, i, j }) {
  for (let r = i; r < Math.min(i + 2, m); r++) {
    for (let s = j; s < Math.min(j + 4, n); s++) {
      dot(a, b, k, strides, { c, ia: r * strides.rowA, ib: s * strides.columnB, low: r * n + s });
    }
  }
}

/** y = x wᵀ + b, then relu where wanted; x is [m, k], w [n, k], y [m, n]. */
export function forward(x, { w, b, inputs: k, outputs: n, relu }, y, m) {
  product(x, w, y, [m, n, k], { rowA: k, stepA: 1, columnB: k, stepB: 1 });
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      const sum = y[i * n + j] + b[j];
      y[i * n + j] = relu && sum < 0 ? 0 : sum;
    }
  }
}

/** dx = dy w, and 0 where relu gave 0. */
export function backwardInputs(dy, { w, inputs: k, outputs: n }, { x, dx }, m) {
  product(dy, w, dx, [m, k, n], { rowA: n, stepA: 1, columnB: 1, stepB: k });
  for (let i = 0; i < m * k; i++) if (x[i] <= 0) dx[i] = 0;
}

/** dw = dyᵀ x, db = the sums of dy's columns. */
export function backwardWeights(dy, x, { dw, db, inputs: k, outputs: n }, m) {
  product(dy, x, dw, [n, k, m], { rowA: 1, stepA: n, columnB: 1, stepB: k });
  db.fill(0);
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) db[j] += dy[i * n + j];
}
