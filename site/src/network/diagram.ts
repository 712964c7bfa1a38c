import type { Point } from '../draw/plot';
import { shade } from '../draw/shade';
import { add, set } from '../draw/svg';
import { brief } from '../page/words';
import type { LayerNumbers } from './training';

/** What a network's drawing shows. */
export interface Shown {
  layers: readonly LayerNumbers[];
  gradient: readonly LayerNumbers[];
  /** Do the lines show derivatives, not weights? */
  slopes: boolean;
  /** A number that is drawn as thick as can be. */
  scale: number;
  /** What each hidden neuron answers over the plane. */
  neurons: readonly (readonly Float32Array[])[];
}

const [THINNEST, THICKEST] = [0.5, 8];
const LARGEST = 40;
const EDGE = { left: 34, right: 34 };

/** A network as circles and lines. */
export class Diagram {
  readonly #svg: SVGSVGElement;
  readonly #canvas: HTMLCanvasElement;
  readonly #tile = document.createElement('canvas');
  readonly #lines: SVGGElement;
  readonly #nodes: SVGGElement;
  #shown: Shown | undefined;
  #sizes = '';

  constructor(figure: HTMLElement) {
    this.#svg = figure.querySelector('svg') as SVGSVGElement;
    this.#canvas = figure.querySelector('canvas') as HTMLCanvasElement;
    this.#lines = add(this.#svg, 'g', { class: 'weights' });
    this.#nodes = add(this.#svg, 'g', { class: 'neurons' });
    this.#lines.addEventListener('pointerover', ({ target }) => this.#name(target as Element));
  }

  draw(shown: Shown): void {
    this.#shown = shown;
    this.#build(shown);
    const { slopes, layers, gradient, scale } = shown;
    const numbers = (slopes ? gradient : layers).flatMap(({ weights }) => [...weights]);
    [...this.#lines.children].forEach((line, i) => {
      set(line, lookOf(numbers[i] as number, scale));
    });
    const biases = (slopes ? gradient : layers).flatMap((layer) => [...layer.biases]);
    const circles = this.#nodes.querySelectorAll('.bias');
    circles.forEach((circle, i) => {
      const { 'stroke-width': thickness, ...look } = lookOf(biases[i] as number, scale);
      set(circle, { class: `bias ${look.class}`, r: 2 + thickness / 2 });
    });
    this.#paintNeurons(shown);
  }

  /** Lays lines and nodes out, if the network or the figure have another size. */
  #build({ layers }: Shown): void {
    const counts = [2, ...layers.map(({ biases }) => biases.length)];
    const { width, height } = this.#svg.getBoundingClientRect();
    const sizes = [width, height, ...counts].join();
    if (sizes === this.#sizes || width === 0) return;
    this.#sizes = sizes;
    set(this.#svg, { viewBox: `0 0 ${width} ${height}` });
    const at = placesFor(counts, { width, height });
    const reach = sideFor(counts, { width, height }) / 2;
    this.#lines.replaceChildren();
    layers.forEach((_, layer) => {
      for (let to = 0; to < (counts[layer + 1] as number); to++) {
        for (let from = 0; from < (counts[layer] as number); from++) {
          const [[x1, y1], [x2, y2]] = [at(layer, from), at(layer + 1, to)];
          add(this.#lines, 'line', { x1: x1 + reach, y1, x2: x2 - reach, y2 });
        }
      }
    });
    this.#buildNodes(counts, at);
  }

  #buildNodes(counts: readonly number[], at: (layer: number, i: number) => Point): void {
    const side = sideFor(counts, this.#svg.getBoundingClientRect());
    this.#nodes.replaceChildren();
    counts.forEach((count, layer) => {
      for (let i = 0; i < count; i++) {
        const [x, y] = at(layer, i);
        const isHidden = layer > 0 && layer < counts.length - 1;
        if (isHidden) add(this.#nodes, 'rect', { x: x - side / 2, y: y - side / 2, width: side, height: side, rx: 3 });
        else add(this.#nodes, 'circle', { cx: x, cy: y, r: side / 2 });
        if (layer > 0) add(this.#nodes, 'circle', { class: 'bias', cx: x - side / 2, cy: y });
        if (isHidden) continue;
        add(this.#nodes, 'text', { x, y: y + 4 }).textContent = layer === 0 ? (['x₁', 'x₂'][i] as string) : 'f';
      }
    });
  }

  #paintNeurons({ neurons, layers }: Shown): void {
    const counts = [2, ...layers.map(({ biases }) => biases.length)];
    const { width, height } = this.#svg.getBoundingClientRect();
    const fine = devicePixelRatio;
    this.#canvas.width = width * fine;
    this.#canvas.height = height * fine;
    const context = this.#canvas.getContext('2d') as CanvasRenderingContext2D;
    const side = sideFor(counts, { width, height }) * fine;
    const at = placesFor(counts, { width, height });
    neurons.forEach((layer, l) => {
      layer.forEach((values, i) => {
        shade(this.#tile, values, (value) => [value > 0 ? '--first' : '--second', Math.min(1, Math.abs(value)) * 0.8]);
        const [x, y] = at(l + 1, i);
        context.drawImage(this.#tile, x * fine - side / 2, y * fine - side / 2, side, side);
      });
    });
  }

  /** Names a weight and its derivative when it is pointed at. */
  #name(line: Element): void {
    if (!this.#shown || line.localName !== 'line') return;
    const index = [...this.#lines.children].indexOf(line);
    const [weight, slope] = [this.#shown.layers, this.#shown.gradient].map(
      (layers) => layers.flatMap(({ weights }) => [...weights])[index] as number,
    );
    line.replaceChildren();
    add(line, 'title').textContent = `w = ${brief(weight as number)}, ∂C/∂w = ${brief(slope as number)}`;
  }
}

interface Size {
  width: number;
  height: number;
}

/** How large a hidden neuron is drawn. */
const sideFor = (counts: readonly number[], { width, height }: Size) =>
  Math.min(LARGEST, (0.8 * height) / Math.max(...counts), (0.5 * width) / counts.length);

/** Where the neurons of layers of these sizes stand. */
function placesFor(counts: readonly number[], { width, height }: Size): (layer: number, i: number) => Point {
  const gap = (width - EDGE.left - EDGE.right) / (counts.length - 1);
  return (layer, i) => [EDGE.left + layer * gap, (height * (i + 0.5)) / (counts[layer] as number)];
}

/** The thicker, the larger the number. */
function lookOf(value: number, scale: number): { class: string; 'stroke-width': number } {
  const share = Math.min(1, Math.abs(value) / scale || 0);
  return { class: value < 0 ? 'negative' : 'positive', 'stroke-width': THINNEST + (THICKEST - THINNEST) * share };
}
