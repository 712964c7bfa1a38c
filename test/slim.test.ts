import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import type { From } from './browser/pages/slim';
import { describeEngines, PROCESS_NAMES } from './browser/support/describe';
import type { Way } from './determinism/perform';

const HASHES: Record<string, string> = JSON.parse(
  readFileSync(join(import.meta.dirname, 'determinism/hashes.json'), 'utf8'),
);
const some: Way = { names: ['linear model', 'wide layers', 'Dropout', 'optimizer Adam'] };
const committed = ({ names }: Way) =>
  Object.fromEntries(Object.entries(HASHES).filter(([n]) => names?.includes(n) ?? true));

const FILE = pathToFileURL(join(import.meta.dirname, '../dist/kernels.wasm')).href;
const EARLY =
  "StateError: The kernels are not there yet: `await loadKernels(source)`, from 'downhill/slim', before anything else.";
const COMPILED = 'a compiled module of the kernels takes no shared memory';

interface How {
  isolated?: boolean;
  address?: string;
  threads?: number;
  way?: Way;
}

interface Told {
  early: string;
  hashes: Record<string, string>;
  threads: number;
  why: string;
}

describeEngines((page) => {
  const isPage = !PROCESS_NAMES.includes(page.engine);
  const address = isPage ? '/kernels.wasm' : FILE;
  const run = (from: From, { isolated = false, ...rest }: How = {}) =>
    page.run('slim.ts', { slim: true, isolated, parameters: { from, address, way: some, ...rest } }) as Promise<Told>;

  it('the kernels from a URL end all runs with the bits that are written down', async () => {
    expect(await run('a URL', { way: {} })).toMatchObject({ early: EARLY, hashes: HASHES });
  });

  it.each([
    'a string',
    'a Response',
    'the promise of a Response',
    'an ArrayBuffer',
    'a Uint8Array',
    'a module',
  ] as const)('so do those from %s', async (from) => {
    expect(await run(from)).toMatchObject({ early: EARLY, hashes: committed(some) });
  });

  it('what is wrong with the kernels is said, and the right ones are taken after that', async () => {
    const missing = isPage ? '/nowhere.wasm' : FILE.replace('kernels', 'nowhere');
    const told = await page.run('wrongKernels.ts', { slim: true, parameters: { address, missing } });
    const right = 'it needs downhill/kernels.wasm of the same version of the package.';
    const kinds = 'give it downhill/kernels.wasm: bytes, a WebAssembly.Module, a Response, a URL or a string.';
    expect(told).toEqual({
      errors: {
        number: `OptionError: loadKernels got 5; ${kinds}`,
        nothing: `OptionError: loadKernels got undefined; ${kinds}`,
        missing: expect.stringMatching(
          /^StateError: loadKernels could not read ".*nowhere\.wasm" \(.*\b(404|ENOENT)\b.*\); it needs/s,
        ),
        response: `StateError: loadKernels could not read a response (Error: the server answers 410); ${right}`,
        page: expect.stringMatching(
          /^FormatError: loadKernels got 15 bytes that do not compile \(CompileError.*\); it needs/s,
        ),
        other: `FormatError: loadKernels got another module; ${right}`,
        compiled: `FormatError: loadKernels got another module; ${right}`,
        version: `FormatError: loadKernels got another version's kernels; ${right}`,
        late: expect.stringMatching(/^StateError: configure was called after/),
      },
      sum: 3,
    });
  });

  it.each(['downhill', 'downhill/slim'])('a program that uses %s may not use the other one too', async (first) => {
    const told = (await page.run('mixed.ts', { parameters: { first, address } })) as { errors: Record<string, string> };
    const refused =
      "StateError: This program imports from both 'downhill' and 'downhill/slim', which share nothing; take all from one of them.";
    const deeds = ['tensor', 'configure', 'manualSeed', 'noGrad', ...(first === 'downhill' ? ['loadKernels'] : [])];
    expect(told).toEqual({ errors: Object.fromEntries(deeds.map((deed) => [deed, refused])), sum: 3 });
  });

  it('a compiled module has one thread, and says why', async () => {
    const told = await run('a module', { isolated: true });
    expect(told).toMatchObject({ threads: 1, why: COMPILED, hashes: committed(some) });
  });

  it('threads have them from the bytes', async () => {
    expect(await run('a URL', { isolated: true, threads: 2 })).toMatchObject({ hashes: committed(some), threads: 2 });
  });

  if (isPage) {
    it('the server may call the kernels what it likes', async () => {
      expect(await run('a URL', { address: '/kernels.bin' })).toMatchObject({ hashes: committed(some) });
    });

    it.each(['a URL', 'a module'] as const)('a worker has them from %s', async (from) => {
      const way: Way = { ...some, worker: 'copied' };
      expect(await run(from, { way })).toMatchObject({ hashes: committed(way) });
    });
  }
});
