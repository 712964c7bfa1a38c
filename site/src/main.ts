import { configure } from 'downhill';
import { CostsView } from './costs/view';
import { LineView } from './line/view';
import { NetworkView } from './network/view';
import { readAddress, writeAddress } from './page/address';
import { watchFailures } from './page/fail';
import type { Settings } from './page/form';
import { Stage, type View } from './page/stage';

const VIEWS = { line: LineView, network: NetworkView, costs: CostsView };

type ViewClass = new (section: HTMLElement, set: (settings: Settings) => void) => View;

const stages = new Map<string, Stage>();

/** The view that is seen. */
let seen = '';

/** A view is made when it is first seen: only then its pictures have a size. */
function stageOf(name: keyof typeof VIEWS): Stage {
  const known = stages.get(name);
  if (known) return known;
  const section = document.getElementById(`view-${name}`) as HTMLElement;
  const view = new (VIEWS[name] as ViewClass)(section, (settings) => stage.set(settings));
  const stage: Stage = new Stage(section, view, () => writeSettings(name, stage));
  stages.set(name, stage);
  return stage;
}

const writeSettings = (view: string, { form }: Stage) =>
  history.replaceState(null, '', writeAddress({ view, settings: form.changes }));

/** Shows what the address says: a view, with its settings if it names any. */
function follow(): void {
  const { view, settings } = readAddress(location.hash);
  const name = (view in VIEWS ? view : 'line') as keyof typeof VIEWS;
  for (const id of Object.keys(VIEWS)) (document.getElementById(`view-${id}`) as HTMLElement).hidden = id !== name;
  for (const link of document.querySelectorAll('nav a')) {
    if (link.getAttribute('href') === `#${name}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  stages.get(seen)?.pause();
  seen = name;
  const isNew = !stages.has(name);
  const stage = stageOf(name);
  if (isNew || Object.keys(settings).length > 0) {
    stage.form.assign(settings);
    stage.begin();
  } else stage.draw();
  writeSettings(name, stage);
}

watchFailures();
configure({ threads: 1 });
addEventListener('hashchange', follow);
// Drawn later: what is drawn may change a size again.
new ResizeObserver(() => requestAnimationFrame(() => stages.get(seen)?.draw())).observe(document.body);
follow();
document.documentElement.dataset.ready = 'yes';
