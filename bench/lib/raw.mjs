import { readFileSync } from 'node:fs';

const BINARY = new URL('../../build/kernels.wasm', import.meta.url);
const NAMES = new URL('../../assembly/kernel.ts', import.meta.url);
const PAGE = 65536;
const LINE = 64;

/** The numbers of an enumeration in assembly/kernel.ts, by name. */
function numbersOf(name) {
  const [, body] = readFileSync(NAMES, 'utf8').match(new RegExp(`enum ${name} \\{([^}]*)\\}`));
  const names = body.split(',').map((part) => part.trim());
  return Object.fromEntries(names.filter(Boolean).map((key, i) => [key, i]));
}

export const Kernel = numbersOf('Kernel');
export const Unary = numbersOf('Unary');
export const Binary = numbersOf('Binary');
export const Loss = numbersOf('Loss');

/**
 * One kernel called by a record of its own, without the library, in a memory with so many bytes of room: `make(rooms)` gives
 * its arguments, floats as `{ float }`. Returns what calls it so many times, in one call into Wasm.
 */
export function rawKernel(kernel, make, bytes) {
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE) + 4, maximum: 65536 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(BINARY)), { env: { memory } });
  const words = new Int32Array(memory.buffer);
  const floats = new Float32Array(memory.buffer);
  let free = PAGE;
  const room = (n, value = (i) => ((i * 7919) % 1000) / 500 - 1) => {
    const at = free;
    for (let i = 0; i < n; i++) floats[at / 4 + i] = value(i);
    free += Math.ceil((n * 4) / LINE + 1) * LINE;
    return at;
  };
  const integers = (n, value) => {
    const at = room(n);
    for (let i = 0; i < n; i++) words[at / 4 + i] = value(i);
    return at;
  };
  const args = make({ room, integers });
  const record = 1024;
  words.set([kernel, 8 + 4 * args.length], record / 4);
  args.forEach((arg, i) => {
    if (typeof arg === 'object') floats[record / 4 + 2 + i] = arg.float;
    else words[record / 4 + 2 + i] = arg;
  });
  const segment = LINE;
  return (times) => {
    words.set([record, record + 8 + 4 * args.length, 0, times, 0, 0, 1], segment / 4);
    exports.run(segment, 1);
    return floats[PAGE / 4];
  };
}
