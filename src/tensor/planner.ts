import type { Storage } from '../wasm/heap';
import { itemsOf, listsOf, multiplications, newIn, writeLists } from '../wasm/lists';
import { eachOperand, isRead, isWritten, type List, type Step } from '../wasm/record';
import { runtime } from '../wasm/runtime';
import { inBlocks } from './blocks';
import type { Trace } from './driver';
import { asOneRecord, fused } from './fusion';
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

/** Nanoseconds of a record, of a byte that an operand has, and of a multiplication in a product: the slow end of today's machines. */
const COST = { record: 50, byte: 0.5, multiplication: 0.1 };

/** Roughly how long a step takes. */
function guess(step: Step): number {
  let time = COST.record;
  eachOperand(step, ({ storage }) => {
    time += Math.min(storage.bytes, 2 ** 20) * COST.byte;
  });
  return time + multiplications(step) * COST.multiplication;
}

/** A trace as records in memory. It holds on to what it reads and writes until it is released. */
export interface Program extends List {
  /** The same for several threads, a list each, where that is worth it. */
  readonly lists: readonly List[] | undefined;
  /** What it uses that others may know, and its records. */
  readonly uses: readonly Storage[];
  readonly records: number;
  /** Bytes for what is only needed within a step, and for the records. */
  readonly bytes: number;
  /** What a step is thought to take: a guess, from which the first slice's length follows. */
  readonly nanoseconds: number;
  release(): void;
}

/** Every storage that the steps use and that is not theirs alone. */
function usedOutside(steps: readonly Step[], local: ReadonlySet<Storage>): Set<Storage> {
  const outside = new Set<Storage>();
  for (const step of steps) {
    eachOperand(step, ({ storage }) => {
      if (!local.has(storage)) outside.add(storage);
    });
  }
  return outside;
}

/** Plans a trace: leaves out what is not needed, fuses, places buffers so that they share memory, and writes the records. */
export function compile({ steps: traced, storages: local }: Trace): Program {
  const { heap, pool } = runtime();
  const steps = inBlocks(fused(alive(traced, local), local), local);
  const divided = pool && itemsOf(steps, pool);
  const own = new Set([...local, ...newIn(divided ?? [])]);
  const { offsets, bytes } = place(lives(divided?.map(({ all }) => all) ?? steps.map((step) => [step]), own));
  const pinned: Storage[] = [];
  const made: Storage[] = [];
  const hold = (storage: Storage) => {
    const at = heap.pin(storage);
    pinned.push(storage);
    return at;
  };
  const release = () => {
    for (const storage of pinned) heap.unpin(storage);
    for (const storage of made) heap.free(storage);
  };
  try {
    const outside = usedOutside(steps, own);
    for (const storage of outside) hold(storage);
    const arena = heap.allocate(bytes);
    made.push(arena);
    const base = hold(arena);
    const address = (storage: Storage) => {
      const offset = offsets.get(storage);
      return offset === undefined ? heap.address(storage) : base + offset;
    };
    const lists = divided && pool ? listsOf(divided, { ...pool.meeting(), address }) : [];
    const whole = asOneRecord(steps, local);
    const { storage, written } = writeLists(heap, [whole ? [whole] : steps, ...lists], address);
    made.push(storage);
    pinned.push(storage);
    const [alone, ...together] = written;
    return {
      ...(alone as List),
      lists: divided && together,
      uses: [...outside, storage],
      records: steps.length,
      bytes: bytes + storage.bytes,
      nanoseconds: steps.reduce((sum, step) => sum + guess(step), 0),
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}
