import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Way } from '../determinism/perform';
import type { Parameters } from './pages/threads';
import { describeBrowsers } from './support/describe';

const HASHES: Record<string, string> = JSON.parse(
  readFileSync(join(import.meta.dirname, '../determinism/hashes.json'), 'utf8'),
);
const SOME = ['wide layers', 'Dropout', 'optimizer Adam', 'full batch of more than a block of rows'];
const some: Way = { names: SOME };
const committed = (way: Way) =>
  Object.fromEntries(Object.entries(HASHES).filter(([n]) => !way.names || way.names.includes(n)));

const ALONE = 'the page is not cross-origin isolated (COOP and COEP headers), so it has no shared memory';
const STRICT = { 'content-security-policy': "default-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'" };

interface Told {
  hashes: Record<string, string>;
  led: boolean;
  threads: number;
  why: string;
  warnings: string[];
}

describeBrowsers((page) => {
  const run = (parameters: Parameters, options: { isolated?: boolean; headers?: Record<string, string> } = {}) =>
    page.run('threads.ts', { ...options, parameters }) as Promise<Told>;

  it.each([2, 3, 4, 8])('%i threads end with the bits of one, and take part in it', async (threads) => {
    const way = threads === 2 ? {} : some;
    const told = { led: true, threads, why: `configure({ threads: ${threads} }) asked for them`, warnings: [] };
    expect(await run({ threads, way }, { isolated: true })).toEqual({ hashes: committed(way), ...told });
  });

  it('a page that is not isolated has one thread, and says so once where more are asked for', async () => {
    const told = { hashes: committed(some), led: false, threads: 1, why: ALONE };
    const warnings = [`downhill runs on one thread: ${ALONE}.`];
    expect(await run({ threads: 2, way: some })).toEqual({ ...told, warnings });
    expect(await run({ way: some })).toEqual({ ...told, warnings: [] });
  });

  it('a worker that is ended is no wait for ever', async () => {
    expect(await page.run('dying.ts', { isolated: true })).toEqual({ why: 'it was ended', same: true });
    expect(await page.run('dying.ts')).toEqual({ error: 'StateError' });
  });

  describe('a page that forbids blob:', () => {
    it('has one thread, and says why', async () => {
      const told = await run({ threads: 2, way: some }, { isolated: true, headers: STRICT });
      expect(told).toMatchObject({ hashes: committed(some), led: false, threads: 1 });
      expect(told.why).toMatch(/^(no thread could be started|thread 1 stopped): /);
    });

    it('has threads from a file of its own', async () => {
      const parameters = { threads: 2, workerUrl: '/thread.js', way: some };
      const told = await run(parameters, { isolated: true, headers: STRICT });
      expect(told).toMatchObject({ hashes: committed(some), led: true, threads: 2 });
    });

    it.each([true, false])('has a worker from it (isolated: %s)', async (isolated) => {
      const way: Way = { ...some, worker: isolated ? 'shared' : 'copied' };
      const told = await run({ workerUrl: '/thread.js', way }, { isolated, headers: STRICT });
      expect(told.hashes).toEqual(committed(some));
    });

    it.each([true, false])('trains here without one, and says why (isolated: %s)', async (isolated) => {
      const history = await page.run('blocked.ts', { isolated, headers: STRICT });
      expect(history).toEqual({ why: expect.stringMatching(/./), epochs: 3, same: true });
    });
  });
});
