import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { runtimeInfo } from 'downhill';
import { countsProcessorTime } from './clock.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

function git(...args) {
  try {
    return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
}

/** Who measured: machine, engine, build and commit. */
export function signature() {
  const { build, threads } = runtimeInfo();
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const changes = git('status', '--porcelain') ? ' with changes' : '';
  return {
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    node: process.versions.node,
    v8: process.versions.v8,
    commit: `${git('rev-parse', '--short', 'HEAD') ?? 'unknown'}${changes}`,
    time: countsProcessorTime() ? 'of the processor' : 'of the clock',
    build: `downhill ${version}, ${build}, ${threads} thread${threads === 1 ? '' : 's'}`,
  };
}

const figures = ({ median, lower, upper, max }) =>
  `${median.toFixed(1)} (${lower.toFixed(1)} to ${upper.toFixed(1)}, at best ${max.toFixed(1)})`;

export function header(who, limits) {
  return [
    `${who.date}   ${who.build}   commit ${who.commit}`,
    `${who.cpu}, ${who.cores} cores, ${who.memory}   Node ${who.node}, V8 ${who.v8}   time ${who.time}`,
    `peak of mul+add on f32x4, one core: ${figures(limits.gflops)} GFLOP/s   memory, read: ${figures(limits.gbytes)} GB/s`,
  ].join('\n');
}
