import { Kernel } from '../../assembly/kernel';
import type { Storage } from '../wasm/heap';
import { eachOperand, isRead, isWritten, type Step, wordsOf, writeRecord } from '../wasm/record';
import { runtime } from '../wasm/runtime';
import { inBlocks } from './blocks';
import type { Trace } from './driver';
import { fused } from './fusion';
import { lives, place } from './placement';

/** Steps that write only what nobody reads are left out. */
function alive(steps: readonly Step[], local: ReadonlySet<Storage>): Step[] {
  const wanted = new Set<Storage>();
  const kept: Step[] = [];
  for (const step of [...steps].reverse()) {
    let matters = false;
    eachOperand(step, ({ storage }, letter) => {
      matters ||= isWritten(letter) && (!local.has(storage) || wanted.has(storage));
    });
    if (!matters) continue;
    kept.push(step);
    eachOperand(step, ({ storage }, letter) => {
      if (isRead(letter)) wanted.add(storage);
    });
  }
  return kept.reverse();
}

/** Where the products have m, n and k. */
const SIZES: Partial<Record<Kernel, number>> = { [Kernel.product]: 7, [Kernel.productNarrow]: 4 };
/** Nanoseconds of a record, of a byte that an operand has, and of a multiplication in a product: the slow end of today's machines. */
const COST = { record: 50, byte: 0.5, multiplication: 0.1 };

/** Roughly how long a step takes. */
function guess(step: Step): number {
  let time = COST.record;
  eachOperand(step, ({ storage }) => {
    time += Math.min(storage.bytes, 2 ** 20) * COST.byte;
  });
  const at = SIZES[step.kernel];
  if (at === undefined) return time;
  const [m, n, k] = step.args.slice(at, at + 3) as [number, number, number];
  return time + m * n * k * COST.multiplication;
}

/** A trace as records in memory: from `start` to `end`. It holds on to what it reads and writes until it is released. */
export interface Program {
  readonly start: number;
  readonly end: number;
  readonly records: number;
  /** Bytes for what is only needed within a step, and for the records. */
  readonly bytes: number;
  /** What a step is thought to take: a guess, from which the first slice's length follows. */
  readonly nanoseconds: number;
  release(): void;
}

/** Pins every storage that the steps use and that is not theirs alone. */
function pinOutside(steps: readonly Step[], local: ReadonlySet<Storage>): Storage[] {
  const { heap } = runtime();
  const outside = new Set<Storage>();
  for (const step of steps) {
    eachOperand(step, ({ storage }) => {
      if (!local.has(storage)) outside.add(storage);
    });
  }
  for (const storage of outside) heap.pin(storage);
  return [...outside];
}

/** Plans a trace: leaves out what is not needed, fuses, places buffers so that they share memory, and writes the records. */
export function compile({ steps: traced, storages: local }: Trace): Program {
  const { heap } = runtime();
  const steps = inBlocks(fused(alive(traced, local), local), local);
  const { offsets, bytes } = place(lives(steps, local));
  const pinned = pinOutside(steps, local);
  const words = steps.reduce((n, step) => n + wordsOf(step.kernel), 0);
  const own = [heap.allocate(words * 4), heap.allocate(bytes)] as const;
  const [start, arena] = own.map((storage) => heap.pin(storage)) as [number, number];
  const address = (storage: Storage) => {
    const offset = offsets.get(storage);
    return offset === undefined ? heap.address(storage) : arena + offset;
  };
  let at = start / 4;
  for (const step of steps) at = writeRecord(heap.i32, at, { step, address });
  return {
    start,
    end: at * 4,
    records: steps.length,
    bytes: bytes + words * 4,
    nanoseconds: steps.reduce((sum, step) => sum + guess(step), 0),
    release() {
      for (const storage of [...pinned, ...own]) heap.unpin(storage);
      for (const storage of own) heap.free(storage);
    },
  };
}
