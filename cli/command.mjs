// @ts-check
import { parseArgs } from 'node:util';

/** @typedef {{ name: string, summary: string, load: () => Promise<import('./start.mjs').Work> }} Job */

/** @type {Job[]} */
const JOBS = [
  {
    name: 'regression',
    summary: 'a line through 1000 noisy points, with fit and with the loop written out',
    load: async () => (await import('./jobs/regression.mjs')).regression,
  },
  {
    name: 'comparison',
    summary: 'batch, mini-batch and stochastic descent on those points, measured',
    load: async () => (await import('./jobs/comparison.mjs')).comparison,
  },
  {
    name: 'network',
    summary: 'a network’s cost and its gradient in all weights and biases, down to a small cost',
    load: async () => (await import('./jobs/network.mjs')).network,
  },
  {
    name: 'cars',
    summary: 'miles per gallon from what is known of a car',
    load: async () => (await import('./jobs/cars.mjs')).cars,
  },
  {
    name: 'digits',
    summary: 'handwritten digits, recognised by a network of 784-128-10',
    load: async () => (await import('./jobs/digits.mjs')).digits,
  },
  {
    name: 'minimize',
    summary: 'a sine and a peak fitted to points, and three ways down Rosenbrock’s valley',
    load: async () => (await import('./jobs/minimize.mjs')).minimizing,
  },
];

const HELP = `Usage: npm start -- [job ...] [--out DIR]

Jobs (all of them, in this order, if none is named):
${JOBS.map(({ name, summary }) => `  ${name.padEnd(12)}${summary}`).join('\n')}

Options:
  --out DIR   the folder for the pictures (default: out)
  --help      this text`;

/** What was typed cannot be carried out; the message says what can be typed. */
export class UsageError extends Error {}

/**
 * @param {string[]} words
 * @returns {{ help: string } | { jobs: Job[], out: string }}
 */
export function readCommand(words) {
  const { values, positionals } = parse(words);
  if (values.help) return { help: HELP };
  const unknown = positionals.filter((word) => !JOBS.some(({ name }) => name === word));
  if (unknown.length > 0) {
    throw new UsageError(`Unknown job ${quoted(unknown)}; the jobs are ${JOBS.map(({ name }) => name).join(', ')}.`);
  }
  const jobs = JOBS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  return { jobs, out: values.out };
}

/** @param {string[]} words */
function parse(words) {
  try {
    return parseArgs({
      args: words,
      allowPositionals: true,
      options: { out: { type: 'string', default: 'out' }, help: { type: 'boolean', short: 'h', default: false } },
    });
  } catch (error) {
    const [reason] = /** @type {Error} */ (error).message.split(/\. |\n/);
    throw new UsageError(`${reason}; the options are --out DIR and --help.`);
  }
}

/** @param {string[]} words */
const quoted = (words) => words.map((word) => `'${word}'`).join(', ');
