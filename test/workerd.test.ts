import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWorkerd } from './browser/support/describe';

const HASHES: Record<string, string> = JSON.parse(
  readFileSync(join(import.meta.dirname, 'determinism/hashes.json'), 'utf8'),
);
const WHY = "Cloudflare's workers have no threads";

describeWorkerd((page) => {
  it.each([{}, { compiled: false }, { slices: 1 }])(
    'the runs end with the bits that are written down (%j)',
    async (parameters) => {
      expect(await page.run('determinism.ts', { parameters })).toEqual(HASHES);
    },
  );

  it('they do where the kernels are imported and handed over', async () => {
    expect(await page.run('imported.ts', { slim: true, parameters: {} })).toEqual(HASHES);
  });

  it('a clock that stands still holds nothing up', async () => {
    expect(await page.run('still.ts')).toEqual({ same: true, reports: [0], stoppedBy: ['signal', 'signal'] });
  });

  it('there are no threads and no worker, and it is said why', async () => {
    expect(await page.run('alone.ts')).toEqual({
      threads: 1,
      why: WHY,
      build: 'simd',
      warnings: [`downhill runs on one thread: ${WHY}.`],
      trained: { why: expect.stringMatching(/./), epochs: 3, same: true },
    });
  });
});
