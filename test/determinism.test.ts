import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';
import { describe, expect, it } from 'vitest';
import { describeEngines, PROCESS_NAMES } from './browser/support/describe';
import { hashOfText } from './determinism/hash';
import { perform, type Way } from './determinism/perform';
import { RUNS } from './determinism/runs';

const FILE = join(import.meta.dirname, 'determinism/hashes.json');

/** What is written down of the runs that a way performs. */
function committed({ names }: Way = {}): Record<string, string> {
  const all: Record<string, string> = JSON.parse(readFileSync(FILE, 'utf8'));
  return names ? Object.fromEntries(names.map((name) => [name, all[name] ?? ''])) : all;
}

/** Memory grows by a part of itself, so it can't grow in each run. */
const GROWING = ['linear model', 'every function', 'Dropout', 'BatchNorm1d', 'optimizer Adam'];

/** The ways in which runs are performed, beside the plain one. */
const WAYS: Record<string, Way> = {
  'by the eager loop': { compiled: false },
  'in slices of random lengths': { slices: 1 },
  'in slices of other random lengths': { slices: 2 },
  'while memory grows': { grow: true, names: GROWING },
  'by the eager loop while memory grows': { compiled: false, grow: true, names: GROWING },
};

describe('the hash', () => {
  // http://www.isthe.com/chongo/src/fnv/test_fnv.c
  it.each([
    ['', 'cbf29ce484222325'],
    ['a', 'af63dc4c8601ec8c'],
    ['foobar', '85944171f73967e8'],
  ])('of %j is that of FNV-1a', (text, hash) => {
    expect(hashOfText(text)).toBe(hash);
  });
});

describe('the runs', () => {
  it('end with the bits that are written down', async () => {
    await expect(`${JSON.stringify(await perform(), null, 2)}\n`).toMatchFileSnapshot(FILE);
  });

  it.each(Object.entries(WAYS))('end with them %s', async (_, way) => {
    expect(await perform(way)).toEqual(committed(way));
  });

  it('differ from each other', () => {
    const hashes = Object.values(committed());
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  it('cover every module, loss, optimizer and schedule', async () => {
    const made = Object.values(RUNS).flatMap((make) => {
      const { model, loss, optimizer, scheduler } = make();
      return [...model.modules(), loss, optimizer, scheduler].map((part) => part?.constructor.name);
    });
    const abstract = ['Loss', 'Module', 'Optimizer'];
    const classes = Object.keys({ ...nn, ...optim }).filter((name) => /^[A-Z]/.test(name) && !abstract.includes(name));
    expect(classes.filter((name) => !made.includes(name))).toEqual([]);
  });
});

describe('the sources', () => {
  const folder = join(import.meta.dirname, '../src');
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
  const codeOf = (path: string) => readFileSync(join(folder, path), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
  /** What ECMAScript leaves to the engine; a power of two is exact in all of them. */
  const approximate = /Math\.(a?(cos|sin|tan)h?|atan2|cbrt|exp|expm1|hypot|log|log10|log1p|log2|pow)\(|(?<!\b2) \*\* /;

  it.each(paths)('%s calls nothing that engines round differently', (path) => {
    // In a template it is text: what toFunction writes.
    expect(codeOf(path).replace(/`[^`]*`/g, '')).not.toMatch(approximate);
  });

  it('take a seed from the system in one place alone', () => {
    const chance = /Math\.random|crypto\.|Date\.now/;
    expect(paths.filter((path) => chance.test(codeOf(path)))).toEqual(['wasm/random.ts', 'wasm/thread.ts']);
  });
});

describeEngines((page) => {
  it.each(Object.entries(WAYS))('the runs end with those bits %s', async (_, way) => {
    expect(await page.run('determinism.ts', { parameters: way })).toEqual(committed(way));
  });

  const isPage = !PROCESS_NAMES.includes(page.engine);
  it.each([
    { threads: 1, worker: 'copied' },
    { threads: 2, worker: 'shared' },
  ] as const)('the runs end with those bits in a worker, memory $worker', async (way) => {
    const options = { parameters: isPage ? { worker: way.worker } : way, isolated: way.worker === 'shared' };
    expect(await page.run('determinism.ts', options)).toEqual(committed(way));
  });

  if (isPage) return;
  it.each([2, 3, 4, 8])('the runs end with those bits on %i threads', async (threads) => {
    const way: Way = page.engine === 'this Node' ? { threads } : { threads, names: GROWING };
    expect(await page.run('determinism.ts', { parameters: way })).toEqual(committed(way));
  });
});
