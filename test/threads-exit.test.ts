import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const folder = join(import.meta.dirname, '../build/threads');

/** Something large, trained on threads that have come up. */
const TRAIN = `
import { configure, DataLoader, fit, MSELoss, Linear, rand, runtimeInfo, Sequential, SGD, TensorDataset } from 'downhill';
configure({ threads: 2 });
const model = new Sequential(new Linear(100, 300), new Linear(300, 1));
const loader = new DataLoader(new TensorDataset(rand([1000, 100]), rand([1000, 1])), { batchSize: 100 });
const optimizer = new SGD(model.parameters(), { lr: 0.001 });
const train = (epochs, options) => fit(model, loader, { loss: new MSELoss(), optimizer, epochs, ...options });
`;

/** Threads of this process, on Linux: those of Node's own, and others. */
const COUNT = `
import { readdirSync } from 'node:fs';
const count = () => readdirSync('/proc/self/task').length;
`;

/** Runs a program in a process of its own, which must end by itself, and returns what it printed. */
function run(name: string, code: string): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.mjs`);
  writeFileSync(file, code);
  return execFileSync(process.execPath, [file], { encoding: 'utf8', timeout: 50_000 });
}

describe('a process with threads', () => {
  it('ends by itself when its work is done', () => {
    expect(run('done', `${TRAIN}\nawait train(20);\nconsole.log(runtimeInfo().threads);`)).toBe('2\n');
  });

  it.each([1, 2])('of which there are %i, and a worker, ends by itself too', (threads) => {
    const code = `${TRAIN.replace('threads: 2', `threads: ${threads}`)}
      import { worker } from 'downhill/worker';
      for (let i = 0; i < 2; i++) console.log((await train(20, { worker })).worker);`;
    expect(run(`worker-${threads}`, code)).toMatch(/^(shared\n){2}$|^(copied\n){2}$/);
  });

  it('ends in the middle of a training where it is told to', () => {
    const stop = '({ epoch }) => { if (epoch === 5) { console.log(epoch); process.exit(0); } }';
    expect(run('exit', `${TRAIN}\nawait train(1e9, { onEpochEnd: ${stop} });`)).toBe('5\n');
  });

  it.each(['', ', worker'])('keeps none of those of a worker that is ended in the middle of a training%s', (also) => {
    mkdirSync(folder, { recursive: true });
    const worker = join(folder, `nested${also.length}.mjs`);
    const tell = '({ epoch }) => epoch === 5 && parentPort.postMessage(epoch)';
    writeFileSync(
      worker,
      `${TRAIN}\nimport { worker } from 'downhill/worker';\nimport { parentPort } from 'node:worker_threads';\nawait train(1e9, { onEpochEnd: ${tell}${also} });`,
    );
    const code = `${COUNT}
      import { Worker } from 'node:worker_threads';
      const trained = () => new Promise((resolve) => {
        const worker = new Worker(${JSON.stringify(worker)});
        worker.once('message', async () => resolve(await worker.terminate()));
      });
      await trained();
      const before = count();
      for (let i = 0; i < 5; i++) await trained();
      // A thread is counted for a moment after it has ended.
      for (let i = 0; i < 50 && count() > before; i++) await new Promise((resolve) => setTimeout(resolve, 100));
      console.log(Math.max(0, count() - before));
    `;
    expect(run('nested', code)).toBe('0\n');
  });
});
