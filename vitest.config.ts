import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { textOf } from './src/wasm/text';

const source = (path: string) => fileURLToPath(new URL(`src/${path}`, import.meta.url));

export default defineConfig({
  plugins: [
    {
      name: 'wasm-as-text',
      enforce: 'pre',
      load(id) {
        return id.endsWith('.wasm') ? `export default ${JSON.stringify(textOf(readFileSync(id)))}` : undefined;
      },
    },
  ],
  resolve: {
    alias: [
      { find: /^downhill$/, replacement: source('index.ts') },
      { find: /^downhill\/(nn|optim|data|io|worker|slim)$/, replacement: source('$1/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts', '{cli,bench}/test/**/*.test.mjs', 'site/test/**/*.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    globalSetup: 'test/support/missing.ts',
  },
});
