import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { jaxJs, loadJax } from './jax.mjs';
import { native, versionOf } from './native.mjs';
import { loadTfjs, tfjs } from './tfjs.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
/** A rival's runs are at most so many updates, in whole passes. */
const MOST_UPDATES = 500;

/** Installs the packages that are compared with, where they are not there yet. */
function install() {
  if (existsSync(`${HERE}node_modules/.package-lock.json`)) return;
  console.log('Installing the rivals into bench/rivals, once …');
  const flags = [
    '--no-workspaces',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--no-package-lock',
    '--loglevel=error',
  ];
  execFileSync('npm', ['install', ...flags], { cwd: HERE, stdio: ['ignore', 'ignore', 'inherit'] });
}

const packageVersion = (name) => JSON.parse(readFileSync(`${HERE}node_modules/${name}/package.json`, 'utf8')).version;

const PACKAGES = [
  { name: 'tfjs', package: '@tensorflow/tfjs', load: loadTfjs, make: tfjs },
  { name: 'jax-js', package: '@jax-js/jax', load: loadJax, make: jaxJs },
];

/** Of scikit-learn's networks those of three classes and more have the same loss. */
const isClassifier = ({ sizes, loss }) => loss === 'crossEntropy' && sizes.at(-1) > 2;

const NATIVE = [
  { name: 'torch', fits: () => true },
  { name: 'numpy', fits: () => true },
  { name: 'sklearn', fits: isClassifier },
];

async function loadPackage(rival) {
  try {
    const library = await rival.load();
    const make = (spec, updates) => rival.make(library, spec, updates);
    return { line: `${rival.name} ${packageVersion(rival.package)}`, make, fits: () => true };
  } catch (error) {
    return { line: `${rival.name} is left out: ${error.message.split('\n')[0]}` };
  }
}

function loadNative({ name, fits }) {
  const version = versionOf(name);
  if (!version) return { line: `${name} is left out: python3 cannot import it` };
  return { line: `${name} ${version}`, make: (spec, updates) => native(name, spec, updates), fits };
}

/**
 * Whoever is here to be compared with: lines that say who, and `of(spec, updates)`, which makes a contender of each for a
 * workload of so many updates.
 */
export async function loadRivals() {
  try {
    install();
  } catch (error) {
    console.log(`npm could not install the rivals: ${error.message.split('\n')[0]}`);
  }
  const all = [...(await Promise.all(PACKAGES.map(loadPackage))), ...NATIVE.map(loadNative)];
  const lines = [
    ...all.map(({ line }) => line),
    'brain.js is left out: it has neither mini-batches nor a linear output',
  ];
  const of = (spec, updates) => {
    const length = Math.ceil(spec.data.rows / spec.batch);
    const passes = Math.min(updates / length, Math.max(1, Math.floor(MOST_UPDATES / length)));
    return all.filter(({ make, fits }) => make && fits(spec)).map(({ make }) => make(spec, passes * length));
  };
  return { lines, of };
}
