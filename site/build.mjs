// @ts-check
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const HERE = import.meta.dirname;
const FILES = ['style.css', 'layout.css', 'draw.css', 'icon.svg'];

/** The page, with each view where it is named: `<!-- line -->`. */
async function html() {
  const read = (/** @type {string} */ name) => readFile(join(HERE, name), 'utf8');
  const [frame = '', ...parts] = (await read('index.html')).split(/<!-- (\w+) -->/);
  const filled = parts.map((part, i) => (i % 2 === 0 ? read(`views/${part}.html`) : part));
  return [frame, ...(await Promise.all(filled))].join('');
}

/**
 * Writes the page into a folder: static files that any server serves, or a browser opens from the disk.
 * @param {string} folder
 */
export async function buildSite(folder) {
  await mkdir(folder, { recursive: true });
  await Promise.all(FILES.map((name) => cp(join(HERE, name), join(folder, name))));
  await writeFile(join(folder, 'index.html'), await html());
  await build({
    entryPoints: [join(HERE, 'src/main.ts')],
    outfile: join(folder, 'page.js'),
    bundle: true,
    minify: true,
    // A script, not a module: browsers load no modules from the disk.
    format: 'iife',
    target: 'es2022',
    logLevel: 'warning',
    // The repository's own paths lead to src/.
    tsconfigRaw: {},
  });
}
