import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { defineConfig, type Options } from 'tsup';
import { textOf } from './src/wasm/text';
import { CODE } from './src/wasm/thread';

// The order of the entries is that of the code in a bundle, on which it depends how small that gets: test/size.test.ts.
const entry = {
  io: 'src/io/index.ts',
  index: 'src/index.ts',
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

/** The library with its kernels from one of src/wasm/source/, in a folder: what has the kernels is the one difference. */
function build(source: 'inlined' | 'slim' | 'workerd', outDir: string, options: Options): Options {
  const up = source === 'inlined' ? '.' : '..';
  const asFiles: [RegExp, string][] = [
    // As an object in the midst of others a namespace would be in every bundle; as a file it is where it is used.
    [/^\.\/init$/, './init.js'],
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
    entry: { ...(options.entry as Record<string, string>), init: 'src/nn/init.ts' },
    esbuildPlugins: [
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
    // In a file of their own the kernels come first in a bundle: between the modules they would keep gzip from what these share.
    entry: { ...entry, kernels: 'build/kernels.wasm', used: 'src/wasm/used.ts' },
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
