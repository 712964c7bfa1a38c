// @ts-check
import { readFileSync, statSync } from 'node:fs';
import { extname, join, sep } from 'node:path';

/** @type {Record<string, string>} */
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

/**
 * The file of a folder that a path of an address names, `index.html` where it ends with a slash; undefined if there is none.
 * @param {string} folder
 * @param {string} path
 */
export function fileOf(folder, path) {
  const [pathname = ''] = path.split(/[?#]/);
  const name = decoded(pathname.endsWith('/') ? `${pathname}index.html` : pathname);
  const file = join(folder, name ?? '');
  if (!file.startsWith(folder + sep) || !statSync(file, { throwIfNoEntry: false })?.isFile()) return undefined;
  return { type: TYPES[extname(file)] ?? 'application/octet-stream', text: readFileSync(file) };
}

/**
 * What an escaped path stands for, if anything.
 * @param {string} path
 */
function decoded(path) {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
