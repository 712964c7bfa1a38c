import { configure, type KernelSource, loadKernels, runtimeInfo, tensor } from 'downhill/slim';
import { perform, type Way } from '../../determinism/perform';

/** The file's bytes, from the disk where there is one. */
async function bytesAt(address: string): Promise<ArrayBuffer> {
  const fs = address.startsWith('file:') && globalThis.process?.getBuiltinModule('node:fs');
  return fs ? new Uint8Array(fs.readFileSync(new URL(address))).buffer : (await fetch(address)).arrayBuffer();
}

/** Bytes in the midst of others. */
function viewOf(bytes: ArrayBuffer): Uint8Array {
  const view = new Uint8Array(bytes.byteLength + 20).subarray(3, -17);
  view.set(new Uint8Array(bytes));
  return view;
}

/** The ways in which kernels are handed over. */
const SOURCES = {
  'a string': (address: string) => address,
  'a URL': (address: string) => new URL(address, globalThis.location?.href),
  'a Response': async (address: string) => new Response(await bytesAt(address)),
  'the promise of a Response': (address: string) =>
    address.startsWith('file:') ? bytesAt(address).then((bytes) => new Response(bytes)) : fetch(address),
  'an ArrayBuffer': bytesAt,
  'a Uint8Array': async (address: string) => viewOf(await bytesAt(address)),
  'a module': async (address: string) => WebAssembly.compile(await bytesAt(address)),
} satisfies Record<string, (address: string) => KernelSource | Promise<KernelSource>>;

/** One of the ways. */
export type From = keyof typeof SOURCES;

interface Parameters {
  from: From;
  address: string;
  threads?: number;
  way: Way;
}

/** Hands the kernels over and performs runs. */
export default async function run({ from, address, threads, way }: Parameters) {
  const early = await (async () => tensor([1]))().catch(String);
  if (threads !== undefined) configure({ threads });
  const source = SOURCES[from](address);
  // Only a body can't be read twice.
  await Promise.all(from.endsWith('Response') ? [loadKernels(source)] : [loadKernels(source), loadKernels(source)]);
  await loadKernels(new ArrayBuffer(0));
  const hashes = await perform(way);
  const { threads: there, why } = runtimeInfo();
  return { early, hashes, threads: there, why };
}
