// @ts-check
import { COLOURS } from './svg.mjs';

/**
 * @param {{ epoch: number, loss: number, valLoss?: number }[]} epochs
 * @returns {import('./svg.mjs').Spec}
 */
export function lossPlot(epochs) {
  const names = ['training', 'test'];
  const values = epochs.flatMap(({ epoch, loss, valLoss }) => [
    { epoch, loss, of: 'training' },
    { epoch, loss: valLoss, of: 'test' },
  ]);
  return {
    title: { text: 'Digits: the loss, epoch by epoch', subtitle: '784-128-10, ReLU; the mean over the images' },
    width: 520,
    height: 320,
    data: { values },
    mark: { type: 'line', point: { size: 36, filled: true }, strokeWidth: 2.2 },
    encoding: {
      x: { field: 'epoch', type: 'quantitative', title: 'epoch', axis: { format: 'd', grid: false } },
      y: {
        field: 'loss',
        type: 'quantitative',
        title: 'cross-entropy (nats)',
        scale: { type: 'log' },
        axis: { tickCount: 6, format: '~g' },
      },
      color: {
        field: 'of',
        scale: { domain: names, range: [COLOURS.blue, COLOURS.red] },
        legend: { title: 'images', orient: 'top-right', offset: 8, symbolSize: 60 },
      },
      shape: { field: 'of', scale: { domain: names, range: ['circle', 'square'] } },
    },
  };
}

/**
 * The loss of a batch, as the learning rate grows from one to the next.
 * @param {import('downhill').LearningRates} tried
 * @returns {import('./svg.mjs').Spec}
 */
export function ratesPlot({ rates, losses, smoothed, suggestion }) {
  const values = rates.map((rate, i) => ({ rate, loss: losses[i], smoothed: smoothed[i] }));
  const x = /** @type {const} */ ({
    field: 'rate',
    type: 'quantitative',
    title: 'learning rate',
    scale: { type: 'log' },
    axis: { format: '~g', grid: false },
  });
  const y = /** @type {const} */ ({ type: 'quantitative', title: 'cross-entropy (nats)' });
  return {
    title: {
      text: 'Digits: learning rates, each for one step',
      subtitle: 'batches, their moving average, the steepest',
    },
    width: 520,
    height: 320,
    data: { values },
    layer: [
      { mark: { type: 'circle', size: 18, color: COLOURS.faint }, encoding: { x, y: { ...y, field: 'loss' } } },
      {
        mark: { type: 'line', strokeWidth: 2.2, color: COLOURS.blue },
        encoding: { x, y: { ...y, field: 'smoothed' } },
      },
      {
        data: { values: suggestion === undefined ? [] : [{ rate: suggestion }] },
        mark: { type: 'rule', strokeDash: [6, 4], color: COLOURS.red },
        encoding: { x },
      },
    ],
  };
}

/**
 * How often each digit was read as which.
 * @param {number[][]} counts rows: the digit shown, columns: the digit read
 * @returns {import('./svg.mjs').Spec}
 */
export function confusionPlot(counts) {
  const values = counts.flatMap((row, shown) =>
    row.map((count, read) => ({ shown, read, count, right: shown === read })),
  );
  const total = values.reduce((sum, { count }) => sum + count, 0);
  const right = values.reduce((sum, { count, right }) => sum + (right ? count : 0), 0);
  const most = Math.max(...values.map(({ count }) => count));
  return {
    title: {
      text: 'Digits: what was read as what',
      subtitle: `${right} of ${total} test images are on the diagonal, read right`,
    },
    width: 420,
    height: 420,
    data: { values },
    encoding: {
      x: { field: 'read', type: 'ordinal', title: 'digit read', axis: { labelAngle: 0, domain: false, ticks: false } },
      y: { field: 'shown', type: 'ordinal', title: 'digit shown', axis: { domain: false, ticks: false } },
    },
    layer: [cells(most), numbers(most)],
  };
}

/**
 * Squares, darker for more images; the scale is logarithmic from 1 on, so that single mistakes are seen.
 * @param {number} most
 * @returns {import('./svg.mjs').Layer}
 */
const cells = (most) => ({
  mark: { type: 'rect', stroke: '#fff' },
  encoding: {
    color: {
      field: 'count',
      type: 'quantitative',
      scale: { type: 'symlog', scheme: 'blues', domain: [0, most] },
      legend: { title: 'images', values: [0, 1, 10, 100], gradientLength: 200 },
    },
  },
});

/**
 * The counts themselves, white on dark squares.
 * @param {number} most
 * @returns {import('./svg.mjs').Layer}
 */
const numbers = (most) => ({
  transform: [{ filter: 'datum.count > 0' }],
  mark: { type: 'text', fontSize: 12 },
  encoding: {
    text: { field: 'count' },
    color: { condition: { test: `datum.count > ${most / 8}`, value: '#fff' }, value: COLOURS.ink },
  },
});
