import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from '../../support/bundle';
import { Leashed } from '../../support/leash';
import type { Engine } from './engine';

const ROOT = join(import.meta.dirname, '../../..');

/** A folder for an engine's files, with their owner in its name. */
export function folderFor(name: string): string {
  const folder = join(ROOT, 'build/engines', `${name.replaceAll(' ', '-')}-${process.pid}-${performance.now()}`);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Where `npm run engines` puts a package's file. */
export const packaged = (path: string) => join(ROOT, 'test/engines/node_modules', path);

/** Calls a page's default export, `run`, for its answer. */
export const answering = (parameters: unknown) => `
const answer = await (async () => run(${JSON.stringify(parameters ?? null)}))().then(
  (value) => ({ value }),
  (error) => ({ error: String(error) + '\\n' + error?.stack }),
);`;

/** Prints a page's answer. */
const main = (page: string, parameters: unknown) => `
const { default: run } = await import('./${page}');
${answering(parameters)}
console.log('\\nanswer: ' + JSON.stringify(answer));
`;

/** An engine without pages: a program that runs a module. */
function processEngine(name: string, command: readonly string[]): Engine {
  return {
    name,
    toInstall: existsSync(command[0] as string) ? undefined : 'npm run engines',
    async launch() {
      const folder = folderFor(name);
      return {
        async run(page, { parameters, slim }) {
          writeFileSync(join(folder, 'page.mjs'), await bundle(`browser/pages/${page}`, { slim }));
          writeFileSync(join(folder, 'main.mjs'), main('page.mjs', parameters));
          const leashed = new Leashed([...command, join(folder, 'main.mjs')]);
          try {
            return JSON.parse(await leashed.hear(/^answer: (.*)\n/m, 50_000));
          } finally {
            await leashed.release();
          }
        },
        close: async () => rmSync(folder, { recursive: true, force: true }),
      };
    },
  };
}

/** Node with no more than what the oldest browsers have. */
export const BASELINE: Engine = processEngine('Node without what is newer than the baseline', [
  process.execPath,
  '--import',
  join(import.meta.dirname, 'baseline.mjs'),
]);

/** Node that runs the tests, and the engines that `npm run engines` installs. */
export const PROCESSES: readonly Engine[] = [
  processEngine('this Node', [process.execPath]),
  processEngine('Node 22', [packaged('node22/bin/node')]),
  processEngine('Node 24', [packaged('node24/bin/node')]),
  processEngine('Bun', [packaged('@oven/bun-linux-x64/bin/bun')]),
  processEngine('Deno', [packaged('@deno/linux-x64-glibc/deno'), 'run', '--allow-all', '--no-config']),
];
