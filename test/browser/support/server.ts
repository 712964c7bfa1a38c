import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileOf } from '../../../site/static.mjs';
import { bundle } from '../../support/bundle';
import { ISOLATION } from './installed.mjs';

/** How a page is served, and what its module is called with. */
export interface PageOptions {
  /** Whether the page is cross-origin isolated, so that it has shared memory. Default: false. */
  isolated?: boolean;
  /** Further headers of the page, such as a content security policy. */
  headers?: Readonly<Record<string, string>>;
  /** Whether the page has the entries of `downhill/slim` for those of `downhill`. Default: false. */
  slim?: boolean;
  /** What the page's default export is called with: anything that JSON can say. */
  parameters?: unknown;
}

/** The built package: its modules, and the code of workers and the kernels for pages that do not take them inlined. */
const DIST = join(import.meta.dirname, '../../../dist');

/** Where a test puts the page of site/. */
export const SITE: string = join(import.meta.dirname, '../../../build/site');

/** Folders that are served beside the page: the package where `npm install` puts it, and the page of site/. */
const FOLDERS = { '/node_modules/downhill/dist': DIST, '/site': SITE };

/** The kernels, as a server should call them, and as one does that knows no better. */
const KERNELS = { '/kernels.wasm': 'application/wasm', '/kernels.bin': 'text/plain' };

interface File {
  type: string;
  text: string | Uint8Array;
  headers: Record<string, string>;
}

/** What a page tells: its module's result, or what was thrown. */
export type Answer = { value: unknown } | { error: string };

const html = (parameters: unknown) => `<!doctype html>
<meta charset="utf-8">
<title>downhill</title>
<script type="module">
  globalThis.answer = async () => {
    try {
      const { default: run } = await import('/page.js');
      return JSON.stringify({ value: await run(${JSON.stringify(parameters ?? null).replaceAll('<', '\\u003c')}) });
    } catch (error) {
      return JSON.stringify({ error: String(error) + '\\n' + error?.stack });
    }
  };
</script>`;

/** Serves one page: a module of test/browser/pages, bundled, whose default export `answer()` calls. */
export class Server {
  readonly #server = createServer((request, response) => {
    const url = request.url ?? '/';
    const file = this.#files.get(url) ?? beside(url);
    if (file) reply(response, file);
    else response.writeHead(404).end();
  });
  readonly #files = new Map<string, File>();

  /** The page's address. */
  async serve(page: string, { isolated = false, headers = {}, slim, parameters }: PageOptions): Promise<string> {
    const all = { ...(isolated ? ISOLATION : {}), ...headers };
    const set = (url: string, type: string, text: string | Uint8Array) =>
      this.#files.set(url, { type, text, headers: all });
    set('/', 'text/html', html(parameters));
    set('/page.js', 'text/javascript', await bundle(`browser/pages/${page}`, { slim }));
    set('/thread.js', 'text/javascript', readFileSync(join(DIST, 'thread.js')));
    for (const [url, type] of Object.entries(KERNELS)) set(url, type, readFileSync(join(DIST, 'kernels.wasm')));
    if (!this.#server.listening) await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    if (this.#server.listening) await once(this.#server.close(), 'close');
  }
}

/** A file of one of the folders. */
function beside(url: string): File | undefined {
  const [name, folder] = Object.entries(FOLDERS).find(([prefix]) => url.startsWith(`${prefix}/`)) ?? [];
  const file = name && folder && fileOf(folder, url.slice(name.length));
  return file ? { ...file, headers: {} } : undefined;
}

function reply(response: ServerResponse, file: File): void {
  response.writeHead(200, { 'content-type': file.type, 'cache-control': 'no-store', ...file.headers }).end(file.text);
}
