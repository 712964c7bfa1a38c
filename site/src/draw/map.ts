import { contour } from './contours';
import { type Domain, Plot, type Point } from './plot';
import { linear } from './scale';
import { shade } from './shade';
import { add } from './svg';
import { drawWays, type Way } from './ways';

const SIDE = 96;
const LEVELS = 12;
/** How strong the colour is where the cost is lowest. */
const DEEPEST = 0.55;

/** A cost over two parameters. */
export interface Landscape {
  domain: Domain;
  /** The cost at points, given by all their x and all their y. */
  cost(x: Float32Array, y: Float32Array): ArrayLike<number>;
  /** Where it is lowest; more than one place is possible. */
  minima: readonly Point[];
  /** From level to level the cost rises by this power: 2 draws a bowl's contours at equal distances. Default: 2. */
  power?: number;
}

/** A cost as a map, with contours, and the ways of descents across it. */
export class CostMap {
  readonly plot: Plot;
  readonly #canvas: HTMLCanvasElement;
  readonly #contours: SVGGElement;
  readonly #minima: SVGGElement;
  readonly #ways: SVGGElement;
  #landscape: Landscape | undefined;
  #heights: ArrayLike<number> = [];

  constructor(figure: HTMLElement, labels: readonly [x: string, y: string]) {
    this.plot = new Plot(figure, { labels });
    this.#canvas = figure.querySelector('canvas') as HTMLCanvasElement;
    this.#contours = add(this.plot.inside, 'g', { class: 'contours' });
    this.#minima = add(this.plot.inside, 'g', { class: 'minima' });
    this.#ways = add(this.plot.inside, 'g', { class: 'ways' });
  }

  /** Shows another cost. */
  show(landscape: Landscape): void {
    this.#landscape = landscape;
    const [x, y] = grid(landscape.domain);
    this.#heights = landscape.cost(x, y);
    this.plot.domain = landscape.domain;
    this.#paint();
  }

  /** Draws ways, the shorter on top. */
  draw(ways: readonly Way[]): void {
    if (this.plot.fit()) this.#paint();
    this.#ways.replaceChildren();
    drawWays(this.#ways, ways, this);
    for (const { look, points, marked } of ways) {
      const last = points[points.length - 1];
      if (!marked || !last) continue;
      const [cx, cy] = this.plot.place(last);
      add(this.#ways, 'circle', { class: `way ${look}`, cx, cy, r: 5 });
    }
  }

  #paint(): void {
    if (!this.#landscape) return;
    const { minima, power = 2 } = this.#landscape;
    const [lowest, highest] = ends(this.#heights);
    const level = (share: number) => lowest + (highest - lowest) * share ** power;
    const steepness = (height: number) => ((height - lowest) / (highest - lowest || 1)) ** (1 / power);
    shade(this.#canvas, this.#heights, (height) => ['--deep', DEEPEST * (1 - steepness(height)) ** 1.5]);
    this.#contours.replaceChildren();
    for (let i = 1; i < LEVELS; i++) {
      const d = this.#outline(level(i / LEVELS));
      if (d) add(this.#contours, 'path', { d });
    }
    this.#minima.replaceChildren();
    for (const minimum of minima) {
      const [x, y] = this.plot.place(minimum);
      add(this.#minima, 'path', { d: `M${x - 6} ${y}H${x + 6}M${x} ${y - 6}V${y + 6}` });
    }
  }

  /** A contour as a path's `d`. */
  #outline(level: number): string {
    const { domain } = this.plot;
    const [x, y] = [linear(domain.x), linear(domain.y)];
    const segments = contour({ values: this.#heights, side: SIDE }, level);
    return segments.map((ends) => this.plot.line(ends.map(([u, v]) => [x.value(u), y.value(v)]))).join('');
  }
}

/** All x and all y of a grid over a domain. */
export function grid(domain: Domain, side = SIDE): [x: Float32Array, y: Float32Array] {
  const [x, y] = [linear(domain.x), linear(domain.y)];
  const at = (value: (i: number) => number) => Float32Array.from({ length: side * side }, (_, i) => value(i));
  return [at((i) => x.value((i % side) / (side - 1))), at((i) => y.value(Math.floor(i / side) / (side - 1)))];
}

function ends(values: ArrayLike<number>): [lowest: number, highest: number] {
  let [lowest, highest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < values.length; i++) {
    lowest = Math.min(lowest, values[i] as number);
    highest = Math.max(highest, values[i] as number);
  }
  return [lowest, highest];
}
