import { tensor } from 'downhill';
import { noisyLine } from 'downhill-cli/data/line.mjs';
import type { Point } from '../draw/plot';
import type { Settings } from '../page/form';
import { hundredths } from '../page/words';

/** What the plot shows. */
export const DOMAIN = { x: [0, 2], y: [-1, 11] } as const;

/** Points as an address has them: "0.5,2.25 1.75,8". */
export const written = (points: readonly Point[]) => points.map((point) => point.map(hundredths).join()).join(' ');

/** The points of the settings: drawn by hand, or of a line with noise. */
export function pointsOf({ drawn = '', points, noise, seed }: Settings): Point[] {
  const byHand = drawn.split(' ').map((pair) => pair.split(',').map(Number));
  const valid = byHand.filter((pair) => pair.length === 2 && pair.every(Number.isFinite)) as unknown as Point[];
  if (valid.length >= 2) return valid;
  const { x, y } = noisyLine({ points: Number(points), seed: Number(seed), noise: Number(noise) });
  const [xs, ys] = [x.toTypedArray(), y.toTypedArray()];
  return Array.from(xs, (value, i): Point => [value, ys[i] as number]);
}

/** Points as columns of a dataset. */
export function columns(points: readonly Point[]) {
  const column = (axis: 0 | 1) => tensor(points.map((point) => [point[axis]]));
  return { x: column(0), y: column(1) };
}
