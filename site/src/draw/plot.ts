import { linear, logarithmic, type Scale, type Span } from './scale';
import { add, set } from './svg';

/** Room for the axes, in CSS pixels; style.css places canvases by it. */
export const MARGIN = { left: 54, right: 18, top: 10, bottom: 38 };

/** What is farther away than this is drawn no farther: browsers lose their way in coordinates that are too large. */
const FAR = 1e5;

export type Point = readonly [x: number, y: number];

export interface Domain {
  x: Span;
  y: Span;
}

interface Look {
  /** What the axes are called. */
  labels: readonly [x: string, y: string];
  /** Are the y axis' decades equally long? Default: false. */
  logarithmicY?: boolean;
}

/** Two axes in a figure, as large as CSS makes it, and what is drawn between them. */
export class Plot {
  readonly svg: SVGSVGElement;
  /** What is drawn in here is cut off at the axes. */
  readonly inside: SVGSVGElement;
  readonly #axes: SVGGElement;
  #size: Point = [0, 0];
  #domain: Domain = { x: [0, 1], y: [0, 1] };
  #x: Scale = linear([0, 1]);
  #y: Scale = linear([0, 1]);

  constructor(
    figure: HTMLElement,
    private readonly look: Look,
  ) {
    this.svg = figure.querySelector('svg') as SVGSVGElement;
    this.#axes = add(this.svg, 'g', { class: 'axes', 'aria-hidden': 'true' });
    this.inside = add(this.svg, 'svg', { x: MARGIN.left, y: MARGIN.top, class: 'inside' });
  }

  get domain(): Domain {
    return this.#domain;
  }

  set domain(domain: Domain) {
    this.#domain = domain;
    this.#x = linear(domain.x);
    this.#y = (this.look.logarithmicY ? logarithmic : linear)(domain.y);
    this.#drawAxes();
  }

  /** Takes the size that the figure has; says whether that is another one. */
  fit(): boolean {
    const { width: clientWidth, height: clientHeight } = this.svg.getBoundingClientRect();
    const size: Point = [clientWidth - MARGIN.left - MARGIN.right, clientHeight - MARGIN.top - MARGIN.bottom];
    if (size[0] <= 0 || (size[0] === this.#size[0] && size[1] === this.#size[1])) return false;
    this.#size = size;
    set(this.svg, { viewBox: `0 0 ${clientWidth} ${clientHeight}` });
    set(this.inside, { width: size[0], height: size[1] });
    this.#drawAxes();
    return true;
  }

  /** Where a point stands inside, in pixels. */
  place([x, y]: Point): Point {
    const [width, height] = this.#size;
    return [near(width * this.#x.share(x)), near(height * (1 - this.#y.share(y)))];
  }

  /** The point under the mouse. */
  pointAt({ clientX, clientY }: { clientX: number; clientY: number }): Point {
    const { left, top } = this.svg.getBoundingClientRect();
    const [width, height] = this.#size;
    const [x, y] = [(clientX - left - MARGIN.left) / width, 1 - (clientY - top - MARGIN.top) / height];
    return [this.#x.value(x), this.#y.value(y)];
  }

  /** A line through points, as a path's `d`. */
  line(points: readonly Point[]): string {
    return points.map((point, i) => `${i ? 'L' : 'M'}${this.place(point).map(tenths).join(' ')}`).join('');
  }

  #drawAxes(): void {
    const [width, height] = this.#size;
    if (width === 0) return;
    this.#axes.replaceChildren();
    const group = add(this.#axes, 'g', { transform: `translate(${MARGIN.left} ${MARGIN.top})` });
    for (const value of this.#x.ticks(Math.max(2, width / 90))) {
      const x = width * this.#x.share(value);
      add(group, 'path', { d: `M${x} 0V${height}` });
      add(group, 'text', { x, y: height + 15, 'text-anchor': 'middle' }).textContent = short(value);
    }
    for (const value of this.#y.ticks(Math.max(3, height / 50))) {
      const y = height * (1 - this.#y.share(value));
      add(group, 'path', { d: `M0 ${y}H${width}` });
      add(group, 'text', { x: -7, y: y + 4, 'text-anchor': 'end' }).textContent = short(value);
    }
    const [xLabel, yLabel] = this.look.labels;
    const title = { class: 'title', 'text-anchor': 'middle' };
    add(group, 'text', { ...title, x: width / 2, y: height + 33 }).textContent = xLabel;
    const turned = { ...title, x: -height / 2, y: -42, transform: 'rotate(-90)' };
    add(group, 'text', turned).textContent = yLabel;
  }
}

const near = (value: number) => Math.max(-FAR, Math.min(FAR, Number.isNaN(value) ? FAR : value));
const tenths = (value: number) => Math.round(value * 10) / 10;

/** A tick's value in few letters. */
function short(value: number): string {
  if (value !== 0 && (Math.abs(value) >= 1e5 || Math.abs(value) < 1e-3))
    return value.toExponential(0).replace('+', '').replace('-', '−');
  return String(Number(value.toPrecision(6))).replace('-', '−');
}
