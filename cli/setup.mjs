// @ts-check
// Runs before `npm start` and `npm test`: installs and builds what is missing or out of date, and says nothing if
// nothing is. Plain Node, because it runs before there is a node_modules.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const SOURCES = ['assembly', 'src', 'asconfig.json', 'tsup.config.ts', 'tsconfig.json', 'package.json'];

const at = (/** @type {string} */ path) => join(ROOT, path);
const readJson = (/** @type {string} */ path) => JSON.parse(readFileSync(at(path), 'utf8'));

/**
 * The path, and all that is below it if it is a folder: removing a file changes its folder's time.
 * @param {string} path
 * @returns {string[]}
 */
function withContents(path) {
  if (!existsSync(at(path))) return [];
  if (!statSync(at(path)).isDirectory()) return [path];
  return [path, ...readdirSync(at(path)).flatMap((name) => withContents(join(path, name)))];
}

const newest = (/** @type {string[]} */ paths) => Math.max(...paths.map((path) => statSync(at(path)).mtimeMs));

/**
 * The files that package.json's `exports` promises, from the build.
 * @param {string | Record<string, any>} entry
 * @returns {string[]}
 */
function promised(entry) {
  if (typeof entry === 'string') return entry.startsWith('./dist/') ? [entry] : [];
  return Object.keys(entry).flatMap((key) => promised(entry[key]));
}

/** A version's first two numbers as one, to be compared. */
function rank(/** @type {string} */ version) {
  const [major = 0, minor = 0] = (version.match(/\d+/g) || []).map(Number);
  return major * 1000 + minor;
}

function checkNode() {
  const { node } = process.versions;
  const needed = readJson('package.json').engines.node;
  if (rank(node) < rank(needed)) stop(`this is Node ${node}, and ${needed} is needed: see https://nodejs.org.`);
}

/** Whether node_modules holds what package-lock.json says; packages for other platforms may be absent. */
function isInstalled() {
  if (!existsSync(at('package-lock.json'))) return existsSync(at('node_modules'));
  if (!existsSync(at('node_modules/.package-lock.json'))) return false;
  const wanted = readJson('package-lock.json').packages;
  const held = readJson('node_modules/.package-lock.json').packages;
  return Object.keys(wanted).every((path) => {
    if (path === '') return true;
    if (held[path] === undefined) return wanted[path].optional === true || wanted[path].devOptional === true;
    return held[path].version === wanted[path].version && held[path].integrity === wanted[path].integrity;
  });
}

/** Whether the lock file names every optional package, as `npm ci` demands: one written behind a mirror may not. */
function isLockComplete() {
  const locked = readJson('package-lock.json').packages;
  const names = new Set(Object.keys(locked).map((path) => path.slice(path.lastIndexOf('node_modules/') + 13)));
  return Object.keys(locked).every((path) =>
    Object.keys(locked[path].optionalDependencies || {}).every((name) => names.has(name)),
  );
}

function install() {
  const flags = ['--include=dev', '--no-audit', '--no-fund'];
  if (!existsSync(at('package-lock.json'))) npm(['install', ...flags]);
  else if (isLockComplete()) npm(['ci', ...flags]);
  else npm(['install', '--no-save', ...flags]);
}

function isBuilt() {
  const outputs = promised(readJson('package.json').exports);
  const kernels = withContents('build');
  if (kernels.length === 0 || !outputs.every((path) => existsSync(at(path)))) return false;
  const changed = newest(SOURCES.flatMap(withContents));
  return newest(kernels) >= changed && outputs.every((path) => newest([path]) >= changed);
}

/**
 * Runs npm: the one that runs us, if it does, else the one on the path.
 * @param {string[]} words
 */
function npm(words) {
  console.log(`setup: npm ${words.join(' ')}`);
  const isWindows = process.platform === 'win32';
  const running = process.env.npm_execpath || '';
  const [file, first] = running.endsWith('npm-cli.js') ? [process.execPath, [running]] : ['npm', []];
  const result = spawnSync(file, [...first, ...words], {
    cwd: ROOT,
    stdio: 'inherit',
    shell: file === 'npm' && isWindows,
  });
  if (result.error) stop(`npm ${words[0]} could not be started: ${result.error.message}`);
  if (result.status === 0) return;
  const how = result.signal || `exit code ${result.status}`;
  stop(`npm ${words.join(' ')} failed (${how}); what it printed above says why.`, result.status);
}

/**
 * @param {string} reason
 * @param {number | null} [code]
 * @returns {never}
 */
function stop(reason, code) {
  console.error(`setup: ${reason}`);
  process.exit(code || 1);
}

checkNode();
if (!isInstalled()) install();
if (!isBuilt()) npm(['run', 'build']);
