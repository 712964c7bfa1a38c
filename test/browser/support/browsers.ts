import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer, { type Browser as Puppet } from 'puppeteer-core';
import { Leashed } from '../../support/leash';
import type { Engine } from './engine';
import { CHROMIUM, FIREFOX, find } from './installed.mjs';
import { Server } from './server';
import { openSession } from './webdriver';

/** What to take back, the last first. */
type Undoing = (() => unknown)[];

/** Loads a page and waits for its answer. */
type Ask = (url: string) => Promise<string>;

/** Where Debian, Fedora and Arch put what is not meant to be on the path. */
const MINI_BROWSERS = ['lib/x86_64-linux-gnu', 'lib/aarch64-linux-gnu', 'libexec', 'lib'].flatMap((folder) =>
  ['4.1', '4.0'].map((version) => `/usr/${folder}/webkit2gtk-${version}/MiniBrowser`),
);

const findMiniBrowser = () => MINI_BROWSERS.find((path) => existsSync(path));

/** Nothing on the first start, nothing to update, and nobody to report to. */
const FIREFOX_PREFERENCES = {
  'app.normandy.enabled': false,
  'app.update.disabledForTesting': true,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'browser.startup.page': 0,
  'datareporting.policy.dataSubmissionEnabled': false,
  'extensions.update.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'data:,',
  'toolkit.telemetry.server': 'data:,',
};

/** A folder that a browser may write to, and what removes it. */
function scratch(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'downhill-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 10 }) };
}

/** Takes what was opened so far back, in turn, also when one of it fails. */
async function undo(steps: readonly (() => unknown)[]): Promise<void> {
  const [step, ...rest] = steps;
  if (!step) return;
  try {
    await step();
  } finally {
    await undo(rest);
  }
}

/** A browser: what must be installed for it, and how it is opened. */
interface Browser {
  /** Debian's packages that bring it. */
  packages: string;
  isInstalled: boolean;
  /** Starts it; each part says how it is taken back, which happens too if a later one fails. */
  open(undoing: Undoing): Promise<Ask>;
}

function browserEngine(name: string, { packages, isInstalled, open }: Browser): Engine {
  return {
    name,
    toInstall: isInstalled ? undefined : `apt-get install -y ${packages}`,
    async launch() {
      const server = new Server();
      const undoing: Undoing = [() => server.close()];
      const close = () => undo(undoing);
      try {
        const ask = await open(undoing);
        return { close, run: async (page, options) => JSON.parse(await ask(await server.serve(page, options))) };
      } catch (error) {
        await close();
        throw error;
      }
    },
  };
}

function askByPuppet(puppet: Puppet): Ask {
  return async (url) => {
    const page = await puppet.newPage();
    try {
      await page.goto(url);
      return (await page.evaluate('globalThis.answer()')) as string;
    } finally {
      await page.close();
    }
  };
}

async function openChromium(undoing: Undoing): Promise<Ask> {
  const profile = scratch();
  undoing.unshift(profile.remove);
  const leashed = new Leashed([
    ...[CHROMIUM.path as string, ...CHROMIUM.flags],
    ...[`--user-data-dir=${profile.path}`, '--remote-debugging-port=0', 'about:blank'],
  ]);
  undoing.unshift(() => leashed.release());
  const browserWSEndpoint = await leashed.hear(/DevTools listening on (\S+)/);
  const puppet = await puppeteer.connect({ browserWSEndpoint });
  undoing.unshift(() => puppet.disconnect());
  return askByPuppet(puppet);
}

async function openFirefox(undoing: Undoing): Promise<Ask> {
  const profile = scratch();
  undoing.unshift(profile.remove);
  const lines = Object.entries(FIREFOX_PREFERENCES).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`,
  );
  writeFileSync(join(profile.path, 'user.js'), lines.join('\n'));
  const leashed = new Leashed([
    ...[FIREFOX.path as string, ...FIREFOX.flags],
    '--no-remote',
    '--profile',
    profile.path,
    '--remote-debugging-port=0',
  ]);
  undoing.unshift(() => leashed.release());
  const url = await leashed.hear(/WebDriver BiDi listening on (\S+)/);
  const puppet = await puppeteer.connect({ browserWSEndpoint: `${url}/session`, protocol: 'webDriverBiDi' });
  undoing.unshift(() => puppet.disconnect());
  return askByPuppet(puppet);
}

async function openWebKit(undoing: Undoing): Promise<Ask> {
  const screen = new Leashed(['Xvfb', '-displayfd', '1', '-nolisten', 'tcp', '-screen', '0', '1024x768x24']);
  undoing.unshift(() => screen.release());
  const home = scratch();
  undoing.unshift(home.remove);
  const session = await openSession({
    driver: 'WebKitWebDriver',
    options: { 'webkitgtk:browserOptions': { binary: findMiniBrowser(), args: ['--automation'] } },
    env: {
      DISPLAY: `:${await screen.hear(/(\d+)/)}`,
      // Its sandbox needs rights that a container and root lack.
      WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1',
      // What Safari has on isolated pages, WebKitGTK 2.50 has if it is told.
      JSC_useSharedArrayBuffer: '1',
      XDG_CACHE_HOME: home.path,
      XDG_DATA_HOME: home.path,
    },
  });
  undoing.unshift(session.close);
  return session.ask;
}

/** The browsers that the tests run in. */
export const BROWSERS: readonly Engine[] = [
  browserEngine('Chromium', { packages: CHROMIUM.packages, isInstalled: !!CHROMIUM.path, open: openChromium }),
  browserEngine('Firefox', { packages: FIREFOX.packages, isInstalled: !!FIREFOX.path, open: openFirefox }),
  browserEngine('WebKitGTK', {
    packages: 'webkit2gtk-driver xvfb',
    isInstalled: [find('WebKitWebDriver'), find('Xvfb'), findMiniBrowser()].every((path) => path !== undefined),
    open: openWebKit,
  }),
];
