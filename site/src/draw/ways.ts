import type { Plot, Point } from './plot';
import { add } from './svg';

/** More points make a thicket: it is drawn thinner, and below what is clearer. */
const MANY = 300;

/** The way of a descent: which line of the style sheet draws it, and whether its end is marked. */
export interface Way {
  look: string;
  points: readonly Point[];
  marked?: boolean;
}

/** Draws ways into a group of a plot, those of few points on top. */
export function drawWays(group: Element, ways: readonly Way[], { plot }: { plot: Plot }): void {
  for (const { look, points } of [...ways].sort((a, b) => b.points.length - a.points.length)) {
    const way = add(group, 'g', { class: `way ${look}` });
    const d = plot.line(points);
    if (points.length <= MANY) add(way, 'path', { class: 'halo', d });
    add(way, 'path', { class: points.length > MANY ? 'many' : 'few', d });
  }
}
