import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { countsProcessorTime } from '../lib/clock.mjs';

const SCRIPT = fileURLToPath(new URL('native.py', import.meta.url));
const DEBIAN = '/usr/bin/python3';
const PYTHON = process.env.PYTHON ?? (existsSync(DEBIAN) ? DEBIAN : 'python3');
const ONE_THREAD = { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1' };

/** The version of a package of Python's, or undefined where there is none. */
export function versionOf(name) {
  try {
    const options = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] };
    return execFileSync(PYTHON, ['-c', `import ${name}; print(${name}.__version__)`], options).trim();
  } catch {
    return undefined;
  }
}

/** Writes what a training needs as files for Python to read. */
function write(folder, { sizes, data, initial, loss, optimizer, lr, batch, shuffle = true }, passes) {
  const { x, y, rows, features, order } = data;
  const labels = y instanceof Int32Array;
  const fields = { sizes, rows, features, labels, loss, optimizer, lr, batch, shuffle };
  writeFileSync(join(folder, 'spec.json'), JSON.stringify(fields));
  const orders = new Int32Array(shuffle ? passes * rows : 0);
  for (let p = 0; shuffle && p < passes; p++) orders.set(order(p), p * rows);
  const files = { x, y, order: orders };
  for (let i = 0; i + 1 < sizes.length; i++) {
    files[`weight${i}`] = initial[`${2 * i}.weight`].data;
    files[`bias${i}`] = initial[`${2 * i}.bias`].data;
  }
  for (const [name, values] of Object.entries(files)) writeFileSync(join(folder, name), values);
}

/** A training in a Python of its own, which holds the watch itself. */
export function native(name, spec, updates) {
  let folder;
  let child;
  let answers;
  return {
    name,
    updates,
    most: updates,
    prepare() {
      folder = mkdtempSync(join(tmpdir(), 'downhill-bench-'));
      write(folder, spec, Math.max(1, updates / Math.ceil(spec.data.rows / spec.batch)));
      const stdio = ['pipe', 'pipe', 'inherit'];
      child = spawn(PYTHON, [SCRIPT, name, folder, countsProcessorTime() ? 'cpu' : 'clock'], {
        stdio,
        env: { ...process.env, ...ONE_THREAD },
      });
      answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    },
    async run(count) {
      child.stdin.write(`${count}\n`);
      const { value, done } = await answers.next();
      if (done) throw new Error(`${name} ended without an answer; what it printed is above.`);
      const [loss, seconds] = value.split(' ').map(Number);
      return { loss, seconds };
    },
    release() {
      child.stdin.end();
      rmSync(folder, { recursive: true });
    },
  };
}
