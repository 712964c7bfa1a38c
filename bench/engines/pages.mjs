import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import puppeteer from 'puppeteer-core';

const WORK = fileURLToPath(new URL('./work.mjs', import.meta.url));

/** Browsers by name: where Debian, Fedora and Arch put them, the package that brings them, and how they are started. */
const BROWSERS = {
  Chromium: {
    paths: ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'],
    toInstall: 'apt-get install -y chromium',
    browser: 'chrome',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--no-first-run',
      '--disable-background-networking',
    ],
  },
  Firefox: {
    paths: ['/usr/bin/firefox-esr', '/usr/bin/firefox'],
    toInstall: 'apt-get install -y firefox-esr',
    browser: 'firefox',
    args: [],
  },
};

/** A page with work.mjs and the library in it; what it measures is asked for. */
async function servePage() {
  const contents = `import { measure } from ${JSON.stringify(WORK)}; globalThis.measure = measure;`;
  const stdin = { contents, resolveDir: fileURLToPath(new URL('.', import.meta.url)) };
  const { outputFiles } = await build({
    stdin,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    tsconfigRaw: {},
  });
  const html = `<!doctype html><meta charset="utf-8"><script type="module">${outputFiles[0].text.replaceAll('</script', '<\\/script')}</script>`;
  // Isolated, as Node is: such pages have the finer clock.
  const headers = {
    'content-type': 'text/html',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
  };
  const server = createServer((_, response) => response.writeHead(200, headers).end(html));
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

/** Engines in which a function measures work.mjs, in a page of its own each time. */
export const pages = Object.entries(BROWSERS).map(([name, { paths, toInstall, browser, args }]) => ({
  name,
  toInstall: paths.some((path) => existsSync(path)) ? undefined : toInstall,
  async open() {
    const executablePath = paths.find((path) => existsSync(path));
    const [served, puppet] = await Promise.all([servePage(), puppeteer.launch({ browser, executablePath, args })]);
    return {
      async measure(fast) {
        const page = await puppet.newPage();
        await page.goto(served.url);
        const measured = await page.evaluate((f) => globalThis.measure(f), fast);
        await page.close();
        return measured;
      },
      async close() {
        await puppet.close();
        served.close();
      },
    };
  },
}));
