import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const TESTS = join(import.meta.dirname, '..');
const ROOT = join(TESTS, '..');

/** How a bundle is made. */
export interface BundleOptions {
  /** Take the entries of `downhill/slim` where the module and what it imports name those of `downhill`. Default: false. */
  slim?: boolean | undefined;
  /** The conditions of package.json's `exports` that hold. Default: none. */
  conditions?: string[];
}

/** Without the first, the second would hold for its entries too. */
const SLIM = { 'downhill/slim': 'downhill/slim', downhill: 'downhill/slim' };

/**
 * A module of test/ with everything that it imports, as one file that any engine runs. `downhill` in it is the built package,
 * as package.json exports it, which must not be older than its sources. What is imported of `.wasm` stays a file: `./kernels.wasm`.
 */
export async function bundle(path: string, { slim = false, conditions = [] }: BundleOptions = {}): Promise<string> {
  needFreshBuild();
  const { outputFiles } = await build({
    entryPoints: [join(TESTS, path)],
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    write: false,
    alias: slim ? SLIM : {},
    conditions,
    plugins: [
      {
        name: 'kernels-as-file',
        setup({ onResolve }) {
          onResolve({ filter: /\.wasm$/ }, () => ({ path: './kernels.wasm', external: true }));
        },
      },
    ],
    // What fails is thrown; the rest is about unused code.
    logLevel: 'silent',
    // The repository's own paths lead to src/.
    tsconfigRaw: {},
  });
  return outputFiles[0]?.text ?? '';
}

function newest(folder: string): number {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return Math.max(...paths.map((path) => statSync(join(folder, path)).mtimeMs));
}

function needFreshBuild(): void {
  const built = statSync(join(ROOT, 'dist/index.js'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (built < Math.max(newest(join(ROOT, 'src')), newest(join(ROOT, 'assembly')))) {
    throw new Error('dist/ is older than src/ or assembly/: `npm run build`, or `npm test`, which does it.');
  }
}
