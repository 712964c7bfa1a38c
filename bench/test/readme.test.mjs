import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { blockOf, pasted, readResults } from '../lib/readme.mjs';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

const results = await readResults();

describe('the numbers of the README', () => {
  it.each(Object.keys(results))('are those that the bench wrote last: %s', (name) => {
    expect(pasted(readme, name, blockOf(name, results[name]))).toBe(readme);
  });

  it('are not put where there is no place for them', () => {
    expect(() => pasted('# Downhill', 'times', '')).toThrow(/no place for the bench's times/);
  });
});
