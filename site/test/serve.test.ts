import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Leashed } from '../../test/support/leash';

const out = mkdtempSync(join(tmpdir(), 'site-'));
const serve = (...words: string[]) =>
  new Leashed([process.execPath, join(import.meta.dirname, '../serve.mjs'), '--out', out, ...words]);

let served: Leashed;
let address = '';
beforeAll(async () => {
  served = serve('--port', '0');
  address = await served.hear(/open (http:\S+)/);
});
afterAll(async () => {
  await served.release();
  rmSync(out, { recursive: true });
});

it('the page is served with all that it asks for, and nothing from elsewhere', async () => {
  const html = await (await fetch(address)).text();
  const asked = [...html.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, url]) => url as string);
  expect(asked.sort()).toEqual(['draw.css', 'icon.svg', 'layout.css', 'page.js', 'style.css']);
  for (const url of asked) expect((await fetch(address + url)).status).toBe(200);
  expect(html).not.toMatch(/<!-- |https?:/);
});

it('a strict content security policy stands in the page, and nothing in it would break it', () => {
  const html = readFileSync(join(out, 'index.html'), 'utf8');
  expect(html).toContain("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'");
  expect(html).not.toMatch(/ (on\w+|style)="|<style|<script>|javascript:/);
});

it('each field has a label, and each identifier is there once', () => {
  const html = readFileSync(join(out, 'index.html'), 'utf8');
  const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const shown = [...html.matchAll(/<(?:input|select)[^>]* id="([^"]+)"/g)].map(([, id]) => id);
  const labelled = [...html.matchAll(/<label for="([^"]+)"/g)].map(([, id]) => id);
  expect(labelled.sort()).toEqual(shown.sort());
});

it('what is not in the folder is not served', async () => {
  for (const path of ['none.html', '../package.json', '%2e%2e/package.json', '..%2fpackage.json', 'views', '%']) {
    expect((await fetch(new URL(path, address))).status).toBe(404);
  }
});

it.each([
  [['--prot', '1'], /Unknown option '--prot'[\s\S]*Usage: npm run site/],
  [['--port', '1e9'], /--port is "1e9"; it must be a whole number from 0 to 65535[\s\S]*Usage: npm run site/],
  [['--help'], /Usage: npm run site/],
])('%o is answered with how it is used', async (words, text) => {
  const asked = serve(...words);
  await asked.hear(new RegExp(`(${text.source})`));
  await asked.release();
});

it('served to others, it says where here and where in the network', async () => {
  const open = serve('--port', '0', '--host', '0.0.0.0');
  const urls = (await open.hear(/open (.*) \(Ctrl/)).split(' or ');
  expect(urls[0]).toMatch(/^http:\/\/localhost:\d+\/$/);
  for (const url of urls) expect((await fetch(url)).status).toBe(200);
  await open.release();
});

it('a port that is taken is told', async () => {
  const { port } = new URL(address);
  const second = serve('--port', port);
  expect(await second.hear(/(Port \d+ is taken.*)/)).toContain(`--port ${Number(port) + 1}`);
  await second.release();
});
