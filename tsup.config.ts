import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { defineConfig, type Options } from 'tsup';
import { textOf } from './src/wasm/text';
import { CODE } from './src/wasm/thread';

const entry = {
  index: 'src/index.ts',
  io: 'src/io/index.ts',
  nn: 'src/nn/index.ts',
  optim: 'src/optim/index.ts',
  data: 'src/data/index.ts',
  worker: 'src/worker/index.ts',
};
const slimEntry = { ...entry, index: 'src/slim/index.ts' };

const kernels = readFileSync('build/kernels.wasm');
const kernelsName = createHash('sha256').update(kernels).digest('hex').slice(0, 16);

/** The kernels with their name in a custom section: https://webassembly.github.io/spec/core/binary/modules.html#custom-section */
function namedKernels(): Buffer {
  const [section, name] = ['downhill', kernelsName].map((text) => Buffer.from(text)) as [Buffer, Buffer];
  const head = [0, 1 + section.length + name.length, section.length];
  return Buffer.concat([kernels, Buffer.from(head), section, name]);
}

/**
 * What comes first in the file that the entries share, and in a bundle: on the order it depends how small that gets. Between the
 * modules the kernels would keep gzip from what these have in common.
 */
const FIRST = ['wasm/source/inlined', 'train/fit', 'models/index', 'index'];

/** A namespace as a plain object: unlike one, a bundler leaves it out where it is not used. */
function asObject(_: string, name: string, from: string): string {
  const names = [...readFileSync(`src/nn/${from}.ts`, 'utf8').matchAll(/^export function (\w+)/gm)].map(
    ([, name]) => name,
  );
  return `import { ${names} } from '${from}';\nexport const ${name} = { ${names} };`;
}

/** The library with its kernels from one of src/wasm/source/, in a folder: what has the kernels is the one difference. */
function build(source: 'inlined' | 'slim' | 'workerd', outDir: string, options: Options): Options {
  const up = source === 'inlined' ? '.' : '..';
  const asFiles: [RegExp, string][] = [
    [/^\.\/used$/, `${up}/used.js`],
    [/^downhill\/kernels\.wasm$/, `${up}/kernels.wasm`],
  ];
  return {
    outDir,
    format: 'esm',
    target: 'es2022',
    splitting: true,
    // No file of ours has side effects: who takes nothing of it need not import it, and a bundler would warn of that.
    treeshake: { moduleSideEffects: false },
    define: { KERNELS: JSON.stringify(kernelsName) },
    ...options,
    esbuildPlugins: [
      {
        // Each file that a program loads takes time: every entry reaches everything, so that all they share is one file.
        name: 'one-file',
        setup({ onLoad, onResolve, resolve }) {
          onResolve({ filter: /^\./ }, async ({ path, pluginData, ...from }) => {
            if (pluginData === 'one-file') return undefined;
            return { ...(await resolve(path, { ...from, pluginData: 'one-file' })), sideEffects: true };
          });
          onLoad({ filter: /src\/\w+\/index\.ts$/ }, async ({ path }) => {
            const code = (await readFile(path, 'utf8')).replace(/^export \* as (\w+) from '(.*)';$/gm, asObject);
            return { contents: FIRST.map((file) => `import '../${file}';`).join('') + code, loader: 'ts' };
          });
        },
      },
      {
        name: 'as-files',
        setup({ onResolve }) {
          for (const [filter, path] of asFiles) onResolve({ filter }, () => ({ path, external: true }));
        },
      },
      {
        // Modules, losses, optimizers and schedules say what they are, also where a bundler shortens the names of classes.
        name: 'names-of-classes',
        setup({ onLoad }) {
          onLoad({ filter: /src\/(nn|optim)\/.*\.ts$/ }, async ({ path }) => {
            const code = await readFile(path, 'utf8');
            const contents = code.replace(/^export class (\w+) .*\{$/gm, "$& static get name() { return '$1'; }");
            return { contents, loader: 'ts' };
          });
        },
      },
      {
        name: 'kernels',
        setup({ onLoad }) {
          const from = `src/wasm/source/${source}.ts`;
          onLoad({ filter: /[\\/]inlined\.ts$/ }, async () => ({
            contents: await readFile(from, 'utf8'),
            loader: 'ts',
          }));
          onLoad({ filter: /\.wasm$/ }, () => ({ contents: textOf(kernels), loader: 'text' }));
        },
      },
    ],
  };
}

export default defineConfig([
  build('inlined', 'dist', {
    entry: { ...entry, used: 'src/wasm/used.ts' },
    // Tensors are disposable, which libraries of TypeScript before ESNext do not know.
    dts: { entry: { ...entry, slim: slimEntry.index }, banner: '/// <reference lib="esnext.disposable" />' },
    clean: ['!slim', '!workerd'],
    async onSuccess() {
      await writeFile('dist/thread.js', CODE);
      await writeFile('dist/kernels.wasm', namedKernels());
    },
  }),
  build('slim', 'dist/slim', { entry: slimEntry, clean: true }),
  build('workerd', 'dist/workerd', { entry, clean: true }),
]);
