// What training costs in each engine: the workloads of `npm run bench` on one thread, beside the plain loop and the peak that the same engine has.
import { withEngines } from './engines/index.mjs';
import { chosen, command, ROUNDS, readOptions } from './lib/options.mjs';
import { peakBinary } from './lib/peak.mjs';
import { figure, line, percent } from './lib/report.mjs';
import { workloads } from './workloads/index.mjs';

const WIDTHS = [10, 14, 11, 11, 8, 6];

function print(engine, rows) {
  const plain = new Map(
    rows.filter((row) => row.contender === 'plain').map((row) => [row.workload, row.micros.median]),
  );
  for (const { workload, contender, micros, shareOfPeak } of rows) {
    if (contender !== 'downhill') continue;
    const loop = plain.get(workload);
    const cells = [figure(micros.median), figure(loop), figure(loop / micros.median), percent(shareOfPeak)];
    console.log(line([engine, workload, ...cells], WIDTHS));
  }
}

await command(async () => {
  const { names, rounds } = readOptions(process.argv.slice(2), ROUNDS);
  const all = chosen(workloads({}), names).map(({ name }) => name);
  const peak = Buffer.from(await peakBinary()).toString('base64');
  const head = line(['engine', 'work', 'µs', 'plain µs', 'x plain', 'peak'], WIDTHS);
  console.log(`${head}\n${'-'.repeat(head.length)}`);
  await withEngines(async (name, run) => print(name, await run('training', { names: all, rounds, peak })));
});
