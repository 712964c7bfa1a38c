import type { Point } from './plot';

/** Values on a square grid over a unit square: row after row, y ascending. */
export interface Grid {
  values: ArrayLike<number>;
  /** Values a side. */
  side: number;
}

/** A piece of a contour, in the unit square. */
export type Segment = readonly [Point, Point];

/** Which edges of a cell a contour joins, by the corners above the level: 1, 2, 4, 8 counterclockwise from below left. */
const JOINED: readonly (readonly [number, number])[][] = [
  [],
  [[3, 0]],
  [[0, 1]],
  [[3, 1]],
  [[1, 2]],
  [
    [3, 2],
    [0, 1],
  ],
  [[0, 2]],
  [[3, 2]],
  [[2, 3]],
  [[2, 0]],
  [
    [3, 0],
    [1, 2],
  ],
  [[2, 1]],
  [[1, 3]],
  [[1, 0]],
  [[0, 3]],
  [],
];

const CORNERS: readonly Point[] = [
  [0, 0],
  [1, 0],
  [1, 1],
  [0, 1],
];

/**
 * Where the values cross a level, by marching squares: https://en.wikipedia.org/wiki/Marching_squares. Between two values it
 * is straight.
 */
export function contour({ values, side }: Grid, level: number): Segment[] {
  const segments: Segment[] = [];
  const heights = [0, 0, 0, 0];
  for (let row = 0; row < side - 1; row++) {
    for (let column = 0; column < side - 1; column++) {
      let above = 0;
      CORNERS.forEach(([x, y], corner) => {
        const height = (values[(row + y) * side + column + x] as number) - level;
        heights[corner] = height;
        if (height > 0) above |= 1 << corner;
      });
      // Where high corners stand across from each other, the middle says whether they are joined.
      const isLow = heights.reduce((sum, height) => sum + height) < 0;
      for (const edges of JOINED[isLow ? 15 - above : above] ?? []) {
        const [from, to] = edges.map((edge) => crossing(heights, edge)) as [Point, Point];
        const place = ([x, y]: Point): Point => [(column + x) / (side - 1), (row + y) / (side - 1)];
        segments.push([place(from), place(to)]);
      }
    }
  }
  return segments;
}

/** Where an edge of a cell crosses 0; edge i leads from corner i to the next. */
function crossing(heights: readonly number[], edge: number): Point {
  const next = (edge + 1) % 4;
  const [a, b] = [heights[edge] as number, heights[next] as number];
  const [from, to] = [CORNERS[edge] as Point, CORNERS[next] as Point];
  const share = a / (a - b);
  return [from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])];
}
