import { readFile } from 'node:fs/promises';
import { defineConfig } from 'tsup';
import { textOf } from './src/wasm/text';

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    nn: 'src/nn/index.ts',
    optim: 'src/optim/index.ts',
    data: 'src/data/index.ts',
    io: 'src/io/index.ts',
  },
  format: 'esm',
  target: 'es2022',
  dts: true,
  splitting: true,
  treeshake: true,
  clean: true,
  esbuildPlugins: [
    {
      name: 'wasm-as-text',
      setup({ onLoad }) {
        onLoad({ filter: /\.wasm$/ }, async ({ path }) => ({ contents: textOf(await readFile(path)), loader: 'text' }));
      },
    },
  ],
});
