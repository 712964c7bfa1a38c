// @ts-check
import { COLOURS } from './svg.mjs';

/**
 * Predicted over actual miles per gallon: on the diagonal a prediction is right.
 * @param {{ points: { actual: number, predicted: number, origin: string }[], origins: string[], r2: number }} data
 * @returns {import('./svg.mjs').Spec}
 */
export function carsPlot({ points, origins, r2 }) {
  const ends = [5, 50];
  const scale = { domain: ends, nice: false };
  return {
    title: {
      text: 'Miles per gallon, predicted by a linear model',
      subtitle: `${points.length} cars that it was not trained on; R² = ${r2.toFixed(3)}`,
    },
    width: 420,
    height: 420,
    layer: [
      {
        data: { values: ends.map((end) => ({ actual: end, predicted: end })) },
        mark: { type: 'line', color: COLOURS.faint, strokeDash: [6, 4] },
        encoding: {
          x: { field: 'actual', type: 'quantitative', title: 'actual (miles per gallon)', scale },
          y: { field: 'predicted', type: 'quantitative', title: 'predicted (miles per gallon)', scale },
        },
      },
      {
        data: { values: points },
        mark: { type: 'point', filled: true, size: 55, opacity: 0.75 },
        encoding: {
          x: { field: 'actual', type: 'quantitative' },
          y: { field: 'predicted', type: 'quantitative' },
          color: {
            field: 'origin',
            scale: { domain: origins, range: [COLOURS.blue, COLOURS.orange, COLOURS.green] },
            legend: { title: 'built in', orient: 'bottom-right', offset: 10, symbolSize: 70 },
          },
          shape: { field: 'origin', scale: { domain: origins, range: ['circle', 'square', 'triangle-up'] } },
        },
      },
    ],
  };
}
