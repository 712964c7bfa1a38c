import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { pages } from './pages.mjs';

const WORKER = fileURLToPath(new URL('./worker.mjs', import.meta.url));
const packaged = (path) => fileURLToPath(new URL(`../../test/engines/node_modules/${path}`, import.meta.url));

function inProcesses(name, [file, ...flags]) {
  const run = (work, argument) =>
    JSON.parse(
      execFileSync(file, [...flags, WORKER, work, JSON.stringify(argument)], { encoding: 'utf8', timeout: 300_000 }),
    );
  return {
    name,
    toInstall: existsSync(file) ? undefined : 'npm run engines',
    open: async () => ({ run, close() {} }),
  };
}

/** This Node, the engines that `npm run engines` installs, and browsers. Opened, one runs works by name, each in a process or page of its own. */
export const ENGINES = [
  inProcesses(`Node ${process.versions.node.split('.')[0]}`, [process.execPath]),
  inProcesses('Node 22', [packaged('node22/bin/node')]),
  inProcesses('Node 24', [packaged('node24/bin/node')]),
  inProcesses('Bun', [packaged('@oven/bun-linux-x64/bin/bun')]),
  inProcesses('Deno', [packaged('@deno/linux-x64-glibc/deno'), 'run', '--allow-all']),
  ...pages,
];

/** Calls `each` with every engine that is installed, opened, and says of the others how to get them. */
export async function withEngines(each) {
  for (const engine of ENGINES) {
    if (engine.toInstall) {
      console.log(`${engine.name}: not installed, ${engine.toInstall}`);
      continue;
    }
    const opened = await engine.open();
    try {
      await each(engine.name, opened.run);
    } finally {
      await opened.close();
    }
  }
}
