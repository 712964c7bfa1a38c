// @ts-check
import { fileURLToPath } from 'node:url';
import { compiled } from './compile.mjs';

const SOURCES = ['../functions.ts', '../../assembly/math.ts', '../../assembly/lanes.ts'];
const BINARY = fileURLToPath(new URL('../build/functions.wasm', import.meta.url));

/** Floats that one call takes. */
export const CHUNK = 2 ** 20;
const PAGES = (3 * CHUNK * 4) / 65536 + 1;

/** The functions of assembly/math.ts over `CHUNK` floats: `x` and `y` are what they take, `z` is what they give. */
export async function startFunctions() {
  const memory = new WebAssembly.Memory({ initial: PAGES });
  const paths = SOURCES.map((path) => fileURLToPath(new URL(path, import.meta.url)));
  const { instance } = await WebAssembly.instantiate(await compiled(BINARY, paths), { env: { memory } });
  const at = (/** @type {number} */ i) => 65536 + i * CHUNK * 4;
  const [x, y, z] = [0, 1, 2].map((i) => new Float32Array(memory.buffer, at(i), CHUNK));
  const functions = /** @type {Record<string, (...args: number[]) => void>} */ (instance.exports);
  return {
    x: /** @type {Float32Array<ArrayBuffer>} */ (x),
    y: /** @type {Float32Array<ArrayBuffer>} */ (y),
    z: /** @type {Float32Array<ArrayBuffer>} */ (z),
    /** Calls a function by its name. */
    apply(/** @type {string} */ name) {
      const args = name === 'pow' ? [at(0), at(1), at(2)] : [at(0), at(2)];
      functions[name]?.(...args, CHUNK);
    },
  };
}
