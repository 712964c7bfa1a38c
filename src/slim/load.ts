import { FormatError, OptionError, StateError } from '../errors';
import { needOneBuild } from '../wasm/alone';
import { isStarted, needFeatures, prepare, whyAlone } from '../wasm/runtime';

/** What tells these kernels from others: the build writes it here and into a custom section of the file. */
declare const KERNELS: string;

/** Where the kernels come from: the bytes of `downhill/kernels.wasm`, compiled or not, what `fetch` answers, or an address. */
export type KernelSource = ArrayBuffer | Uint8Array | WebAssembly.Module | Response | URL | string;

type Bytes = Uint8Array<ArrayBuffer>;

const NEEDED = 'it needs downhill/kernels.wasm of the same version of the package';

/** Calls `get`, and says what for, if it fails. */
async function had(what: string, get: () => Promise<Bytes>): Promise<Bytes> {
  try {
    return await get();
  } catch (cause) {
    throw new StateError(`loadKernels could not read ${what} (${cause}); ${NEEDED}.`, { cause });
  }
}

async function bodyOf(response: Response): Promise<Bytes> {
  if (!response.ok) throw new Error(`the server answers ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** Asks the network for what has a protocol of its own, and for all where there is no disk; a single letter is a drive. */
async function read(address: string): Promise<Bytes> {
  const files = globalThis.process?.getBuiltinModule?.('node:fs');
  if (!files || /^(?!file:)[a-z][\w.+-]+:/i.test(address)) return bodyOf(await fetch(address));
  return new Uint8Array(await files.promises.readFile(/^file:/i.test(address) ? new URL(address) : address));
}

/** What other windows made counts too. */
const isA = (name: string, value: unknown) => Object.prototype.toString.call(value) === `[object ${name}]`;

/** Bytes of their own, or what is compiled. */
async function kernelsOf(source: KernelSource): Promise<Bytes | WebAssembly.Module> {
  if (isA('WebAssembly.Module', source)) return source as WebAssembly.Module;
  if (isA('ArrayBuffer', source)) return new Uint8Array(source as ArrayBuffer).slice();
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength).slice();
  if (typeof source === 'string' || isA('URL', source)) return had(`"${source}"`, () => read(String(source)));
  if (typeof (source as Response | undefined)?.arrayBuffer === 'function')
    return had('a response', () => bodyOf(source as Response));
  throw new OptionError(
    `loadKernels got ${source}; give it downhill/kernels.wasm: bytes, a WebAssembly.Module, a Response, a URL or a string.`,
  );
}

async function compile(bytes: Bytes): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    throw new FormatError(`loadKernels got ${bytes.length} bytes that do not compile (${cause}); ${NEEDED}.`, {
      cause,
    });
  }
}

/** Throws a FormatError unless these are the kernels that the build made. */
function needOurs(module: WebAssembly.Module): void {
  const [name] = WebAssembly.Module.customSections(module, 'downhill');
  if (name && new TextDecoder().decode(name) === KERNELS) return;
  throw new FormatError(`loadKernels got ${name ? "another version's kernels" : 'another module'}; ${NEEDED}.`);
}

/**
 * Hands the kernels over, which `downhill/slim` does not contain: await it before anything else but `configure` and `manualSeed`.
 * Once they are there a further call does nothing.
 *
 * @param from `downhill/kernels.wasm`: its bytes, a WebAssembly.Module, a Response, the promise of one of these, or its address,
 * which is fetched; in Node a path or a `file:` URL is read from the disk. With a module, for platforms that compile beforehand,
 * there is one thread and no `fastMath`.
 * @throws OptionError for anything else; StateError where it can't be read, where the engine has no SIMD, and in a program that
 * uses `downhill` too; FormatError where it is something else, or of another version.
 * @example
 * import { loadKernels, tensor } from 'downhill/slim';
 *
 * await loadKernels(import.meta.resolve('downhill/kernels.wasm'));
 * console.log(tensor([1, 2]).sum().item()); // 3
 */
export async function loadKernels(from: KernelSource | PromiseLike<KernelSource>): Promise<void> {
  needOneBuild();
  needFeatures();
  const given = await from;
  if (isStarted()) return;
  const kernels = await kernelsOf(given);
  const compiled = kernels instanceof Uint8Array ? undefined : kernels;
  const alone = compiled ? 'a compiled module of the kernels takes no shared memory' : whyAlone();
  const { fit, imports, begin } = prepare(alone);
  const module = compiled ?? (await compile(fit(kernels as Bytes)));
  needOurs(module);
  begin(module, await WebAssembly.instantiate(module, imports));
}
