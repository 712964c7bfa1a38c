import { readFile, writeFile } from 'node:fs/promises';
import { figure, percent } from './report.mjs';

const README = new URL('../../README.md', import.meta.url);
const RESULTS = new URL('../results.json', import.meta.url);

/** What stands for a workload's name in the text. */
const WORDS = {
  'W1-b64': 'a line, 1000 rows, batch 64',
  'W1-b1': 'the same, batch 1',
  'W1-b1000': 'the same, all rows at once',
  'W1-eager': 'the same, batch 64, loop written out',
  'W1-fit': 'a call of `fit`, 20 epochs of it',
  W4: 'logistic, 200,000 × 32, batch 128',
  W6: 'linear, 100,000 × 64, all rows at once',
  'W2-b32': '784-128-10, SGD, batch 32',
  'W2-b64': '784-128-10, SGD, batch 64',
  'W2-b128': '784-128-10, SGD, batch 128',
  'W2-b512': '784-128-10, SGD, batch 512',
  'W2-b64-adam': '784-128-10, Adam, batch 64',
  W3: '16-64-64-1, Adam, batch 32',
  '4-16-3': '4-16-3, Adam, batch 16',
  '20-32-2': '20-32-2, Adam, batch 32',
  W5: '512-1024-1024-10, SGD, batch 256',
};

const OTHERS = ['plain', 'tfjs', 'jax-js', 'torch', 'numpy', 'sklearn'];

const table = (rows) => {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  const line = (row) => `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`;
  return [line(rows[0]), line(widths.map((n) => '-'.repeat(n))), ...rows.slice(1).map(line)].join('\n');
};

const signed = ({ machine, rounds }) =>
  `${machine.cpu}, ${machine.build}; Node ${machine.node}; commit ${machine.commit}; ${machine.date.slice(0, 10)}; medians of ${rounds} interleaved rounds, time ${machine.time}.`;

const groups = (rows, of) => [...new Set(rows.map(of))];

/** A line a workload: µs an update, the share of the peak, and how many times as long the others take. */
function timesTable({ rows }) {
  const present = OTHERS.filter((name) => rows.some(({ contender }) => contender === name));
  const head = ['an update of', 'µs', 'of peak', ...present.map((name) => `${name} ×`)];
  const lines = groups(rows, ({ workload }) => workload).map((workload) => {
    const own = rows.filter((row) => row.workload === workload);
    const mine = own.find(({ contender }) => contender === 'downhill');
    const times = present.map((name) => {
      const other = own.find(({ contender }) => contender === name);
      return other ? figure(other.micros.median / mine.micros.median) : '';
    });
    const share = mine.shareOfPeak > 0.05 ? percent(mine.shareOfPeak) : '';
    return [WORDS[workload] ?? workload, figure(mine.micros.median), share, ...times];
  });
  return table([head, ...lines]);
}

/** What grows, and what an update then takes. */
function growthTable({ rows }) {
  const lines = rows.map(({ workload, per, micros, shareOfPeak }) => {
    const [, axis, n] = workload.split('-');
    return [axis, Number(n).toLocaleString('en'), figure(micros.median), per, percent(shareOfPeak)];
  });
  return table([['what grows', 'to', 'µs', 'a', 'of peak'], ...lines]);
}

const RENDER = { times: timesTable, growth: growthTable };

/** The text between a block's markers. */
export const blockOf = (name, results) => `${signed(results)}\n\n${RENDER[name](results)}`;

/** The README with a block put between its markers. */
export function pasted(readme, name, block) {
  const [begin, end] = [`<!-- bench ${name} -->`, `<!-- end of bench ${name} -->`];
  const [from, to] = [readme.indexOf(begin), readme.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`README.md has no place for the bench's ${name}: ${begin} … ${end}.`);
  return `${readme.slice(0, from + begin.length)}\n\n${block}\n\n${readme.slice(to)}`;
}

export async function readResults() {
  return JSON.parse(await readFile(RESULTS, 'utf8').catch(() => '{}'));
}

/** Keeps results as those that the README shows, and shows them. */
export async function publish(name, results) {
  await writeFile(RESULTS, `${JSON.stringify({ ...(await readResults()), [name]: results }, null, 2)}\n`);
  await writeFile(README, pasted(await readFile(README, 'utf8'), name, blockOf(name, results)));
}
