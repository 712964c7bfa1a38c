// @ts-check
import { mkdir, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

// asconfig.json is that of the kernels.
const CONFIG = ['--config', 'none'];
const FLAGS = ['-O3', '--noAssert', '--importMemory', '--noExportMemory', '--runtime', 'stub', '--enable', 'simd'];

async function changed(/** @type {string} */ file) {
  return (await stat(file).catch(() => ({ mtimeMs: 0 }))).mtimeMs;
}

/**
 * AssemblyScript as bytes, compiled where one of the sources, of which the first is the entry, is newer than the binary.
 * @param {string} binary
 * @param {string[]} sources
 */
export async function compiled(binary, sources) {
  const newest = Math.max(...(await Promise.all(sources.map(changed))));
  if ((await changed(binary)) < newest) {
    await mkdir(dirname(binary), { recursive: true });
    const { default: asc } = await import('assemblyscript/asc');
    const { error, stderr } = await asc.main([/** @type {string} */ (sources[0]), '-o', binary, ...CONFIG, ...FLAGS]);
    if (error) throw new Error(`asc could not compile ${sources[0]}: ${stderr}`);
  }
  return readFile(binary);
}
