// What `fastMath` gains in each engine: the default and the relaxed kernels in turn, in processes of their own.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { command, readOptions } from './lib/options.mjs';
import { figure, line } from './lib/report.mjs';
import { spread } from './lib/statistics.mjs';

const WORKER = fileURLToPath(new URL('./engines/worker.mjs', import.meta.url));
const packaged = (path) => fileURLToPath(new URL(`../test/engines/node_modules/${path}`, import.meta.url));
const WIDTHS = [10, 22, 12, 12, 9];

/** This Node, and the engines that `npm run engines` installs. */
const ENGINES = {
  [`Node ${process.versions.node.split('.')[0]}`]: [process.execPath],
  'Node 22': [packaged('node22/bin/node')],
  'Node 24': [packaged('node24/bin/node')],
  Bun: [packaged('@oven/bun-linux-x64/bin/bun')],
  Deno: [packaged('@deno/linux-x64-glibc/deno'), 'run', '--allow-all'],
};

function measure([file, ...flags], build) {
  return JSON.parse(execFileSync(file, [...flags, WORKER, build], { encoding: 'utf8', timeout: 60_000 }));
}

await command(async () => {
  const { rounds } = readOptions(process.argv.slice(2));
  const head = line(['engine', 'work', 'default µs', 'relaxed µs', 'gain'], WIDTHS);
  console.log(`${head}\n${'-'.repeat(head.length)}`);
  for (const [engine, program] of Object.entries(ENGINES)) {
    if (!existsSync(program[0])) {
      console.log(`${engine}: not installed, npm run engines`);
      continue;
    }
    const pairs = Array.from({ length: rounds }, () => [measure(program, 'plain'), measure(program, 'fast')]);
    if (pairs[0][1].build === 'simd') {
      console.log(`${engine}: has no relaxed SIMD`);
      continue;
    }
    for (const work of Object.keys(pairs[0][0].micros)) {
      const [plain, fast] = [0, 1].map((i) => spread(pairs.map((pair) => pair[i].micros[work])).median);
      const gain = spread(pairs.map(([a, b]) => a.micros[work] / b.micros[work])).median;
      console.log(line([engine, work, figure(plain), figure(fast), `${gain.toFixed(2)}x`], WIDTHS));
    }
  }
});
