import { CostChart } from '../draw/chart';
import { CostMap } from '../draw/map';
import { letPick } from '../draw/picker';
import type { Domain, Point } from '../draw/plot';
import type { Way } from '../draw/ways';
import type { Settings } from '../page/form';
import type { Run, View } from '../page/stage';
import { brief, exact, fingerprint, hundredths, tell } from '../page/words';
import { LineDescent } from './descent';
import { pointsOf, written } from './points';
import { Scatter } from './scatter';
import { diverged, ending, limit, moved, summary, title } from './words';

/** So many earlier descents are shown. */
const KEPT = 3;

/** Descents of a line through points, beside their ways down the cost surface. */
export class LineView implements View {
  readonly #scatter: Scatter;
  readonly #map: CostMap;
  readonly #chart: CostChart;
  /** The points whose cost the map shows. */
  #shown = '';
  #descent: LineDescent | undefined;
  /** What went before, the last first. */
  #earlier: LineDescent[] = [];

  /** @param set sets fields of the form. */
  constructor(
    private readonly section: HTMLElement,
    set: (settings: Settings) => void,
  ) {
    const figure = (name: string) => section.querySelector(`figure.${name}`) as HTMLElement;
    this.#scatter = new Scatter(figure('points'), (points) => set({ drawn: written(points) }));
    this.#map = new CostMap(figure('map'), ['slope w', 'intercept b']);
    this.#chart = new CostChart(figure('costs'), ['epoch', 'cost C of all points']);
    letPick(this.#map.plot, { pick: ([w, b]) => set({ w: hundredths(w), b: hundredths(b) }) });
    const on = (name: string, press: () => void) =>
      section.querySelector(`button[data-do="${name}"]`)?.addEventListener('click', press);
    on('undraw', () => set({ drawn: '' }));
    on('forget', () => {
      this.#earlier = [];
      this.#draw();
    });
  }

  /** Who asks for other points does not want those drawn by hand. */
  suit(name: string): Settings | undefined {
    return name === 'points' || name === 'noise' ? { drawn: '' } : undefined;
  }

  begin(settings: Settings): Run {
    const points = pointsOf(settings);
    if (this.#descent && this.#descent.updates > 0) this.#earlier = [this.#descent, ...this.#earlier].slice(0, KEPT);
    const descent = new LineDescent(settings, points);
    this.#descent = descent;
    this.#showSurface(descent, written(points));
    return {
      summary: summary(descent),
      train: async (pace) => {
        await descent.train(pace);
        return ending(descent);
      },
      draw: () => this.#draw(),
      diverged: () => diverged(descent),
    };
  }

  /** Shows points and their cost, if they are others than before. */
  #showSurface({ surface, points }: LineDescent, shown: string): void {
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#chart.goal = surface.minimum;
    this.#earlier = [];
    this.#scatter.points = points;
    const { w, b } = surface.optimum;
    this.#map.show({
      domain: domainAbout([Number.isFinite(w) ? w : 0, Number.isFinite(b) ? b : 0]),
      minima: Number.isFinite(w) ? [[w, b]] : [],
      power: 2.5,
      cost: (ws, bs) => ws.map((at, i) => surface.cost({ w: at, b: bs[i] as number })),
    });
  }

  #draw(): void {
    const descent = this.#descent as LineDescent;
    this.#scatter.draw(descent.line);
    const ways = (of: (descent: LineDescent) => readonly Point[]): Way[] => [
      ...this.#earlier.map((earlier, i) => ({ look: `earlier-${i + 1}`, points: of(earlier) })).reverse(),
      { look: 'current', points: of(descent), marked: true },
    ];
    this.#map.draw(ways(({ path }) => path.points));
    this.#chart.draw(ways(({ costs }) => costs.points));
    this.#tell(descent);
    this.#drawLegend(descent);
  }

  #tell(descent: LineDescent): void {
    const { line, updates, updatesPerEpoch, surface, cost } = descent;
    const { optimum, minimum } = surface;
    tell(this.section, {
      epoch: String(Math.floor(updates / updatesPerEpoch)),
      update: String(updates),
      cost: brief(cost),
      w: exact(line.w),
      b: exact(line.b),
      'w-moved': moved('w', descent),
      'b-moved': moved('b', descent),
      lowest: Number.isFinite(optimum.w)
        ? `${brief(minimum)} at w = ${brief(optimum.w)}, b = ${brief(optimum.b)}`
        : 'all along a line: the points have one x, and many lines fit them alike',
      limit: brief(limit(descent)),
      bits: fingerprint([Float32Array.of(line.w, line.b)]),
    });
  }

  #drawLegend(descent: LineDescent): void {
    const names = [title(descent), ...this.#earlier.map(title)];
    const legend = this.section.querySelector('ul.legend') as HTMLElement;
    if (legend.dataset.names === names.join()) return;
    legend.dataset.names = names.join();
    legend.replaceChildren(
      ...names.map((name, i) => {
        const item = document.createElement('li');
        item.className = i ? `earlier-${i}` : 'current';
        item.textContent = name;
        return item;
      }),
    );
  }
}

/** Part of the plane that shows a minimum and the beginning at (0, 0). */
function domainAbout([w, b]: Point): Domain {
  const span = (value: number): [number, number] => [Math.min(0, value) - 2.5, Math.max(0, value) + 3.5];
  return { x: span(w), y: span(b) };
}
