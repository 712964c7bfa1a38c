// @ts-check
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const HERE = import.meta.dirname;
const FILES = ['index.html', 'style.css', 'draw.css', 'icon.svg'];

/**
 * Writes the page into a folder: static files that any server serves, or a browser opens from the disk.
 * @param {string} folder
 */
export async function buildSite(folder) {
  await mkdir(folder, { recursive: true });
  await Promise.all(FILES.map((name) => cp(join(HERE, name), join(folder, name))));
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
