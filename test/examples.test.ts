import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as downhill from 'downhill';
import * as data from 'downhill/data';
import * as io from 'downhill/io';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';
import { loadKernels } from 'downhill/slim';
import * as worker from 'downhill/worker';
import { transform } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const scope: Record<string, unknown> = { ...downhill, ...data, ...io, ...worker, nn, optim, expect };

interface Example {
  name: string;
  code: string;
}

/** The name that a docstring stands before. */
function documented(after: string): string {
  return (
    /^\s*(?:export\s+)?(?:abstract\s+|async\s+)*(?:class|function|const|interface)?\s*(\w+)/.exec(after)?.[1] ?? '?'
  );
}

function examplesOf(path: string): Example[] {
  const text = readFileSync(path, 'utf8');
  return [...text.matchAll(/\/\*\*(?:(?!\*\/)[\s\S])*?@example\n([\s\S]*?)\*\//g)].map((match) => ({
    name: `${path.slice(root.length + 1)}: ${documented(text.slice(match.index + match[0].length))}`,
    code: (match[1] as string).replace(/^\s*\* ?/gm, ''),
  }));
}

const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((path) =>
  path.endsWith('.ts'),
);
const examples = sources.flatMap((path) => examplesOf(join(root, 'src', path)));

async function run(code: string): Promise<void> {
  const lowered = await transform(`async function example() {\n${code}\n}`, { loader: 'ts', target: 'es2022' });
  const body = new Function(...Object.keys(scope), `${lowered.code}; return example();`);
  await body(...Object.values(scope));
}

/** What a program prints that runs in a process of its own and imports the built package by its name. */
function alone(name: string, code: string): string {
  const folder = join(root, 'build', 'snippets', name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'main.mjs');
  writeFileSync(file, code);
  return execFileSync(process.execPath, [file], { cwd: folder, encoding: 'utf8' });
}

describe('the examples of the docstrings', () => {
  const folder = mkdtempSync(join(tmpdir(), 'downhill-examples-'));
  const before = process.cwd();
  beforeAll(() => process.chdir(folder));
  afterAll(() => {
    process.chdir(before);
    rmSync(folder, { recursive: true });
  });

  it.each(examples)('$name', async ({ name, code }) => {
    expect(code, name).toMatch(/expect\(|configure\(|^import /m);
    // What imports is a program, which prints what its comments say.
    if (code.startsWith('import ')) {
      const prints = [...code.matchAll(/console\.log\(.*\); \/\/ (.*\n)/g)].map((match) => match[1]);
      expect(prints).not.toEqual([]);
      return expect(alone('program', code)).toBe(prints.join(''));
    }
    // What sets the runtime up comes before its first use, so it has a process of its own.
    if (code.includes('configure('))
      expect(alone('configure', `import { configure } from 'downhill';\n${code}`)).toBe('');
    else await run(code);
  });

  it('are there for every class and function that is exported', () => {
    const names = Object.entries({ ...downhill, ...data, ...io, ...nn, ...optim, loadKernels })
      .filter(([, value]) => typeof value === 'function')
      .map(([name]) => name)
      .filter((name) => !name.endsWith('Error') && !['Loss', 'Optimizer'].includes(name));
    const shown = examples.map(({ name }) => name.split(': ')[1]);
    expect(names.filter((name) => !shown.includes(name))).toEqual([]);
  });
});

const readme = readFileSync(join(root, 'README.md'), 'utf8');
const snippets = [...readme.matchAll(/```js\n([\s\S]*?)```(?:[^`]*?```text\n([\s\S]*?)```)?/g)].map((match, i) => ({
  i,
  title: (match[1] as string).trim().split('\n')[0],
  code: match[1] as string,
  prints: match[2],
}));

describe('the snippets of the README', () => {
  it.each(snippets)('snippet $i prints what the README says', ({ i, code, prints }) => {
    expect(prints).toBeDefined();
    expect(alone(`readme-${i}`, code)).toBe(prints);
  });
});
