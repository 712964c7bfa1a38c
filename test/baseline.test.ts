import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeBaseline } from './browser/support/describe';

const hashes = JSON.parse(readFileSync(join(import.meta.dirname, 'determinism/hashes.json'), 'utf8'));

describeBaseline((page) => {
  it('every module, loss, optimizer and schedule trains', async () => {
    expect(await page.run('determinism.ts', { parameters: {} })).toEqual(hashes);
  });

  it('estimators, encoders, metrics, streams and files work', async () => {
    const checkpoint = join(import.meta.dirname, '../build/baseline.safetensors');
    expect(await page.run('estimating.ts', { parameters: { checkpoint } })).toEqual({
      predicted: ['low', 'high'],
      same: true,
      metrics: [1, 1, 1],
      oneHot: [
        [0, 1],
        [1, 0],
      ],
      folds: 4,
      gradient: true,
      weight: true,
      tensors: ['weight', 'bias'],
    });
  });
});
