import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { blockOf, pasted, readResults } from '../lib/readme.mjs';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

describe('the numbers of the README', () => {
  it.each(['times', 'growth'])('are those that the bench wrote last: %s', async (name) => {
    const results = await readResults();
    expect(pasted(readme, name, blockOf(name, results[name]))).toBe(readme);
  });

  it('are not put where there is no place for them', () => {
    expect(() => pasted('# Downhill', 'times', '')).toThrow(/no place for the bench's times/);
  });
});
