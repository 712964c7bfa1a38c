import type { Plot, Point } from './plot';
import { add } from './svg';

/** A way of more pixels is a thicket: it is drawn thinner, and below what is clearer. */
const THICKET = 3000;

/** The way of a descent: which line of the style sheet draws it, and whether its end is marked. */
export interface Way {
  look: string;
  points: readonly Point[];
  marked?: boolean;
}

/** Draws ways into a group of a plot, the shorter on top. */
export function drawWays(group: Element, ways: readonly Way[], { plot }: { plot: Plot }): void {
  const measured = ways.map((way) => ({ ...way, length: lengthOf(way.points.map((point) => plot.place(point))) }));
  for (const { look, points, length } of measured.sort((a, b) => b.length - a.length)) {
    const way = add(group, 'g', { class: `way ${look}` });
    const d = plot.line(points);
    if (length <= THICKET) add(way, 'path', { class: 'halo', d });
    add(way, 'path', { class: length > THICKET ? 'thicket' : 'clear', d });
  }
}

const lengthOf = (places: readonly Point[]) =>
  places.reduce((sum, [x, y], i) => {
    const [u, v] = places[i - 1] ?? [x, y];
    return sum + Math.hypot(x - u, y - v);
  }, 0);
