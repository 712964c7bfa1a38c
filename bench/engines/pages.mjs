import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import puppeteer from 'puppeteer-core';
import { CHROMIUM, FIREFOX, ISOLATION } from '../../test/browser/support/installed.mjs';

const WORKS = fileURLToPath(new URL('./works.mjs', import.meta.url));

/** Browsers by name, as puppeteer calls them. */
const BROWSERS = {
  Chromium: { browser: 'chrome', ...CHROMIUM },
  Firefox: { browser: 'firefox', ...FIREFOX },
};

/** A page with the works and the library in it; what it measures is asked for. */
async function servePage() {
  const contents = `import { works } from ${JSON.stringify(WORKS)}; globalThis.works = works;`;
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
  const headers = { 'content-type': 'text/html', ...ISOLATION };
  const server = createServer((_, response) => response.writeHead(200, headers).end(html));
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

/** Engines whose works are done in a page. */
export const pages = Object.entries(BROWSERS).map(([name, { path, packages, flags, browser }]) => ({
  name,
  toInstall: path ? undefined : `apt-get install -y ${packages}`,
  async open() {
    const launched = puppeteer.launch({ browser, executablePath: path, args: flags });
    const [served, puppet] = await Promise.all([servePage(), launched]);
    return {
      async run(work, argument) {
        const page = await puppet.newPage();
        await page.goto(served.url);
        const measured = await page.evaluate((name, a) => globalThis.works[name](a), work, argument);
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
