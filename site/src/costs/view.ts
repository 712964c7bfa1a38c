import { tensor } from 'downhill';
import { CostChart } from '../draw/chart';
import { CostMap } from '../draw/map';
import { letPick } from '../draw/picker';
import { RULES } from '../optimizers';
import type { Settings } from '../page/form';
import type { Run, View } from '../page/stage';
import { brief, count, exact, hundredths } from '../page/words';
import { COSTS, type CostName } from './functions';
import { type End, racersOf, type Walk, walk } from './race';

/** A height of 0 has no place among decades. */
const LOWEST = 1e-7;

/** Rules of descent that race down a cost. */
export class CostsView implements View {
  readonly #map: CostMap;
  readonly #chart: CostChart;
  readonly #table: HTMLTableSectionElement;
  #cost = '';

  /** @param set sets fields of the form. */
  constructor(section: HTMLElement, set: (settings: Settings) => void) {
    this.#map = new CostMap(section.querySelector('figure.map') as HTMLElement, ['x', 'y']);
    this.#chart = new CostChart(section.querySelector('figure.costs') as HTMLElement, ['step', 'C above its lowest']);
    this.#table = section.querySelector('tbody') as HTMLTableSectionElement;
    letPick(this.#map.plot, { pick: ([x, y]) => set({ x: hundredths(x), y: hundredths(y) }) });
  }

  suit(name: string, { cost }: Settings): Settings | undefined {
    return name === 'cost' ? COSTS[cost as CostName].suits : undefined;
  }

  begin(settings: Settings): Run {
    this.#showCost(settings.cost as CostName);
    const { at, lowest } = COSTS[settings.cost as CostName];
    const [x, y] = [Number(settings.x), Number(settings.y)];
    const height = at(tensor([x]), tensor([y])).item() - lowest;
    let walks: Walk[] = racersOf(settings).map((rule) => ({
      rule,
      points: [[x, y]],
      heights: [height],
      end: undefined,
    }));
    let step = 0;
    return {
      summary: `From (${settings.x}, ${settings.y}), ${count(walks.length, 'rule')} of descent, a step each at a time. Click on the map to begin elsewhere.`,
      draw: () => this.#draw(walks, step),
      train: async (pace) => {
        walks = [];
        for (const rule of racersOf(settings)) walks.push(await walk(rule, settings));
        const last = Math.max(0, ...walks.map(({ points }) => points.length - 1));
        while (!pace.signal.aborted && step < last) if (++step < last) await pace.ready();
        return ending(walks);
      },
    };
  }

  /** Shows a cost's map, if it is another one. */
  #showCost(name: CostName): void {
    if (name === this.#cost) return;
    this.#cost = name;
    const { at, domain, minima, power } = COSTS[name];
    const cost = (x: Float32Array, y: Float32Array) => at(tensor(x), tensor(y)).toTypedArray();
    this.#map.show({ domain, minima: minima as [number, number][], power, cost });
  }

  #draw(walks: readonly Walk[], step: number): void {
    const ways = walks.map(({ rule, points }) => ({ look: rule, points: points.slice(0, step + 1), marked: true }));
    this.#map.draw(ways);
    this.#chart.draw(
      walks.map(({ rule, heights }) => ({
        look: rule,
        points: heights.slice(0, step + 1).map((height, i) => [i, Math.max(LOWEST, height)] as const),
      })),
    );
    this.#table.replaceChildren(...walks.map((walk) => row(walk, step)));
  }
}

const STATES: Readonly<Record<End, string>> = {
  arrived: 'arrived',
  higher: 'in the higher basin',
  diverged: 'diverged',
  tired: 'not arrived',
};

/** How far a walk is at a step: its rule, the step, where it stands, how high. */
function row({ rule, points, heights, end }: Walk, step: number): HTMLTableRowElement {
  const at = Math.min(step, points.length - 1);
  const [x, y] = points[at] as readonly [number, number];
  const state = end && step >= points.length - 1 ? STATES[end] : '';
  const texts = [RULES[rule].name, String(at), exact(x), exact(y), brief(heights[at] as number), state];
  const tr = document.createElement('tr');
  tr.className = rule;
  tr.dataset.rule = rule;
  texts.forEach((text, i) => {
    const cell = document.createElement(i ? 'td' : 'th');
    if (!i) cell.setAttribute('scope', 'row');
    cell.textContent = text;
    tr.append(cell);
  });
  return tr;
}

const NAMED: Readonly<Record<End, [label: string, why: string]>> = {
  arrived: ['Arrived', ''],
  higher: ['In the higher basin', ' There the slope is 0, and descent sees no farther.'],
  diverged: ['Diverged', ' A step went farther up the other side than it came down: try a smaller rate.'],
  tired: ['Not arrived', ' It is slow, circles, or rests where the slope is 0.'],
};

/** Who arrived first, and who did not. */
function ending(walks: readonly Walk[]): string {
  const ends = Object.keys(NAMED) as End[];
  return ends.flatMap((end) => tellOf(walks, end) ?? []).join(' ');
}

function tellOf(walks: readonly Walk[], end: End): string | undefined {
  const some = walks.filter((walk) => walk.end === end).sort((a, b) => a.points.length - b.points.length);
  if (some.length === 0) return undefined;
  const [label, why] = NAMED[end];
  const list = some.map(({ rule, points }) => `${RULES[rule].name} after ${count(points.length - 1, 'step')}`);
  return `${label}: ${list.join(', ')}.${why}`;
}
