import type { Kernel } from '../../assembly/kernel';
import { StateError } from '../errors';
import { needOneBuild } from '../wasm/alone';
import { Storage } from '../wasm/heap';
import { itemsOf, listsOf, newIn, worth, writeLists } from '../wasm/lists';
import type { Pool } from '../wasm/pool';
import {
  type Argument,
  eachOperand,
  isWritten,
  SEGMENT_WORDS,
  type Step,
  writeRecord,
  writeSegment,
} from '../wasm/record';
import { type Runtime, runtime } from '../wasm/runtime';
import type { Tensor } from './tensor';

/** Records go to one of two drivers: run at once, or kept by the trace in progress. */
export interface Trace {
  readonly steps: Step[];
  readonly storages: Set<Storage>;
  /** The parameters that got a gradient in it, and the gradients that they had before. */
  readonly leaves: Map<Tensor, Tensor | undefined>;
}

let tracing: Trace | undefined;
/** What eager records see as their step. */
let index = 0;
let gradients = true;

/** The longest record, with its segment before it, fits into this many words. */
const SCRATCH_WORDS = 64;

let scratch: { runtime: Runtime; storage: Storage } | undefined;

function scratchAddress(now: Runtime): number {
  if (scratch?.runtime !== now) {
    const storage = now.heap.allocate(SCRATCH_WORDS * 4);
    now.heap.pin(storage);
    scratch = { runtime: now, storage };
  }
  return now.heap.address(scratch.storage);
}

/** Runs a step on all threads, if it is worth that and they are there. */
function runDivided({ heap, pool }: Runtime, step: Step): boolean {
  const items = pool && itemsOf([step], pool);
  if (!items) return false;
  if (!pool.comeUp()) return false;
  const meeting = pool.meeting();
  const made = [...newIn(items)].map((storage) => heap.place(storage));
  const address = (storage: Storage) => heap.address(storage);
  for (const arg of step.args) if (typeof arg === 'object') address(arg.storage);
  const { storage, written } = writeLists(heap, listsOf(items, { ...meeting, address }), address);
  try {
    return pool.run([{ start: 0, end: 0, lists: written, first: index, last: index + 1 }]);
  } finally {
    heap.unpin(storage);
    for (const own of [storage, ...made]) heap.free(own);
  }
}

/** Runs a step that takes about so many nanoseconds, in the way that has shown to be the faster. */
function runTried(now: Runtime, { step, time, pool }: { step: Step; time: number; pool: Pool }): void {
  const trial = pool.trialOf(`${step.kernel}`, time);
  const started = performance.now();
  if (!trial.shared || !runDivided(now, step)) runAlone(now, step);
  trial.note((performance.now() - started) / time);
}

/** Runs a step at once. */
function runNow(step: Step): void {
  const now = runtime();
  const { heap } = now;
  const pool = now.pool?.isOurs ? now.pool : undefined;
  heap.clock++;
  if (heap.watchers > 0) eachOperand(step, ({ storage }, letter) => isWritten(letter) && heap.wrote(storage));
  if (pool?.all && runDivided(now, step)) return;
  const time = pool && !pool.all ? worth(step) : 0;
  if (time > 0 && pool?.comeUp()) runTried(now, { step, time, pool });
  else runAlone(now, step);
}

/** Runs a step on this thread, as a program of one record. */
function runAlone(now: Runtime, step: Step): void {
  const { heap } = now;
  const at = scratchAddress(now);
  for (const arg of step.args) if (typeof arg === 'object') heap.address(arg.storage);
  const words = heap.i32;
  const first = at / 4 + SEGMENT_WORDS;
  const end = writeRecord(words, first, { step, address: (storage) => heap.address(storage) });
  writeSegment(words, at / 4, { start: first * 4, end: end * 4, first: index, last: index + 1 });
  now.run(at, 1);
}

/** Runs `fn`; its eager records see `step` as their step. */
export function runAt(step: number, fn: () => void): void {
  index = step;
  try {
    fn();
  } finally {
    index = 0;
  }
}

/** The node whose gradients are being computed: what it reads must be as it was when the node was made. */
let node = Number.POSITIVE_INFINITY;

/** What is computed from here on are gradients of node number `id`; without one, of none. */
export function atNode(id = Number.POSITIVE_INFINITY): void {
  node = id;
}

function needUnchanged(args: readonly Argument[]): void {
  if (!args.some((arg) => typeof arg === 'object' && arg.storage.changed > node)) return;
  throw new StateError(
    "backward() needs what a tensor held in the forward pass, and assign() or an optimizer's step has changed it since; " +
      'call backward() before that, or run the forward pass again.',
  );
}

/** One kernel call, for the driver that is on. */
export function emit(kernel: Kernel, ...args: Argument[]): void {
  if (node < Number.POSITIVE_INFINITY) needUnchanged(args);
  if (tracing) tracing.steps.push({ kernel, args });
  else runNow({ kernel, args });
}

/** Room for a result: in memory now, or a place that the planner chooses. */
export function newStorage(bytes: number): Storage {
  if (!tracing) return runtime().heap.allocate(bytes);
  const storage = new Storage(bytes);
  tracing.storages.add(storage);
  return storage;
}

/** Is a storage one that only the trace in progress knows? */
export function isTraced(storage: Storage): boolean {
  return tracing?.storages.has(storage) ?? false;
}

export function isTracing(): boolean {
  return tracing !== undefined;
}

/** Throws where a value would be needed that a compiled step does not have yet. */
export function needValues(call: string): void {
  if (!tracing) return;
  throw new StateError(
    `${call} was called inside a compiled step, where tensors have no values yet: the step is recorded once and replayed. ` +
      'Move the call out of forward() and the loss, or train with fit({ compiled: false }) or the eager loop.',
  );
}

/** Records what `fn` does instead of running it. */
export function trace<T>(fn: () => T): { result: T; trace: Trace } {
  const outer = tracing;
  const mine: Trace = { steps: [], storages: new Set(), leaves: new Map() };
  tracing = mine;
  try {
    return { result: fn(), trace: mine };
  } finally {
    tracing = outer;
    for (const [leaf, gradient] of mine.leaves) leaf.gradient = gradient;
  }
}

/** Notes a parameter whose gradient is about to change: after the trace it has the one from before again. */
export function noteLeaf(leaf: Tensor): void {
  if (tracing && !tracing.leaves.has(leaf)) tracing.leaves.set(leaf, leaf.gradient);
}

/** Runs `fn` for real in the middle of a trace: what it makes are constants of the program. */
export function outsideTrace<T>(fn: () => T): T {
  const outer = tracing;
  tracing = undefined;
  try {
    return fn();
  } finally {
    tracing = outer;
  }
}

export function gradientsOn(): boolean {
  return gradients;
}

/**
 * Runs `fn` without recording gradients: what it makes has `requiresGrad` false.
 *
 * @returns what `fn` returns.
 * @throws StateError where that is a promise: gradients are recorded again before an async function is done.
 * @example
 * const w = parameter([1, 2]);
 * expect(noGrad(() => w.mul(2)).requiresGrad).toBe(false);
 */
export function noGrad<T>(fn: () => T): T {
  needOneBuild();
  const before = gradients;
  gradients = false;
  try {
    const result = fn();
    if (isPromise(result)) refuse(result);
    return result;
  } finally {
    gradients = before;
  }
}

const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as { then?: unknown } | null | undefined)?.then === 'function';

function refuse(promise: PromiseLike<unknown>): never {
  // What goes wrong in it later must not end the process: the error here is the one to see.
  promise.then(undefined, () => {});
  throw new StateError(
    'noGrad got an async function, which goes on after noGrad has ended, with gradients; await outside, and give noGrad what computes.',
  );
}
