import { featureData, initialValues, lineData, networkData } from './data.mjs';
import { compiled, wholeFits } from './downhill.mjs';

// How the cost grows: one thing at a time is made larger. Nothing is compared.

const COMMON = { onRequest: true, alone: true, tolerance: 1 };
/** Rows of the data where their number is not what grows. */
const ROWS = 4096;
/** About so many multiplications a run. */
const WORK = 2e8;

/** Whole passes over `length` batches of so much work each. */
const updatesFor = (length, work) => length * Math.max(1, Math.min(500, Math.round(WORK / (work * length))));

function regression(sizes, { batch, rows }) {
  const data = networkData({ rows, features: sizes[0] });
  return { sizes, data, initial: initialValues(sizes), loss: 'squared', optimizer: 'adam', lr: 0.001, batch };
}

function network(name, sizes, { batch, rows = ROWS }) {
  const weights = sizes.slice(1).reduce((sum, n, i) => sum + n * sizes[i], 0);
  return {
    ...COMMON,
    name,
    updates: updatesFor(Math.ceil(rows / batch), batch * weights * 3),
    flops: 2 * batch * (3 * weights - sizes[0] * sizes[1]),
    spec: () => regression(sizes, { batch, rows }),
    contenders: (spec) => [compiled(spec)],
  };
}

const powers = (from, to, by) => {
  const all = [];
  for (let n = from; n <= to; n *= by) all.push(n);
  return all;
};

const batches = () => powers(1, 4096, 4).map((n) => network(`growth-batch-${n}`, [16, 64, 64, 1], { batch: n }));
const widths = () => powers(8, 2048, 4).map((n) => network(`growth-width-${n}`, [n, n, 1], { batch: 64, rows: 512 }));

const rows = () =>
  powers(1000, 1_000_000, 10).map((n) => ({
    ...COMMON,
    name: `growth-rows-${n}`,
    updates: updatesFor(Math.ceil(n / 128), 128 * 32 * 4),
    bytes: 4 * 128 * 33,
    spec: () => {
      const data = featureData({ rows: n, features: 32, kind: 'squared' });
      return {
        data,
        sizes: [32, 1],
        initial: initialValues([32, 1]),
        batch: 128,
        lr: 0.01,
        loss: 'squared',
        optimizer: 'sgd',
      };
    },
    contenders: (spec) => [compiled(spec)],
  }));

const epochs = () =>
  powers(1, 1000, 10).map((n) => ({
    ...COMMON,
    name: `growth-epochs-${n}`,
    per: 'fit',
    updates: Math.max(1, 100 / n),
    spec: () => {
      const sizes = [1, 1];
      return {
        data: lineData(1000),
        sizes,
        initial: initialValues(sizes),
        batch: 64,
        lr: 0.01,
        loss: 'squared',
        optimizer: 'sgd',
      };
    },
    contenders: (spec) => [wholeFits(spec, n)],
  }));

export function growthWorkloads() {
  return [...batches(), ...widths(), ...rows(), ...epochs()];
}
