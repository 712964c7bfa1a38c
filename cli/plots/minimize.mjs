// @ts-check
import { COLOURS } from './svg.mjs';

/** @typedef {import('../jobs/minimize.mjs').Point} Point */

/**
 * Curves side by side, each through its points.
 * @param {{ name: string, formula: string, found: number[], points: { t: number, y: number, fit: number }[] }[]} curves
 */
export function curvesPlot(curves) {
  return /** @type {import('./svg.mjs').Spec} */ ({
    title: { text: 'Curves fitted by minimize', subtitle: 'Points with noise, and the curve of least squares.' },
    resolve: { scale: { y: 'shared' } },
    hconcat: curves.map(({ name, formula, found, points }) => ({
      title: { text: `${name}: ${formula}`, subtitle: found.map((v) => v.toFixed(3)).join(', '), fontSize: 13 },
      width: 360,
      height: 260,
      data: { values: points },
      encoding: { x: { field: 't', type: 'quantitative', title: 't' } },
      layer: [
        {
          mark: { type: 'circle', size: 26, opacity: 0.45, color: COLOURS.blue },
          encoding: { y: { field: 'y', type: 'quantitative', title: 'y' } },
        },
        {
          mark: { type: 'line', strokeWidth: 2.5, color: COLOURS.red },
          encoding: { y: { field: 'fit', type: 'quantitative' } },
        },
      ],
    })),
  });
}

const DOMAIN = { x: [-1.5, 1.5], y: [-0.4, 1.7] };
const LEVELS = [0.03, 0.25, 1, 4, 16, 64, 256];
/** Wide and pale below, thin and dark above, so that paths that coincide are all seen. */
const PATHS = [
  { color: COLOURS.sky, width: 6 },
  { color: COLOURS.orange, width: 1.6 },
  { color: COLOURS.ink, width: 1.3 },
];

/** The closed line (1 - x)² + 100 (y - x²)² = cost: 1 - x and 10 (y - x²) are the sides of a circle. */
function contour(/** @type {number} */ cost) {
  const radius = Math.sqrt(cost);
  const angles = Math.round(120 + 30 * radius);
  return Array.from({ length: angles + 1 }, (_, order) => {
    const angle = (2 * Math.PI * order) / angles;
    const x = 1 - radius * Math.cos(angle);
    return { x: rounded(x), y: rounded(x * x + (radius * Math.sin(angle)) / 10), cost, order };
  });
}

const rounded = (/** @type {number} */ value) => Math.round(value * 1e4) / 1e4;

/**
 * Ways down Rosenbrock's valley over its contours.
 * @param {{ name: string, steps: number, path: Point[] }[]} ways
 */
export function valleyPlot(ways) {
  const names = ways.map(({ name, steps }) => `${name} (${steps} steps)`);
  const order = { field: 'order', type: 'quantitative' };
  const axis = (/** @type {'x' | 'y'} */ field) => ({
    field,
    type: 'quantitative',
    title: field,
    scale: { domain: DOMAIN[field], nice: false },
    axis: { tickCount: 6, grid: false },
  });
  return /** @type {import('./svg.mjs').Spec} */ ({
    title: {
      text: 'Three ways down Rosenbrock’s valley',
      subtitle: [
        '(1 - x)² + 100 (y - x²)², from (-1.2, 1) to a cost below 0.000001.',
        `Contours at ${LEVELS.join(', ')}.`,
      ],
    },
    width: 560,
    height: 400,
    encoding: { x: axis('x'), y: axis('y') },
    layer: [
      {
        data: { values: LEVELS.flatMap(contour) },
        mark: { type: 'line', strokeWidth: 1, color: COLOURS.faint, clip: true },
        encoding: { order, detail: { field: 'cost' } },
      },
      ...ways.map(({ path }, i) => ({
        data: { values: path.map(({ x, y }, n) => ({ x: rounded(x), y: rounded(y), order: n, name: names[i] })) },
        mark: { type: 'line', clip: true, strokeJoin: 'round', strokeWidth: PATHS[i]?.width },
        encoding: {
          order,
          color: {
            field: 'name',
            scale: { domain: names, range: PATHS.map(({ color }) => color) },
            legend: { title: null, orient: 'bottom', symbolSize: 400, symbolStrokeWidth: 3 },
          },
        },
      })),
      {
        data: { values: [{ x: 1, y: 1, text: 'minimum' }] },
        layer: [
          {
            mark: {
              type: 'point',
              shape: 'cross',
              filled: true,
              size: 90,
              opacity: 1,
              color: '#fff',
              stroke: COLOURS.ink,
            },
          },
          {
            mark: { type: 'text', dx: 10, dy: 12, align: 'left', fontSize: 12 },
            encoding: { text: { field: 'text' } },
          },
        ],
      },
    ],
  });
}
