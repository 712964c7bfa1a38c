// @ts-check
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const SETUP = fileURLToPath(new URL('../setup.mjs', import.meta.url));

// Stands in for npm: writes down what it is asked, and does the part of it that setup.mjs looks at.
const NPM = `
import { appendFileSync, copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
const words = process.argv.slice(2);
appendFileSync('calls', words.join(' ') + '\\n');
if (existsSync('npm-fails')) process.exit(7);
mkdirSync('node_modules', { recursive: true });
if (words[0] !== 'run' && existsSync('package-lock.json')) copyFileSync('package-lock.json', 'node_modules/.package-lock.json');
if (words[0] === 'run') for (const path of ['build/kernels.wasm', 'dist/index.js', 'dist/index.d.ts']) {
  mkdirSync(path.split('/')[0], { recursive: true });
  writeFileSync(path, '');
}
`;

let root = '';

/**
 * @param {string} path
 * @param {string | object} content
 */
function write(path, content) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), typeof content === 'string' ? content : JSON.stringify(content));
}

/**
 * @param {string} version
 * @param {Record<string, string>} [optionalDependencies]
 */
function lock(version, optionalDependencies = {}) {
  const packages = { '': {}, 'node_modules/left': { version, integrity: `sha512-${version}`, optionalDependencies } };
  write('package-lock.json', { packages });
}

function run() {
  rmSync(join(root, 'calls'), { force: true });
  const env = { ...process.env, npm_execpath: join(root, 'npm-cli.js') };
  const result = spawnSync(process.execPath, [join(root, 'cli/setup.mjs')], { encoding: 'utf8', env });
  const calls = existsSync(join(root, 'calls')) ? readFileSync(join(root, 'calls'), 'utf8').trim().split('\n') : [];
  return { ...result, calls: calls.map((call) => call.replace(/ --(include=dev|no-audit|no-fund)/g, '')) };
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'setup-'));
  const exports = {
    '.': { types: './dist/index.d.ts', default: './dist/index.js' },
    './package.json': './package.json',
  };
  write('package.json', { type: 'module', engines: { node: '>=20.20' }, exports });
  write('npm-cli.js', NPM);
  write('src/index.ts', '');
  write('src/nn/linear.ts', '');
  mkdirSync(join(root, 'cli'));
  copyFileSync(SETUP, join(root, 'cli/setup.mjs'));
  lock('1.0.0');
});

afterEach(() => rmSync(root, { recursive: true }));

describe('setup.mjs', () => {
  test('installs and builds on a fresh machine, and then does nothing', () => {
    expect(run()).toMatchObject({ status: 0, calls: ['ci', 'run build'] });
    expect(run()).toMatchObject({ status: 0, calls: [], stdout: '', stderr: '' });
  });

  test('installs without npm ci where there is no lock file or npm ci would refuse it', () => {
    lock('1.0.0', { 'left-for-another-platform': '1.0.0' });
    expect(run().calls).toEqual(['install --no-save', 'run build']);
    rmSync(join(root, 'package-lock.json'));
    rmSync(join(root, 'node_modules'), { recursive: true });
    expect(run().calls).toEqual(['install']);
  });

  test('installs again when the lock file changes', () => {
    run();
    lock('1.0.1');
    expect(run().calls).toEqual(['ci']);
  });

  test('builds again when a source is removed or changed, or an output is missing', () => {
    run();
    rmSync(join(root, 'src/nn/linear.ts'));
    expect(run().calls).toEqual(['run build']);
    rmSync(join(root, 'dist/index.d.ts'));
    expect(run().calls).toEqual(['run build']);
    const later = new Date(Date.now() + 5000);
    utimesSync(join(root, 'src/index.ts'), later, later);
    expect(run().calls).toEqual(['run build']);
  });

  test('ends with the code of npm and says what failed', () => {
    write('npm-fails', '');
    expect(run()).toMatchObject({
      status: 7,
      stderr: expect.stringContaining('npm ci --include=dev --no-audit --no-fund failed (exit code 7)'),
    });
  });

  test('refuses a Node that is too old, before anything else', () => {
    write('package.json', { type: 'module', engines: { node: '>=99.1' }, exports: {} });
    expect(run()).toMatchObject({
      status: 1,
      calls: [],
      stderr: expect.stringMatching(/^setup: this is Node .*99\.1 is needed/),
    });
  });
});
