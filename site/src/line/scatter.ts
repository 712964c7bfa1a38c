import type { Line } from 'downhill-cli/data/line.mjs';
import { letPick } from '../draw/picker';
import { Plot, type Point } from '../draw/plot';
import { add, set } from '../draw/svg';
import { DOMAIN } from './points';

/** With fewer points there is no line to find. */
const FEWEST = 2;

/** Points that can be added, moved and removed, with a line through them. */
export class Scatter {
  readonly plot: Plot;
  readonly #errors: SVGPathElement;
  readonly #dots: SVGGElement;
  readonly #line: SVGPathElement;
  #points: readonly Point[] = [];
  /** The number of the point that is held, and whether it was there before. */
  #held: { index: number; isNew: boolean } | undefined;

  /** @param changed called with the points when somebody changed them. */
  constructor(
    figure: HTMLElement,
    private readonly changed: (points: readonly Point[]) => void,
  ) {
    this.plot = new Plot(figure, { labels: ['x', 'y'] });
    this.plot.domain = DOMAIN;
    this.#errors = add(this.plot.inside, 'path', { class: 'errors' });
    this.#dots = add(this.plot.inside, 'g', { class: 'dots' });
    this.#line = add(this.plot.inside, 'path', { class: 'line' });
    letPick(this.plot, {
      pick: (point, touched) => this.#take(point, touched),
      drag: (point) => this.#move(point),
      drop: (moved) => this.#drop(moved),
      remove: (point) => this.#remove(this.#nearest(point)),
    });
  }

  set points(points: readonly Point[]) {
    this.#points = points;
    // A dot that is being dragged has to stay.
    for (let i = this.#dots.childElementCount; i < points.length; i++)
      add(this.#dots, 'circle', { r: 4.5, 'data-index': i });
    while (this.#dots.childElementCount > points.length) this.#dots.lastElementChild?.remove();
    this.#placeDots();
  }

  draw(line: Line): void {
    if (this.plot.fit()) this.#placeDots();
    const at = (x: number): Point => [x, line.w * x + line.b];
    set(this.#line, { d: this.plot.line(DOMAIN.x.map(at)) });
    set(this.#errors, { d: this.#points.map((point) => this.plot.line([point, at(point[0])])).join('') });
  }

  #placeDots(): void {
    [...this.#dots.children].forEach((dot, i) => {
      const [cx, cy] = this.plot.place(this.#points[i] as Point);
      set(dot, { cx, cy });
    });
  }

  #take(point: Point, touched?: Element): void {
    const index = touched?.getAttribute('data-index');
    this.#held = index ? { index: Number(index), isNew: false } : { index: this.#points.length, isNew: true };
    if (this.#held.isNew) this.changed([...this.#points, point]);
  }

  #move(point: Point): void {
    const { index } = this.#held ?? {};
    const [x, y] = point.map((value, i) => within(value, i ? DOMAIN.y : DOMAIN.x)) as [number, number];
    this.changed(this.#points.map((other, i) => (i === index ? [x, y] : other)));
  }

  #drop(moved: boolean): void {
    const held = this.#held;
    this.#held = undefined;
    if (held && !held.isNew && !moved) this.#remove(held.index);
  }

  #remove(index: number): void {
    if (this.#points.length > FEWEST) this.changed(this.#points.filter((_, i) => i !== index));
  }

  #nearest(point: Point): number {
    const place = this.plot.place(point);
    const distances = this.#points.map((other) => distance(this.plot.place(other), place));
    return distances.indexOf(Math.min(...distances));
  }
}

const within = (value: number, [from, to]: Point) => Math.max(from, Math.min(to, value));
const distance = (a: Point, b: Point) => Math.hypot(a[0] - b[0], a[1] - b[1]);
