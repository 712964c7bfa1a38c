import { readFile, writeFile } from 'node:fs/promises';
import { defineConfig } from 'tsup';
import { textOf } from './src/wasm/text';
import { CODE } from './src/wasm/thread';

const entry = {
  index: 'src/index.ts',
  nn: 'src/nn/index.ts',
  optim: 'src/optim/index.ts',
  data: 'src/data/index.ts',
  io: 'src/io/index.ts',
  worker: 'src/worker/index.ts',
};

export default defineConfig({
  // In a file of their own the kernels come first in a bundle: between the modules they would keep gzip from what these share.
  entry: { ...entry, kernels: 'build/kernels.wasm', init: 'src/nn/init.ts' },
  format: 'esm',
  target: 'es2022',
  dts: { entry },
  splitting: true,
  // No file of ours has side effects: who takes nothing of it need not import it, and a bundler would warn of that.
  treeshake: { moduleSideEffects: false },
  clean: true,
  onSuccess: () => writeFile('dist/thread.js', CODE),
  esbuildPlugins: [
    {
      // As an object in the midst of others a namespace would be in every bundle; as a file it is where it is used.
      name: 'namespace-as-file',
      setup({ onResolve }) {
        onResolve({ filter: /^\.\/init$/ }, () => ({ path: './init.js', external: true }));
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
      name: 'wasm-as-text',
      setup({ onLoad }) {
        onLoad({ filter: /\.wasm$/ }, async ({ path }) => ({ contents: textOf(await readFile(path)), loader: 'text' }));
      },
    },
  ],
});
