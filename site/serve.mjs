// @ts-check
import { once } from 'node:events';
import { createServer } from 'node:http';
import { networkInterfaces } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildSite } from './build.mjs';
import { fileOf } from './static.mjs';

const HELP = `Usage: npm run site -- [--port N] [--host ADDRESS] [--build] [--out DIR]

  --port N          where the page is served (default: 8080)
  --host ADDRESS    who may ask for it: 0.0.0.0 for others in the same network (default: 127.0.0.1, this machine)
  --build           only build it
  --out DIR         the folder that it is built into (default: out/site)`;

/** @type {import('node:util').ParseArgsConfig['options']} */
const OPTIONS = {
  port: { type: 'string', default: '8080' },
  host: { type: 'string', default: '127.0.0.1' },
  build: { type: 'boolean', default: false },
  out: { type: 'string', default: join('out', 'site') },
  help: { type: 'boolean', short: 'h', default: false },
};

try {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) console.log(HELP);
  else await run(/** @type {Record<string, string>} */ (values));
} catch (error) {
  const { code, message, port } = /** @type {NodeJS.ErrnoException & { port?: number }} */ (error);
  if (!code) throw error;
  const isTaken = code === 'EADDRINUSE';
  const taken = `Port ${port} is taken; choose another: npm run site -- --port ${Number(port) + 1}`;
  console.error(isTaken ? taken : `${message}\n\n${HELP}`);
  process.exitCode = isTaken ? 1 : 2;
}

/** @param {Record<string, string>} options */
async function run({ port = '', host = '', build, out = '' }) {
  if (!/^\d+$/.test(port) || Number(port) > 65535) {
    const message = `--port is "${port}"; it must be a whole number from 0 to 65535.`;
    throw Object.assign(new RangeError(message), { code: 'ERR_SOCKET_BAD_PORT' });
  }
  const folder = resolve(out);
  await buildSite(folder);
  console.log(`built into ${relative('.', folder)}: static files, for any server`);
  if (!build) await serve(folder, { port: Number(port), host });
}

/**
 * @param {string} folder
 * @param {{ port: number, host: string }} where
 */
async function serve(folder, { port, host }) {
  const server = createServer((request, response) => {
    const file = fileOf(folder, request.url ?? '/');
    if (file) response.writeHead(200, { 'content-type': file.type, 'cache-control': 'no-cache' }).end(file.text);
    else response.writeHead(404).end();
  });
  await once(server.listen(port, host), 'listening');
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  const urls = namesOf(host).map((name) => `http://${name}:${address.port}/`);
  console.log(`open ${urls.join(' or ')} (Ctrl+C ends it)`);
}

/**
 * What a browser calls this machine: where all may ask, this one's name for itself first and then those that others know.
 * @param {string} host
 */
function namesOf(host) {
  if (host === '127.0.0.1') return ['localhost'];
  if (host !== '0.0.0.0') return [host.includes(':') ? `[${host}]` : host];
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const others = all.filter(({ family, internal }) => family === 'IPv4' && !internal);
  return ['localhost', ...others.map(({ address }) => address)];
}
