// @ts-check
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { buildSite } from './build.mjs';
import { fileOf } from './static.mjs';

const HELP = `Usage: npm run site -- [--port N] [--build] [--out DIR]

  --port N    where the page is served (default: 8080)
  --build     only build it
  --out DIR   the folder that it is built into (default: out/site)`;

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8080' },
    build: { type: 'boolean', default: false },
    out: { type: 'string', default: join('out', 'site') },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) console.log(HELP);
else await run();

async function run() {
  const folder = join(process.cwd(), values.out);
  await buildSite(folder);
  console.log(`built into ${relative('.', folder)}: static files, for any server`);
  if (!values.build) await serve(folder);
}

/** @param {string} folder */
async function serve(folder) {
  const server = createServer((request, response) => {
    const file = fileOf(folder, request.url ?? '/');
    if (file) response.writeHead(200, { 'content-type': file.type, 'cache-control': 'no-cache' }).end(file.text);
    else response.writeHead(404).end();
  });
  server.listen(Number(values.port), '127.0.0.1');
  await once(server, 'listening');
  console.log(`open http://localhost:${values.port}/ (Ctrl+C ends it)`);
}
