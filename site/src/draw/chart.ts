import { Plot } from './plot';
import { roundUp, type Span } from './scale';
import { add } from './svg';
import { drawWays, type Way } from './ways';

/** Costs over the course of trainings; decades are equally high. */
export class CostChart {
  readonly #plot: Plot;
  readonly #lines: SVGGElement;
  /** A cost to reach: a line across. */
  goal: number | undefined;

  constructor(figure: HTMLElement, labels: readonly [x: string, y: string]) {
    this.#plot = new Plot(figure, { labels, logarithmicY: true });
    this.#lines = add(this.#plot.inside, 'g', { class: 'ways' });
  }

  draw(curves: readonly Way[]): void {
    this.#plot.fit();
    const all = curves.flatMap(({ points }) => points).filter(([, cost]) => cost > 0 && cost < 1e30);
    const end = roundUp(Math.max(10, ...all.map(([x]) => x)));
    const costs = all.map(([, cost]) => cost);
    this.#plot.domain = { x: [0, end], y: around(this.goal ? [...costs, this.goal] : costs) };
    this.#lines.replaceChildren();
    if (this.goal) {
      const [, y] = this.#plot.place([0, this.goal]);
      add(this.#lines, 'path', { class: 'goal', d: `M0 ${y}H9999` });
    }
    const shown = curves.map((curve) => ({ ...curve, points: curve.points.filter(([, cost]) => cost > 0) }));
    drawWays(this.#lines, shown, { plot: this.#plot });
  }
}

/** A span of costs with some room, of a quarter of a decade at least. */
function around(costs: readonly number[]): Span {
  const lowest = costs.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const highest = costs.reduce((a, b) => Math.max(a, b), 0);
  return highest > 0 ? [lowest / 1.3, highest * 1.3] : [0.1, 1];
}
