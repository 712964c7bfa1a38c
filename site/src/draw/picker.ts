import type { Plot, Point } from './plot';
import { linear } from './scale';
import { add, set } from './svg';

/** What can be done at a point of a plot; `touched` is the element under the mouse. */
export interface Picks {
  /** Pressed, or Enter or the space bar. */
  pick(point: Point, touched?: Element): void;
  /** Moved while pressed. */
  drag?(point: Point): void;
  /** Let go; `moved` tells whether it was dragged. */
  drop?(moved: boolean): void;
  /** Delete or Backspace. */
  remove?(point: Point): void;
}

const ARROWS: Readonly<Record<string, Point>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowDown: [0, -1],
  ArrowUp: [0, 1],
};
/** Of the axis, for a press of an arrow. */
const STRIDE = 0.02;

/** Lets a mouse, a finger or the keyboard pick points of a plot. */
export function letPick(plot: Plot, picks: Picks): void {
  pickByPointer(plot, picks);
  pickByKeyboard(plot, picks);
}

function pickByPointer(plot: Plot, picks: Picks): void {
  let pressed: Point | undefined;
  let moved = false;
  plot.svg.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    pressed = [event.clientX, event.clientY];
    moved = false;
    picks.pick(plot.pointAt(event), event.target as Element);
  });
  // What is pressed may be let go elsewhere.
  addEventListener('pointermove', (event) => {
    if (!pressed) return;
    moved ||= Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]) > 3;
    if (moved) picks.drag?.(plot.pointAt(event));
  });
  const end = () => {
    if (pressed) picks.drop?.(moved);
    pressed = undefined;
  };
  addEventListener('pointerup', end);
  addEventListener('pointercancel', end);
}

function pickByKeyboard(plot: Plot, { pick, drop, remove }: Picks): void {
  /** Where the mark stands, as shares of the axes. */
  let mark: Point = [0.5, 0.5];
  const cross = add(plot.inside, 'g', { class: 'crosshair', 'aria-hidden': 'true' });
  const point = (): Point => [linear(plot.domain.x).value(mark[0]), linear(plot.domain.y).value(mark[1])];
  const show = () => {
    const [x, y] = plot.place(point());
    set(cross, { transform: `translate(${x} ${y})` });
  };
  set(plot.svg, { role: 'application', tabindex: 0 });
  add(cross, 'path', { d: 'M-14 0h10m8 0h10M0 -14v10m0 8v10' });
  plot.svg.addEventListener('focus', show);
  plot.svg.addEventListener('keydown', (event) => {
    const arrow = ARROWS[event.key];
    if (arrow) mark = mark.map((share, i) => within(share + STRIDE * (arrow[i] as number))) as unknown as Point;
    else if (event.key === 'Enter' || event.key === ' ') {
      pick(point());
      drop?.(true);
    } else if (remove && (event.key === 'Delete' || event.key === 'Backspace')) remove(point());
    else return;
    event.preventDefault();
    show();
  });
}

const within = (share: number) => Math.max(0, Math.min(1, share));
