// @ts-check
import { MEASURES, SPECIES } from '../data/penguins.mjs';
import { COLOURS } from './svg.mjs';

/**
 * A network's gradient: for each layer the derivatives of the cost in its weights, [out, in], and biases.
 * @typedef {{ epoch: number, value: number, length: number, layers: { w: number[][], b: number[] }[] }} Gradient
 */

const HEIGHT = 300;
const INPUTS = MEASURES.map((name) => name.replace(/ \(.*/, '').toLowerCase());

/** Where neuron i of so many stands. */
const place = (/** @type {number} */ i, /** @type {number} */ count) => HEIGHT * ((i + 0.5) / count);
const sign = (/** @type {number} */ slope) => (slope > 0 ? 'rises' : 'falls');

/**
 * Lines for weights, and circles for neurons with their biases: how thick they are says how large their derivatives are.
 * @param {Gradient} gradient
 * @param {number} largest
 */
function parts({ layers }, largest) {
  const counts = [layers[0]?.w[0]?.length ?? 0, ...layers.map(({ b }) => b.length)];
  const at = (/** @type {number} */ layer, /** @type {number} */ i) => place(i, counts[layer] ?? 1);
  const weights = layers.flatMap(({ w }, layer) =>
    w.flatMap((row, to) =>
      row.map((slope, from) => ({
        ...{ x: layer, y: at(layer, from), x2: layer + 1, y2: at(layer + 1, to) },
        ...{ width: 0.4 + (8.6 * Math.abs(slope)) / largest, cost: sign(slope) },
      })),
    ),
  );
  const inputs = INPUTS.map((text, i) => ({ x: 0, y: at(0, i), text, align: 'right' }));
  const biases = layers.flatMap(({ b }, layer) =>
    b.map((slope, i) => ({
      ...{ x: layer + 1, y: at(layer + 1, i) },
      ...{ area: 30 + (390 * Math.abs(slope)) / largest, cost: sign(slope) },
      text: layer === layers.length - 1 ? SPECIES[i] : '',
    })),
  );
  return { weights, inputs, biases };
}

/**
 * A network at some times of its training: the thicker, the more the cost changes with that weight or bias.
 * @param {Gradient[]} gradients
 */
export function gradientPlot(gradients) {
  const largest = Math.max(
    ...gradients.flatMap(({ layers }) => layers.flatMap(({ w, b }) => [...w.flat(), ...b])).map(Math.abs),
  );
  const x = { field: 'x', type: 'quantitative', scale: { domain: [-0.08, 2.08], nice: false }, axis: null };
  const y = { field: 'y', type: 'quantitative', scale: { domain: [HEIGHT, 0], zero: false }, axis: null };
  const color = {
    field: 'cost',
    scale: { domain: ['rises', 'falls'], range: [COLOURS.red, COLOURS.blue] },
    legend: { title: 'with it the cost', orient: 'bottom', symbolType: 'stroke', symbolStrokeWidth: 4 },
  };
  const label = (/** @type {'left' | 'right'} */ align) => ({
    mark: { type: 'text', align, dx: align === 'left' ? 13 : -13, fontSize: 11, color: COLOURS.ink },
    encoding: { text: { field: 'text' } },
  });
  const drawn = gradients.map((gradient) => {
    const { weights, inputs, biases } = parts(gradient, largest);
    return {
      title: {
        text: gradient.epoch === 0 ? 'at the start' : `after ${gradient.epoch} epochs`,
        subtitle: `C ${gradient.value.toPrecision(3)}, |∇C| ${gradient.length.toPrecision(2)}`,
        fontSize: 13,
      },
      width: 190,
      height: HEIGHT,
      encoding: { x, y },
      layer: [
        {
          data: { values: weights },
          mark: { type: 'rule', opacity: 0.85, strokeCap: 'round' },
          encoding: {
            x2: { field: 'x2' },
            y2: { field: 'y2' },
            color,
            strokeWidth: { field: 'width', type: 'quantitative', scale: null },
          },
        },
        {
          data: { values: inputs },
          layer: [
            { mark: { type: 'circle', size: 60, opacity: 1, color: '#fff', stroke: COLOURS.ink } },
            label('right'),
          ],
        },
        {
          data: { values: biases },
          layer: [
            {
              mark: { type: 'circle', opacity: 1, stroke: COLOURS.ink },
              encoding: { color, size: { field: 'area', type: 'quantitative', scale: null } },
            },
            label('left'),
          ],
        },
      ],
    };
  });
  return /** @type {import('./svg.mjs').Spec} */ ({
    title: {
      text: 'A network’s gradient',
      subtitle: [
        'Each line is a weight and each circle a bias: the thicker, the more the cross-entropy changes with it.',
        'Descent moves each one the other way. Near the minimum no change of any of them makes much of a difference.',
      ],
    },
    spacing: 12,
    hconcat: drawn,
  });
}

/** A wide line below a thin one, so that paths that coincide are both seen. */
const WIDTHS = [5, 1.3, 2];

/**
 * Costs as shares of what they were at the start, epoch by epoch.
 * @param {{ name: string, costs: number[] }[]} trainings
 */
export function costPlot(trainings) {
  const names = trainings.map(({ name }) => name);
  const colors = { domain: names, range: [COLOURS.sky, COLOURS.ink, COLOURS.red] };
  const ticks = [0, 1, 3, 10, 30, 100, 300];
  return /** @type {import('./svg.mjs').Spec} */ ({
    title: {
      text: 'A network’s cost, epoch by epoch',
      subtitle: 'As a share of the cost at the start; the sum of squares and its mean take the same path.',
    },
    width: 520,
    height: 320,
    encoding: {
      x: {
        ...{ field: 'epoch', type: 'quantitative', title: 'epoch' },
        ...{ scale: { type: 'symlog', nice: false }, axis: { values: ticks, grid: false } },
      },
      y: {
        ...{ field: 'share', type: 'quantitative', title: 'C / C at the start' },
        ...{ scale: { type: 'log', domain: [0.005, 1] }, axis: { format: '~g', values: [0.01, 0.03, 0.1, 0.3, 1] } },
      },
    },
    layer: trainings.map(({ name, costs }, i) => ({
      data: { values: costs.map((cost, epoch) => ({ name, epoch, share: cost / (costs[0] ?? 1) })) },
      mark: { type: 'line', strokeWidth: WIDTHS[i] },
      encoding: {
        color: { field: 'name', scale: colors, legend: { title: null, orient: 'top-right', symbolStrokeWidth: 3 } },
      },
    })),
  });
}
