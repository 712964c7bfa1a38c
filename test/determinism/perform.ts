import { configure, fit, type History, manualSeed, rand, runtimeInfo, type Tensor, zeros } from 'downhill';
import type * as nn from 'downhill/nn';
import { worker } from 'downhill/worker';
import { hashOf, hashOfText } from './hash';
import { RUNS, type Run } from './runs';

/** How runs are performed. No way changes a bit. */
export interface Way {
  /** The names of the runs; all of them, unless given. */
  names?: readonly string[];
  /** Recorded and replayed, or the eager loop. Default: true. */
  compiled?: boolean;
  /** Cut into slices of lengths that this seed draws. */
  slices?: number;
  /** A slice for each step, and memory that grows between two of them. */
  grow?: boolean;
  /** On so many threads. It must be the first that is done here. */
  threads?: number;
  /** In a worker, which has this memory or a copy. */
  worker?: 'shared' | 'copied';
}

/** What is random about a run: one number for each use, of the run's name and a seed. */
function drawer(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/**
 * Lets time go by as `draw` says: the lengths of slices follow from the time that the last one took, so they become random.
 * Returns what sets the clock right.
 */
function bendTime(draw: () => number): () => void {
  const { now } = performance;
  let milliseconds = 0;
  performance.now = () => {
    milliseconds += 2 ** (4 * draw() - 2) * PACE;
    return milliseconds;
  };
  return () => {
    performance.now = now;
  };
}

/** Milliseconds between two looks at a bent clock, and how long a slice may be. */
const PACE = 10;

/** Makes memory grow, by as little as it takes. */
function growMemory(): void {
  const { bytes } = runtimeInfo();
  const held: Tensor[] = [];
  while (runtimeInfo().bytes === bytes) held.push(zeros([bytes / 8]));
  for (const tensor of held) tensor.dispose();
}

const isTensor = (value: unknown): boolean => typeof value === 'object' && value !== null && 'toTypedArray' in value;

/** The tensors in a model's fields: its parameters, and what `forward` changes. */
function tensorsOf(model: nn.Module): unknown[] {
  return model.modules().map((m) => Object.entries(m).filter(([, value]) => isTensor(value)));
}

const lossesOf = (history: History) => history.epochs.map(({ seconds: _, ...row }) => row);

/** Starts with so many threads, and fails where they are not to be had. */
function useThreads(count: number): void {
  configure({ threads: count });
  const { threads, why } = runtimeInfo();
  if (threads !== count) throw new Error(`There are ${threads} threads, not ${count}: ${why}`);
}

/** What a run leaves behind: parameters, optimizer state, losses, and the next random numbers. */
async function traceOf(
  { model, loader, epochs, extras, ...rest }: Run,
  { compiled, slices, grow, worker: memory }: Way,
  draw: () => number,
): Promise<unknown> {
  const restore = slices === undefined ? undefined : bendTime(draw);
  try {
    const history = await fit(model, loader, {
      ...rest,
      ...extras,
      epochs,
      compiled: compiled ?? true,
      ...(memory && { worker }),
      ...(slices !== undefined && { yieldEvery: PACE }),
      ...(grow && { onBatchEnd: ({ epoch, batch }) => epoch === 2 && batch === 2 && growMemory() }),
    });
    if (history.worker !== memory) throw new Error(`It ran in a worker: ${history.worker}, ${history.why}`);
    const schedule = rest.scheduler?.stateDict();
    const passes = loader.epoch;
    return [tensorsOf(model), rest.optimizer.stateDict(), lossesOf(history), schedule, passes, rand([3])];
  } finally {
    restore?.();
  }
}

/** Performs runs and returns their hashes by name. */
export async function perform(way: Way = {}): Promise<Record<string, string>> {
  if (way.threads !== undefined) useThreads(way.threads);
  const hashes: Record<string, string> = {};
  for (const name of way.names ?? Object.keys(RUNS)) {
    manualSeed(42);
    const draw = drawer((way.slices ?? 0) + Number.parseInt(hashOfText(name).slice(0, 8), 16));
    hashes[name] = hashOf(await traceOf((RUNS[name] as () => Run)(), way, draw));
  }
  return hashes;
}
