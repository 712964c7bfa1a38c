import { noGrad, rand } from 'downhill';
import { Binary, Kernel, Loss, rawKernel, Unary } from './raw.mjs';

const SIZES = [
  [64, 784, 128],
  [256, 256, 256],
  [512, 512, 512],
  [1024, 1024, 1024],
  [61, 783, 127],
  [509, 511, 513],
  [32, 64, 64],
  [64, 128, 10],
];

/** How the operands of a product lie: forward x w, the gradient of x, the gradient of w. */
const TRANSPOSES = { ab: [false, false], abT: [false, true], aTb: [true, false] };

/** A matrix as it is, or the transposed view of one that lies the other way. */
const matrix = (rows, columns, transposed) => (transposed ? rand([columns, rows]).transpose() : rand([rows, columns]));

function products() {
  return SIZES.flatMap(([m, k, n]) =>
    Object.entries(TRANSPOSES).map(([form, [left, right]]) => ({
      name: `product-${form}`,
      size: `${m}x${k}x${n}`,
      flops: 2 * m * k * n,
      make() {
        const a = matrix(m, k, left);
        const b = matrix(k, n, right);
        return () => a.matmul(b);
      },
    })),
  );
}

const ONE = { float: 1 };
const COLUMNS = 100;
/** An operand that stays where it is from step to step. */
const still = (address) => [address, 0, -1];
/** A row of hyperparameters whose rate is 0, so that a thousand updates leave the numbers as they are. */
const hyperparameters = (room) => still(room(10, (i) => (i === 0 ? 0 : 0.5)));

const unary = (name) => ({
  name,
  bytes: 8,
  record: (n) => [Kernel.mapUnary, ({ room }) => [Unary[name], room(n), room(n), n, ONE]],
});

const binary = (name, bytes, bRow) => ({
  name: bRow ? name : `${name}Row`,
  bytes,
  record: (n, rows) => [
    Kernel.mapBinary,
    ({ room }) => [Binary[name], room(n), room(n), room(n), rows, COLUMNS, COLUMNS, 1, bRow, 1, ONE],
  ],
});

const loss = (name) => ({
  name: `${name}Loss`,
  bytes: 12,
  record: (n, rows) => [
    Kernel.elementwiseLoss,
    ({ room }) => [Loss[name], room(n), room(n), room(1), room(n), rows, COLUMNS, { float: n }, ONE, 0, 0],
  ],
});

const model = (name) => ({
  name: `${name}Model`,
  bytes: 4 + 8 / COLUMNS,
  record: (n, rows) => [
    Kernel.linearModel,
    ({ room, integers }) => {
      const [x, t, index] = [room(n), room(rows, (i) => i & 1), integers(rows, (i) => (i * 7919) % rows)];
      const [y, w, bias, dw, db, partial] = [1, COLUMNS, 1, COLUMNS, 1, COLUMNS + 28].map((size) => room(size));
      return [Loss[name], x, ...still(index), t, w, bias, y, dw, db, partial, rows, COLUMNS, { float: rows }, 0];
    },
  ],
});

/** Kernels over rows of 100, each called by records of its own, and how many bytes an element costs them. */
const FLAT = [
  ...['scale', 'relu', 'exp', 'log', 'tanh', 'sigmoid', 'gelu', 'softplus'].map(unary),
  binary('add', 12, COLUMNS),
  binary('add', 8, 0),
  {
    name: 'softmax',
    bytes: 8,
    record: (n, rows) => [Kernel.softmaxColumns, ({ room }) => [room(n), room(n), rows, COLUMNS, 0]],
  },
  {
    name: 'sumRows',
    bytes: 4,
    record: (n, rows) => [Kernel.sumRows, ({ room }) => [room(n), room(COLUMNS), 1, rows, COLUMNS, ONE, 0, 0]],
  },
  {
    name: 'sumColumns',
    bytes: 4,
    record: (n, rows) => [Kernel.sumColumns, ({ room }) => [room(n), room(rows), rows, COLUMNS, ONE]],
  },
  loss('squared'),
  loss('logistic'),
  {
    name: 'crossEntropy',
    bytes: 8,
    record: (n, rows) => [
      Kernel.softmaxCrossEntropy,
      ({ room, integers }) => {
        const [o, labels, y, dx] = [room(n), integers(rows, (i) => i % COLUMNS), room(1), room(n)];
        return [o, labels, y, dx, rows, COLUMNS, { float: rows }, 0];
      },
    ],
  },
  model('squared'),
  model('logistic'),
  {
    name: 'updateSgd',
    bytes: 20,
    record: (n) => [Kernel.updateSgd, ({ room }) => [room(n), room(n), room(n), n, ...hyperparameters(room), 0]],
  },
  {
    name: 'updateAdam',
    bytes: 28,
    record: (n) => [
      Kernel.updateAdam,
      ({ room }) => [room(n), room(n), room(n), room(n, () => 1), 0, n, ...hyperparameters(room), 0, 0],
    ],
  },
  {
    name: 'findNonFinite',
    bytes: 4,
    record: (n) => [Kernel.findNonFinite, ({ room }) => [room(n), n, room(1), 0]],
  },
  {
    name: 'permute',
    bytes: 4,
    record: (n) => [Kernel.permute, ({ room, integers }) => [integers(n, () => 0), n, 1, 2, 3, room(54)]],
  },
];

function flats() {
  return FLAT.flatMap(({ name, bytes, record }) =>
    [10, 1000, 30_000].map((rows) => {
      const n = rows * COLUMNS;
      const make = () => rawKernel(...record(n, rows), 6 * 4 * n);
      return { name, size: `${rows}x${COLUMNS}`, bytes: bytes * n, make };
    }),
  );
}

/** An operation of the library as a call so many times. */
function eagerly(make) {
  const call = noGrad(make);
  return (times) => {
    let last = 0;
    for (let i = 0; i < times; i++) {
      const y = noGrad(call);
      if (i === times - 1) [last] = y.toTypedArray();
      y.dispose();
    }
    return last;
  };
}

/** Every kernel and size: `make()` gives what calls it so many times and returns a number of the last result. */
export function kernels() {
  const eager = products().map((kernel) => ({ ...kernel, make: () => eagerly(kernel.make) }));
  return [...eager, ...flats()];
}
