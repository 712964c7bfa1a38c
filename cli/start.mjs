// @ts-check
import { mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { ones, runtimeInfo } from 'downhill';
import { readCommand, UsageError } from './command.mjs';
import { saveSvg } from './plots/svg.mjs';
import { printTable } from './terminal/table.mjs';

/**
 * What a job gives back: rows for the table at the end, and why it counts as failed, if it does.
 * @typedef {{ results: [name: string, value: string][], failure?: string | undefined }} Report
 *
 * What a job gets: `save` writes a picture, drawn from a Vega-Lite specification.
 * @typedef {{ save: (name: string, spec: import('./plots/svg.mjs').Spec) => Promise<void> }} Desk
 *
 * @typedef {(desk: Desk) => Promise<Report>} Work
 */

/** The library's first use starts its runtime: from here on nothing is waited for. */
function start() {
  ones([16]).sum().item();
  const { build, threads } = runtimeInfo();
  console.log(
    `ready in ${Math.ceil(performance.now())} ms (${build} build, ${threads} thread${threads === 1 ? '' : 's'})`,
  );
}

/** @param {string} out */
function pictureDesk(out) {
  /** @type {string[]} */
  const pictures = [];
  /** @type {Desk['save']} */
  const save = async (name, spec) => {
    const path = join(out, `${name}.svg`);
    await saveSvg(path, spec);
    pictures.push(relative('.', path) || path);
  };
  return { save, pictures };
}

/** @param {{ jobs: import('./command.mjs').Job[], out: string }} command */
async function run({ jobs, out }) {
  await mkdir(out, { recursive: true });
  const { save, pictures } = pictureDesk(out);
  /** @type {[job: string, report: Report][]} */
  const reports = [];
  for (const job of jobs) {
    console.log(`\n== ${job.name}: ${job.summary}`);
    const work = await job.load();
    reports.push([job.name, await work({ save })]);
  }
  console.log('\n== Summary');
  printTable(
    ['job', 'result', 'value'],
    reports.flatMap(([name, { results }]) => results.map(([result, value], i) => [i ? '' : name, result, value])),
  );
  console.log('\nPictures:');
  for (const path of pictures) console.log(`  ${path}`);
  return reports.flatMap(([name, { failure }]) => (failure ? [`${name}: ${failure}`] : []));
}

try {
  const command = readCommand(process.argv.slice(2));
  if ('help' in command) {
    console.log(command.help);
  } else {
    start();
    const failures = await run(command);
    for (const failure of failures) console.error(`\nFailed: ${failure}`);
    if (failures.length > 0) process.exitCode = 1;
  }
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
