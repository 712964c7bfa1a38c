import { MARGIN } from '../../../site/src/draw/plot';

/** What somebody does with the page of site/. */
export type Act =
  | { press: string }
  | { set: Record<string, string> }
  /** Clicks a figure between its axes, at shares of its width and height from the upper left. */
  | { click: string; at: readonly [x: number, y: number] }
  | { key: string; on: string }
  /** Waits for a state, or for numbers that the page shows. */
  | { until: string }
  | { shows: Record<string, string> };

/** What the page shows, and what went wrong with it. */
export interface Seen {
  status: string;
  numbers: Record<string, string>;
  rows: string[][];
  address: string;
  /** Letters of what is drawn in each figure, and colours of its canvas. */
  drawn: Record<string, { letters: number; colours: number }>;
  errors: string[];
}

const pause = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));

/** Opens the page at a hash, does what is to be done, and tells what is to be seen. */
export default async function run({ hash, acts }: { hash: string; acts: readonly Act[] }): Promise<Seen> {
  const frame = document.createElement('iframe');
  frame.width = '1000';
  frame.height = '900';
  frame.src = `/site/${hash}`;
  document.body.append(frame);
  const page = () => frame.contentDocument as Document;
  await until(() => page()?.documentElement?.dataset.ready === 'yes');
  const window = frame.contentWindow as Window & typeof globalThis;
  const errors = collectErrors(window);
  const section = () => page().querySelector('section:not([hidden])') as HTMLElement;
  for (const act of acts) await perform(act, { window, section: section() });
  const seen = see(section());
  const alert = page().querySelector('[role="alert"]')?.textContent;
  return { ...seen, address: window.location.hash, errors: alert ? [...errors, alert] : errors };
}

async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + 90_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`Waited in vain for ${holds}`);
    await pause(20);
  }
}

function collectErrors(window: Window & typeof globalThis): string[] {
  const errors: string[] = [];
  for (const level of ['error', 'warn'] as const) window.console[level] = (...words) => errors.push(words.join(' '));
  window.addEventListener('error', ({ message }) => errors.push(message));
  window.addEventListener('unhandledrejection', ({ reason }) => errors.push(String(reason)));
  window.addEventListener('securitypolicyviolation', ({ violatedDirective }) => errors.push(violatedDirective));
  return errors;
}

interface Place {
  window: Window & typeof globalThis;
  section: HTMLElement;
}

async function perform(act: Act, { window, section }: Place): Promise<void> {
  const figure = (name: string) => section.querySelector(`figure.${name} svg`) as SVGSVGElement;
  if ('until' in act) await until(() => section.dataset.state === act.until);
  else if ('shows' in act) {
    const number = (name: string) => section.querySelector(`[data-number="${name}"]`)?.textContent;
    await until(() => Object.entries(act.shows).every(([name, text]) => number(name) === text));
  } else if ('press' in act) section.querySelector<HTMLElement>(`[data-do="${act.press}"]`)?.click();
  else if ('key' in act) figure(act.on).dispatchEvent(new window.KeyboardEvent('keydown', { key: act.key }));
  else if ('set' in act) {
    for (const [name, value] of Object.entries(act.set)) {
      const field = section.querySelector(`[name="${name}"]`) as HTMLInputElement;
      field.value = value;
      field.dispatchEvent(new window.Event('input', { bubbles: true }));
    }
  } else click(figure(act.click), { window, at: act.at });
  // Pictures are drawn in the next frame.
  await pause(50);
}

function click(svg: SVGSVGElement, { window, at: [x, y] }: { window: Place['window']; at: readonly [number, number] }) {
  const { left, right, top, bottom } = svg.getBoundingClientRect();
  const clientX = left + MARGIN.left + x * (right - left - MARGIN.left - MARGIN.right);
  const clientY = top + MARGIN.top + y * (bottom - top - MARGIN.top - MARGIN.bottom);
  const where = { clientX, clientY, bubbles: true, button: 0, pointerId: 1 };
  const target = svg.ownerDocument.elementFromPoint(clientX, clientY) ?? svg;
  target.dispatchEvent(new window.PointerEvent('pointerdown', where));
  target.dispatchEvent(new window.PointerEvent('pointerup', where));
}

function see(section: HTMLElement): Pick<Seen, 'status' | 'numbers' | 'rows' | 'drawn'> {
  const texts = (elements: Iterable<Element>) => Array.from(elements, ({ textContent }) => textContent ?? '');
  const numbers = [...section.querySelectorAll<HTMLElement>('[data-number]')];
  return {
    status: section.querySelector('[role="status"]')?.textContent ?? '',
    numbers: Object.fromEntries(numbers.map(({ dataset, textContent }) => [dataset.number, textContent ?? ''])),
    rows: Array.from(section.querySelectorAll('tbody tr'), (row) => texts(row.children)),
    drawn: Object.fromEntries(
      [...section.querySelectorAll('figure')].map((figure) => [
        figure.className,
        { letters: figure.querySelector('svg')?.innerHTML.length ?? 0, colours: coloursOf(figure) },
      ]),
    ),
  };
}

function coloursOf(figure: HTMLElement): number {
  const canvas = figure.querySelector('canvas');
  const data = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data;
  return new Set(data && new Uint32Array(data.buffer)).size;
}
