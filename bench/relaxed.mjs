// What `fastMath` gains in each engine: the default and the relaxed kernels in turn.
import { withEngines } from './engines/index.mjs';
import { command, ROUNDS, readOptions } from './lib/options.mjs';
import { figure, line } from './lib/report.mjs';
import { spread } from './lib/statistics.mjs';

const WIDTHS = [10, 22, 12, 12, 9];

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
  const { rounds } = readOptions(process.argv.slice(2), ROUNDS);
  const head = line(['engine', 'work', 'default µs', 'relaxed µs', 'gain'], WIDTHS);
  console.log(`${head}\n${'-'.repeat(head.length)}`);
  await withEngines(async (name, run) => {
    const pairs = [];
    while (pairs.length < rounds) pairs.push([await run('kernels', false), await run('kernels', true)]);
    print(name, pairs);
  });
});
