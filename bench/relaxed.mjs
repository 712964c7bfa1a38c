// What `fastMath` gains in each engine: the default and the relaxed kernels in turn, in processes or pages of their own.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { pages } from './engines/pages.mjs';
import { command, readOptions } from './lib/options.mjs';
import { figure, line } from './lib/report.mjs';
import { spread } from './lib/statistics.mjs';

const WORKER = fileURLToPath(new URL('./engines/worker.mjs', import.meta.url));
const packaged = (path) => fileURLToPath(new URL(`../test/engines/node_modules/${path}`, import.meta.url));
const WIDTHS = [10, 22, 12, 12, 9];

function inProcesses(name, [file, ...flags]) {
  const measure = (fast) =>
    JSON.parse(execFileSync(file, [...flags, WORKER, fast ? 'fast' : 'plain'], { encoding: 'utf8', timeout: 60_000 }));
  return {
    name,
    toInstall: existsSync(file) ? undefined : 'npm run engines',
    open: async () => ({ measure, close() {} }),
  };
}

/** This Node, the engines that `npm run engines` installs, and browsers. */
const ENGINES = [
  inProcesses(`Node ${process.versions.node.split('.')[0]}`, [process.execPath]),
  inProcesses('Node 22', [packaged('node22/bin/node')]),
  inProcesses('Node 24', [packaged('node24/bin/node')]),
  inProcesses('Bun', [packaged('@oven/bun-linux-x64/bin/bun')]),
  inProcesses('Deno', [packaged('@deno/linux-x64-glibc/deno'), 'run', '--allow-all']),
  ...pages,
];

async function measurePairs({ open }, rounds) {
  const { measure, close } = await open();
  try {
    const pairs = [];
    while (pairs.length < rounds) pairs.push([await measure(false), await measure(true)]);
    return pairs;
  } finally {
    await close();
  }
}

function print(name, pairs) {
  if (pairs[0][1].build === 'simd') {
    console.log(`${name}: has no relaxed SIMD`);
    return;
  }
  for (const work of Object.keys(pairs[0][0].micros)) {
    const [plain, fast] = [0, 1].map((i) => spread(pairs.map((pair) => pair[i].micros[work])).median);
    const gain = spread(pairs.map(([a, b]) => a.micros[work] / b.micros[work])).median;
    console.log(line([name, work, figure(plain), figure(fast), `${gain.toFixed(2)}x`], WIDTHS));
  }
}

await command(async () => {
  const { rounds } = readOptions(process.argv.slice(2));
  const head = line(['engine', 'work', 'default µs', 'relaxed µs', 'gain'], WIDTHS);
  console.log(`${head}\n${'-'.repeat(head.length)}`);
  for (const engine of ENGINES) {
    if (engine.toInstall) console.log(`${engine.name}: not installed, ${engine.toInstall}`);
    else print(engine.name, await measurePairs(engine, rounds));
  }
});
