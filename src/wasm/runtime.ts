import { demangle } from '@assemblyscript/loader';
import { checkNumber, checkOptions, isCount, isFlag, StateError } from '../errors';
import { needOneBuild } from './alone';
import { Beside } from './beside';
import { Heap } from './heap';
import { Pool } from './pool';
import { relaxedFrom } from './relaxed';
import { source } from './source/inlined';

/** A function as the loader wraps it, for arguments that may be left out. */
interface Wrapped<F> {
  /** The engine's own, which takes a third of the time. */
  readonly original: F;
}

/** What the compiled kernels export. */
interface Kernels extends Record<string, unknown> {
  run: Wrapped<(segments: number, count: number) => void>;
  runTogether: Wrapped<(pool: number) => number>;
}

/** Which kernels run: the default ones, or those of `fastMath`. */
export type Build = 'simd' | 'relaxed-simd';

export interface Runtime {
  readonly build: Build;
  readonly heap: Heap;
  /** Other threads, where there may be some. */
  readonly pool: Pool | undefined;
  /** Another thread over this memory, where it can be shared. */
  readonly beside: Beside | undefined;
  /** The kernels, compiled for this memory. */
  readonly module: WebAssembly.Module;
  readonly workerUrl: string | undefined;
  /** Why there are as many threads as there are. */
  readonly why: string;
  /** Runs `count` segments at `segments`, on this thread alone. */
  run(segments: number, count: number): void;
  /** How often `run` was called. */
  calls: number;
}

/** What `configure` takes. */
export interface RuntimeOptions {
  /**
   * How many threads run what can be divided among them, 1 to 64; 'auto' takes the machine's cores, and only for what is large
   * enough to gain by it. The bits are the same. Default: 'auto'.
   */
  threads?: 'auto' | number;
  /**
   * Kernels whose multiply-adds round once, where the engine has relaxed SIMD; same seed, same bits no longer holds then.
   * Default: false.
   */
  fastMath?: boolean;
  /** The most bytes that the memory may grow to. Default: 4 GiB. */
  maxMemory?: number;
  /**
   * Where a browser gets the code of its workers, for pages whose content security policy forbids `blob:`; the file
   * `downhill/thread.js`, served by the page's own site. Default: none, it is inlined.
   */
  workerUrl?: string;
}

/** What the runtime is and holds. */
export interface RuntimeInfo {
  /** The build of the kernels. */
  build: Build;
  /** Is there SIMD? Without it there is no runtime. */
  simd: boolean;
  /** The threads that work is divided among, this one included. */
  threads: number;
  /** Why there are as many threads as there are. */
  why: string;
  /** Bytes of memory, taken or not. */
  bytes: number;
}

let options: RuntimeOptions = {};
/** Makes the kernels of `fastMath` of the default ones, if they are wanted: a program without `configure` does not ship it. */
let relaxed: typeof relaxedFrom | undefined;
/** Has what `configure` sets been used? */
let begun = false;
let current: Runtime | undefined;

const MOST_THREADS = 64;
/** 'auto' takes no more cores than this: what is measured here does not tell how more would do. */
const MOST_CORES = 8;

/** A function whose one instruction is of SIMD: validates in engines that have it. */
const SIMD_PROBE = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
];

/** Throws a StateError where the kernels can't run. */
export function needFeatures(): void {
  const wasm = typeof WebAssembly === 'object';
  if (wasm && WebAssembly.validate(new Uint8Array(SIMD_PROBE))) return;
  throw new StateError(
    `This engine has no ${wasm ? 'SIMD in WebAssembly' : 'WebAssembly'}; downhill needs Chrome 91, Firefox 89, Safari 16.4, Node 20 or newer.`,
  );
}

/** What keeps this engine from sharing its memory with others; undefined if nothing does. */
export function whyAlone(): string | undefined {
  if (globalThis.crossOriginIsolated === false)
    return 'the page is not cross-origin isolated (COOP and COEP headers), so it has no shared memory';
  return typeof SharedArrayBuffer === 'undefined' ? 'this engine has no SharedArrayBuffer' : undefined;
}

/** May this thread wait for others? The main thread of a page may not. */
function mayWait(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
    return true;
  } catch {
    return false;
  }
}

function cores(): number {
  const node = globalThis.process?.getBuiltinModule?.('node:os');
  return node?.availableParallelism() ?? globalThis.navigator?.hardwareConcurrency ?? 1;
}

/** How many threads there should be, and why; `alone` is what keeps the kernels from having more than one. */
function plan({ threads = 'auto' }: RuntimeOptions, alone: string | undefined): { threads: number; why: string } {
  if (threads === 1) return { threads, why: 'configure({ threads: 1 }) asked for it' };
  if (alone) {
    if (threads !== 'auto') console.warn(`downhill runs on one thread: ${alone}.`);
    return { threads: 1, why: alone };
  }
  if (threads !== 'auto') return { threads, why: `configure({ threads: ${threads} }) asked for them` };
  const n = Math.min(cores(), MOST_CORES);
  return { threads: n, why: `this machine has ${cores()} cores; what is too small to gain by more runs on one` };
}

function newHeap(shared: boolean): Heap {
  const { maxMemory } = options;
  if (!shared) return new Heap(maxMemory);
  try {
    return new Heap(maxMemory, { shared });
  } catch {
    return new Heap(maxMemory);
  }
}

/** A binary for this memory: the import of a shared one has another flag, after its name and its kind, if it has the import. */
function fitted(bytes: Uint8Array<ArrayBuffer>, shared: boolean): Uint8Array<ArrayBuffer> {
  const name = [...'memory\x02\x01'].map((c) => c.charCodeAt(0));
  const at = bytes.findIndex((_, i) => name.every((byte, j) => bytes[i + j] === byte));
  if (shared && at >= 0) bytes[at + name.length - 1] = 3;
  return bytes;
}

/** What a runtime starts with. */
interface Start {
  readonly imports: { env: { memory: WebAssembly.Memory } };
  /** The kernels as they are to be compiled: those of `fastMath`, if they are wanted and the engine takes them. */
  fit(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>;
  /** Starts the runtime, unless there is one. */
  begin(module: WebAssembly.Module, instance: WebAssembly.Instance): Runtime;
}

/** Makes what kernels run over; `alone` is what keeps them from sharing it. */
export function prepare(alone: string | undefined): Start {
  const { threads, why } = plan(options, alone);
  const heap = newHeap(threads > 1);
  const { memory } = heap;
  // By its name: a test runner may have put another realm's ArrayBuffer in place.
  const shared = memory.buffer[Symbol.toStringTag] !== 'ArrayBuffer';
  let build: Build = 'simd';
  begun = true;
  return {
    imports: { env: { memory } },
    fit(bytes) {
      const fast = relaxed?.(bytes);
      const isFast = fast && WebAssembly.validate(fast);
      if (isFast) build = 'relaxed-simd';
      return fitted(isFast ? fast : bytes, shared);
    },
    begin(module, { exports }) {
      const { run, runTogether } = demangle<Kernels>(exports);
      const pool = { threads, heap, module, runTogether: runTogether.original };
      const runtime: Runtime = {
        build,
        heap,
        ...(shared ? poolOf(pool) : { pool: undefined, beside: undefined }),
        module,
        workerUrl: options.workerUrl,
        why: shared || threads === 1 ? why : 'shared memory could not be had',
        calls: 0,
        run(segments, count) {
          runtime.calls++;
          run.original(segments, count);
        },
      };
      current ??= runtime;
      return current;
    },
  };
}

function start(): Runtime {
  needOneBuild();
  needFeatures();
  const { alone = whyAlone(), compile } = source();
  const { fit, imports, begin } = prepare(alone);
  const module = compile(fit);
  return begin(module, new WebAssembly.Instance(module, imports));
}

interface Shared {
  threads: number;
  heap: Heap;
  module: WebAssembly.Module;
  runTogether(pool: number): number;
}

/** The threads over a memory that is shared. */
function poolOf({ threads, heap, ...kernels }: Shared): Pick<Runtime, 'pool' | 'beside'> {
  const { workerUrl: url } = options;
  const pool = new Pool({ threads, all: typeof options.threads === 'number', url }, heap, kernels);
  const beside = new Beside({ pool, heap, module: kernels.module, url });
  if (!mayWait()) pool.leader = beside;
  return { pool, beside };
}

/** The runtime, started by its first use. */
export function runtime(): Runtime {
  return current ?? start();
}

/** Has it started? */
export const isStarted = () => current !== undefined;

/**
 * Sets what the runtime starts with; call it before anything else.
 *
 * @param settings `threads`: 'auto' or a number from 1 to 64, by default 'auto'; `maxMemory`: the most bytes that memory may grow
 * to, by default 4 GiB; `fastMath`: kernels whose multiply-adds round once, where the engine has relaxed SIMD, by default false;
 * `workerUrl`: where a page whose content security policy forbids `blob:` serves the file `downhill/thread.js`.
 * @throws StateError once the runtime has started; OptionError for an unknown or impossible setting.
 * @example
 * configure({ threads: 2, maxMemory: 512 * 2 ** 20 });
 */
export function configure(settings: RuntimeOptions): void {
  needOneBuild();
  const workerUrl = { needed: 'the address of downhill/thread.js on your site', type: 'string' } as const;
  checkOptions('configure', settings, { threads: undefined, maxMemory: isCount, fastMath: isFlag, workerUrl });
  if (settings.threads !== undefined && settings.threads !== 'auto') {
    checkNumber('threads', settings.threads, {
      needed: `'auto' or a whole number from 1 to ${MOST_THREADS}`,
      holds: (n) => isCount.holds(n) && n <= MOST_THREADS,
    });
  }
  if (begun) throw new StateError('configure was called after the first use of the library; call it before.');
  options = { ...options, ...settings };
  relaxed = options.fastMath ? relaxedFrom : undefined;
}

/**
 * What the runtime is and holds.
 *
 * @example
 * const { bytes } = runtimeInfo();
 * expect(bytes).toBeGreaterThan(0);
 */
export function runtimeInfo(): RuntimeInfo {
  const { build, heap, pool, why } = runtime();
  const threads = pool && pool.why === undefined ? pool.threads : 1;
  return { build, simd: true, threads, why: pool?.why ?? why, bytes: heap.bytes };
}
