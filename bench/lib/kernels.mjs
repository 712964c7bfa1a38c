import { noGrad, rand } from 'downhill';

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

/** Kernels over n elements in rows of 100, and how many bytes an element costs them. */
const FLAT = [
  { name: 'add', bytes: 12, of: (x, y) => x.add(y) },
  { name: 'addRow', bytes: 8, of: (x, _, row) => x.add(row) },
  { name: 'scale', bytes: 8, of: (x) => x.mul(0.5) },
  { name: 'relu', bytes: 8, of: (x) => x.relu() },
  { name: 'exp', bytes: 8, of: (x) => x.exp() },
  { name: 'tanh', bytes: 8, of: (x) => x.tanh() },
  { name: 'sigmoid', bytes: 8, of: (x) => x.sigmoid() },
  { name: 'softmax', bytes: 8, of: (x) => x.softmax() },
  { name: 'sum', bytes: 4, of: (x) => x.sum() },
  { name: 'sumRows', bytes: 4, of: (x) => x.sum({ axis: 0 }) },
  { name: 'sumColumns', bytes: 4, of: (x) => x.sum({ axis: 1 }) },
];
const COLUMNS = 100;

function flats() {
  return FLAT.flatMap(({ name, bytes, of }) =>
    [10, 1000, 30_000].map((rows) => ({
      name,
      size: `${rows}x${COLUMNS}`,
      bytes: bytes * rows * COLUMNS,
      make() {
        const x = rand([rows, COLUMNS]);
        const y = rand([rows, COLUMNS]);
        const row = rand([COLUMNS]);
        return () => of(x, y, row);
      },
    })),
  );
}

/** Every kernel and size: `make()` gives a call whose result is a tensor. */
export function kernels() {
  return [...products(), ...flats()].map((kernel) => ({
    ...kernel,
    make: () => {
      const call = noGrad(kernel.make);
      return () => noGrad(call);
    },
  }));
}
