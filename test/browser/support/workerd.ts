import { copyFileSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from '../../support/bundle';
import { Leashed } from '../../support/leash';
import type { Engine } from './engine';
import { answering, folderFor, packaged } from './processes';
import type { Answer } from './server';

const PROGRAM = packaged('@cloudflare/workerd-linux-64/bin/workerd');
const KERNELS = join(import.meta.dirname, '../../../dist/kernels.wasm');

/** Answers a request with what a page's default export returns. */
const main = (parameters: unknown) => `
import run from './page.mjs';
export default {
  async fetch() {
    ${answering(parameters)}
    return new Response(JSON.stringify(answer));
  },
};`;

/** https://github.com/cloudflare/workerd/blob/main/src/workerd/server/workerd.capnp */
const config = (date: string) => `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [
    (name = "main.mjs", esModule = embed "main.mjs"),
    (name = "page.mjs", esModule = embed "page.mjs"),
    (name = "kernels.wasm", wasm = embed "kernels.wasm"),
  ],
  compatibilityDate = "${date}",
);`;

/** Cloudflare's workerd as of a date, which decides what it has. */
function workerd(date: string): Engine {
  const name = `workerd of ${date}`;
  return {
    name,
    toInstall: existsSync(PROGRAM) ? undefined : 'npm run engines',
    async launch() {
      const folder = folderFor(name);
      copyFileSync(KERNELS, join(folder, 'kernels.wasm'));
      return {
        async run(page, { parameters, slim }) {
          const text = await bundle(`browser/pages/${page}`, { slim, conditions: ['workerd'] });
          writeFileSync(join(folder, 'page.mjs'), text);
          writeFileSync(join(folder, 'main.mjs'), main(parameters));
          writeFileSync(join(folder, 'config.capnp'), config(date));
          const leashed = new Leashed([PROGRAM, 'serve', join(folder, 'config.capnp'), '--control-fd=1']);
          try {
            const port = await leashed.hear(/"port":(\d+)/);
            const response = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(120_000) });
            if (!response.ok) throw new Error(`${name} answered ${response.status} and said:\n${leashed.said}`);
            return (await response.json()) as Answer;
          } finally {
            await leashed.release();
          }
        },
        close: async () => rmSync(folder, { recursive: true, force: true }),
      };
    },
  };
}

/** Without what Node has, without MessageChannel and FinalizationRegistry; and with all of it. */
export const WORKERDS: readonly Engine[] = [workerd('2024-01-01'), workerd('2026-11-01')];
