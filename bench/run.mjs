import { readFile, writeFile } from 'node:fs/promises';
import { configure } from 'downhill';
import { useProcessorTime } from './lib/clock.mjs';
import { header, signature } from './lib/machine.mjs';
import { chosen, command, readOptions, UsageError } from './lib/options.mjs';
import { measurePeak, startPeak } from './lib/peak.mjs';
import { publish } from './lib/readme.mjs';
import { comparison, tableHead, tableRows } from './lib/report.mjs';
import { measure } from './lib/rounds.mjs';
import { sum } from './lib/statistics.mjs';
import { loadRivals } from './rivals/index.mjs';
import { workloads } from './workloads/index.mjs';

async function readOld(file) {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new UsageError(`--compare ${file}: ${error.message}`);
  }
}

/** Measures the workloads one by one, printing each as it is done. */
async function runAll(list, { rounds, peak, gbytes, rivals }) {
  const rows = [];
  const failures = [];
  for (const workload of list) {
    const result = await measure(workload, { rounds, peak, rivals });
    rows.push(...result.rows);
    console.log(tableRows(result.rows, gbytes));
    if (result.disagrees) failures.push(`${workload.name}: the final loss of ${result.disagrees} is another`);
  }
  return { rows, failures };
}

await command(async () => {
  const options = readOptions(process.argv.slice(2));
  configure({ threads: options.threads });
  if (options.cpu) useProcessorTime();
  const old = options.compare && (await readOld(options.compare));
  const list = chosen(workloads({ quick: options.quick }), options.names);
  const peak = await startPeak();
  const limits = measurePeak(peak);
  const machine = signature();
  const rivals = options.quick || list.every(({ alone }) => alone) ? undefined : await loadRivals();
  console.log([header(machine, limits), ...(rivals?.lines ?? []), '', tableHead()].join('\n'));
  const { rows, failures } = await runAll(list, { rounds: options.rounds, peak, gbytes: limits.gbytes.median, rivals });
  console.log(`\n${options.rounds} interleaved rounds; results sunk: ${sum().toExponential(3)}`);
  const results = { machine, rounds: options.rounds, limits, rows };
  if (options.json) await writeFile(options.json, `${JSON.stringify(results, null, 2)}\n`);
  if (options.readme) await publish(list.every(({ onRequest }) => onRequest) ? 'growth' : 'times', results);
  if (old) console.log(`\n${comparison(rows, old)}`);
  for (const failure of failures) console.error(failure);
  if (failures.length > 0) process.exitCode = 1;
});
