import { LINE, roundUp } from '../wasm/allocator';
import type { Storage } from '../wasm/heap';
import { eachOperand, type Step } from '../wasm/record';

interface Life {
  storage: Storage;
  first: number;
  last: number;
}

/** From which group of steps to which each local storage holds something. */
export function lives(groups: readonly (readonly Step[])[], local: ReadonlySet<Storage>): Life[] {
  const found = new Map<Storage, Life>();
  groups.forEach((steps, i) => {
    for (const step of steps) {
      eachOperand(step, ({ storage }) => {
        if (!local.has(storage)) return;
        const life = found.get(storage);
        if (life) life.last = i;
        else found.set(storage, { storage, first: i, last: i });
      });
    }
  });
  return [...found.values()];
}

interface Place {
  offset: number;
  bytes: number;
  first: number;
  last: number;
}

/** How many of some places, which lie in order, begin at an offset or before it. */
function after(placed: readonly Place[], offset: number): number {
  let [low, high] = [0, placed.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((placed[middle] as Place).offset <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Gives each storage the lowest offset at which it overlaps no other of the same time, the largest first. */
export function place(all: readonly Life[]): { offsets: Map<Storage, number>; bytes: number } {
  const offsets = new Map<Storage, number>();
  const placed: Place[] = [];
  let total = 0;
  for (const { storage, first, last } of [...all].sort((a, b) => b.storage.bytes - a.storage.bytes)) {
    const bytes = roundUp(Math.max(storage.bytes, 1), LINE);
    let offset = 0;
    for (const p of placed) {
      if (p.first > last || p.last < first) continue;
      if (offset + bytes <= p.offset) break;
      offset = Math.max(offset, p.offset + p.bytes);
    }
    placed.splice(after(placed, offset), 0, { offset, bytes, first, last });
    offsets.set(storage, offset);
    total = Math.max(total, offset + bytes);
  }
  return { offsets, bytes: total };
}
