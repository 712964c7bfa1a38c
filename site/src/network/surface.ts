import type { Tensor } from 'downhill';
import { contour } from '../draw/contours';
import { Plot, type Point } from '../draw/plot';
import { linear } from '../draw/scale';
import { shade } from '../draw/shade';
import { add, set } from '../draw/svg';
import { DOMAIN } from './training';

/** Points of two classes on what a network makes of the plane. */
export class DecisionSurface {
  readonly #plot: Plot;
  readonly #canvas: HTMLCanvasElement;
  readonly #boundary: SVGPathElement;
  readonly #dots: SVGGElement;
  #points: readonly Point[] = [];

  constructor(figure: HTMLElement) {
    this.#plot = new Plot(figure, { labels: ['x₁', 'x₂'] });
    this.#plot.domain = DOMAIN;
    this.#canvas = figure.querySelector('canvas') as HTMLCanvasElement;
    this.#dots = add(this.#plot.inside, 'g', { class: 'dots' });
    this.#boundary = add(this.#plot.inside, 'path', { class: 'boundary' });
  }

  show({ x, y }: { x: Tensor; y: Tensor }): void {
    const [places, classes] = [x.toTypedArray(), y.toTypedArray()];
    this.#points = Array.from(classes, (_, i): Point => [places[2 * i] as number, places[2 * i + 1] as number]);
    this.#dots.replaceChildren();
    for (const side of classes) {
      // Form tells the classes apart where colour does not.
      if (side > 0) add(this.#dots, 'circle', { class: 'first', r: 4 });
      else add(this.#dots, 'path', { class: 'second', d: 'M-4 -4H4V4H-4Z' });
    }
    this.#place();
  }

  /** @param values how sure the network is, -1 to 1, on a grid over the plane. */
  draw(values: Float32Array): void {
    if (this.#plot.fit()) this.#place();
    shade(this.#canvas, values, (value) => [
      value > 0 ? '--first' : '--second',
      0.12 + 0.5 * Math.min(1, Math.abs(value)),
    ]);
    const [x, y] = [linear(DOMAIN.x), linear(DOMAIN.y)];
    const segments = contour({ values, side: Math.sqrt(values.length) }, 0);
    const d = segments.map((ends) => this.#plot.line(ends.map(([u, v]) => [x.value(u), y.value(v)]))).join('');
    set(this.#boundary, { d });
  }

  #place(): void {
    [...this.#dots.children].forEach((dot, i) => {
      const [x, y] = this.#plot.place(this.#points[i] as Point);
      set(dot, { transform: `translate(${x} ${y})` });
    });
  }
}
