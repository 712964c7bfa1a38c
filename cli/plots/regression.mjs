// @ts-check
import { COLOURS } from './svg.mjs';

/**
 * The points, and straight lines through them.
 * @param {{ x: ArrayLike<number>, y: ArrayLike<number>, lines: { name: string, w: number, b: number }[] }} data
 * @returns {import('./svg.mjs').Spec}
 */
export function regressionPlot({ x, y, lines }) {
  const ends = [0, 2];
  return {
    title: { text: 'Mini-batch gradient descent on a linear regression', subtitle: `${x.length} points` },
    width: 560,
    height: 360,
    layer: [
      {
        data: { values: Array.from(x, (value, i) => ({ x: value, y: y[i] })) },
        mark: { type: 'circle', size: 22, opacity: 0.3, color: COLOURS.blue, clip: true },
        encoding: { x: { field: 'x', type: 'quantitative' }, y: { field: 'y', type: 'quantitative' } },
      },
      {
        data: { values: lines.flatMap(({ name, w, b }) => ends.map((x) => ({ name, x, y: w * x + b }))) },
        mark: { type: 'line', strokeWidth: 2.5 },
        encoding: {
          x: { field: 'x', type: 'quantitative', title: 'x', scale: { domain: ends, nice: false } },
          y: { field: 'y', type: 'quantitative', title: 'y' },
          color: {
            field: 'name',
            sort: null,
            scale: { range: [COLOURS.red, COLOURS.ink] },
            legend: { title: null, orient: 'top-left', offset: 8, symbolSize: 500, fillColor: '#ffffffd0', padding: 6 },
          },
          strokeDash: {
            field: 'name',
            sort: null,
            scale: {
              range: [
                [1, 0],
                [6, 4],
              ],
            },
          },
        },
      },
    ],
  };
}
