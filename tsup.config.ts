import { defineConfig } from 'tsup';

export default defineConfig({
  entry: { index: 'src/index.ts', nn: 'src/nn/index.ts', optim: 'src/optim/index.ts', data: 'src/data/index.ts' },
  format: 'esm',
  target: 'es2022',
  dts: true,
  splitting: true,
  treeshake: true,
  clean: true,
  loader: { '.wasm': 'base64' },
});
