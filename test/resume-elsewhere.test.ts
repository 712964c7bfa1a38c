import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeEngines, PROCESS_NAMES } from './browser/support/describe';
import { train } from './support/kept';

const folder = mkdtempSync(join(tmpdir(), 'downhill-kept-'));
let bytes: number[];
let whole: string;

beforeAll(async () => {
  const target = join(folder, 'run.checkpoint');
  await train({ target, batches: 17 });
  bytes = [...readFileSync(target)];
  whole = await train();
});
afterAll(() => rmSync(folder, { recursive: true }));

describeEngines((page) => {
  it('a training that was kept in another engine goes on to the same bits', async () => {
    expect(await page.run('resuming.ts', { parameters: { bytes } })).toBe(whole);
  });

  if (!PROCESS_NAMES.includes(page.engine)) return;
  it.each([2, 3, 8])('and on %i threads', async (threads) => {
    expect(await page.run('resuming.ts', { parameters: { bytes, threads } })).toBe(whole);
  });
});
