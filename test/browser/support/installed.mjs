import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * The first of these programs that is installed.
 * @param {string[]} names
 */
export function find(...names) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
}

/** What is found, Debian's packages that bring it, and the flags that it needs as root and without a network. */
export const CHROMIUM = {
  path: find('chromium', 'chromium-browser', 'google-chrome'),
  packages: 'chromium',
  flags: [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
};

export const FIREFOX = { path: find('firefox-esr', 'firefox'), packages: 'firefox-esr', flags: ['--headless'] };

/** The headers of a page that shares memory and has the finer clock. */
export const ISOLATION = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};
