import type { Point } from './plot';

/** So many points are drawn of a trail at the most. */
const MOST = 4000;

/** Points in the order in which they were passed, thinned out where they become too many to draw. */
export class Trail {
  #points: Point[] = [];
  #stride = 1;
  #passed = 0;
  #last: Point | undefined;

  constructor(...points: Point[]) {
    for (const point of points) this.pass(point);
  }

  pass(point: Point): void {
    this.#last = point;
    if (this.#passed++ % this.#stride !== 0) return;
    this.#points.push(point);
    if (this.#points.length < MOST) return;
    this.#points = this.#points.filter((_, i) => i % 2 === 0);
    this.#stride *= 2;
  }

  /** The points to draw, the last one passed at their end. */
  get points(): Point[] {
    const { length } = this.#points;
    return this.#last && this.#points[length - 1] !== this.#last ? [...this.#points, this.#last] : this.#points;
  }

  get last(): Point | undefined {
    return this.#last;
  }
}
