import type { Tensor } from 'downhill';
import { rosenbrock } from 'downhill-cli/data/rosenbrock.mjs';
import type { Domain, Point } from '../draw/plot';

/** A cost of two parameters, and how it is shown. */
interface Cost {
  /** Element by element, so that one call gives a whole map. */
  at(x: Tensor, y: Tensor): Tensor;
  minima: readonly Point[];
  /** The cost at the lowest of them. */
  lowest: number;
  domain: Domain;
  /** How much closer together contours are near the minimum; see Landscape. */
  power: number;
  /** Settings with which it is worth watching. */
  suits: { x: string; y: string; rate: string; adaptive: string };
}

const square: Domain = { x: [-2.4, 2.4], y: [-2, 2] };

/** The costs that the form names. */
export const COSTS = {
  bowl: {
    at: (x, y) => x.square().add(y.square()).mul(0.5),
    minima: [[0, 0]],
    lowest: 0,
    domain: square,
    power: 2,
    suits: { x: '-2', y: '1.5', rate: '0.1', adaptive: '0.1' },
  },
  valley: {
    at: (x, y) => x.square().add(y.square().mul(25)).mul(0.5),
    minima: [[0, 0]],
    lowest: 0,
    domain: square,
    power: 3,
    suits: { x: '-2', y: '1', rate: '0.07', adaptive: '0.1' },
  },
  rosenbrock: {
    at: rosenbrock,
    minima: [[1, 1]],
    lowest: 0,
    domain: { x: [-1.8, 1.8], y: [-0.8, 2.2] },
    power: 5,
    suits: { x: '-1.2', y: '1', rate: '0.001', adaptive: '0.02' },
  },
  // A saddle at (0, 0), with a minimum on either side.
  saddle: {
    at: (x, y) => x.square().sub(y.square()).mul(0.5).add(y.square().square().mul(0.25)),
    minima: [
      [0, 1],
      [0, -1],
    ],
    lowest: -0.25,
    domain: square,
    power: 2,
    suits: { x: '-2', y: '0.01', rate: '0.1', adaptive: '0.05' },
  },
  // (x² - 1)² + y² tilted by x / 3: both basins' lowest points are roots of 4 x³ - 4 x + 1/3.
  basins: {
    at: (x, y) => x.square().sub(1).square().add(y.square()).add(x.div(3)),
    minima: [
      [-1.0393175, 0],
      [0.955393, 0],
    ],
    lowest: -0.3400102,
    domain: square,
    power: 2.5,
    suits: { x: '0.3', y: '1.6', rate: '0.05', adaptive: '0.05' },
  },
} satisfies Record<string, Cost>;

export type CostName = keyof typeof COSTS;
