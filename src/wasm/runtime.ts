import { instantiateSync } from '@assemblyscript/loader';
import kernels from '../../build/kernels.wasm';
import { checkNumber, checkOptions, isCount, StateError } from '../errors';
import { Heap } from './heap';
import { bytesOf } from './text';

/** What the compiled kernels export. */
interface Kernels extends Record<string, unknown> {
  run(segments: number, count: number): void;
}

export interface Runtime {
  readonly heap: Heap;
  /** Runs `count` segments at `segments`. */
  run(segments: number, count: number): void;
  /** How often `run` was called. */
  calls: number;
}

export interface RuntimeOptions {
  /** The most bytes that the memory may grow to. Default: 4 GiB. */
  maxMemory?: number;
}

export interface RuntimeInfo {
  /** The build of the kernels. */
  build: 'simd';
  simd: boolean;
  threads: number;
  /** Why there are no more threads. */
  why: string;
  /** Bytes of memory, taken or not. */
  bytes: number;
}

let options: RuntimeOptions = {};
let current: Runtime | undefined;

/** A function whose one instruction is of SIMD: validates in engines that have it. */
const SIMD_PROBE = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
];

function needFeatures(): void {
  const wasm = typeof WebAssembly === 'object';
  if (wasm && WebAssembly.validate(new Uint8Array(SIMD_PROBE))) return;
  throw new StateError(
    `This engine has no ${wasm ? 'SIMD in WebAssembly' : 'WebAssembly'}; downhill needs Chrome 91, Firefox 89, Safari 16.4, Node 20 or newer.`,
  );
}

function start(): Runtime {
  needFeatures();
  const heap = new Heap(options.maxMemory);
  const { instance } = instantiateSync<Kernels>(bytesOf(kernels), { env: { memory: heap.memory } });
  // The loader wraps what it returns; the hot path calls the engine's own function.
  const { run } = instance.exports as unknown as Kernels;
  const runtime: Runtime = {
    heap,
    calls: 0,
    run(segments, count) {
      runtime.calls++;
      run(segments, count);
    },
  };
  return runtime;
}

/** The runtime, started by its first use. */
export function runtime(): Runtime {
  current ??= start();
  return current;
}

/**
 * Sets what the runtime starts with; call it before anything else.
 *
 * @param settings `maxMemory`: the most bytes that memory may grow to; default 4 GiB.
 * @throws StateError once the runtime has started; OptionError for an unknown or impossible setting.
 * @example
 * configure({ maxMemory: 512 * 2 ** 20 });
 */
export function configure(settings: RuntimeOptions): void {
  checkOptions('configure', settings, ['maxMemory']);
  if (settings.maxMemory !== undefined) checkNumber('maxMemory', settings.maxMemory, isCount);
  if (current) throw new StateError('configure was called after the first use of the library; call it before.');
  options = { ...options, ...settings };
}

/**
 * What the runtime is and holds.
 *
 * @example
 * const { bytes } = runtimeInfo();
 * expect(bytes).toBeGreaterThan(0);
 */
export function runtimeInfo(): RuntimeInfo {
  const { heap } = runtime();
  return { build: 'simd', simd: true, threads: 1, why: 'this version runs on one thread', bytes: heap.bytes };
}
