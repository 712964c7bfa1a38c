import { Kernel } from '../../assembly/kernel';
import { cutsOf, divide, panelBytes } from './divide';
import { type Heap, Storage } from './heap';
import { eachOperand, isWritten, type List, type Step, wordsOf, writeRecord } from './record';

/** Nanoseconds of a byte that an operand has, and of a multiplication in a product, here and now. */
const COST = { byte: 0.08, multiplication: 0.04 };
/** Under 'auto', what takes less than this many nanoseconds is not worth meeting for: `npm run bench:threads` measures it. */
const WORTH = 4000;

/** Where the products have m, n and k. */
const SIZES: Partial<Record<Kernel, number>> = { [Kernel.product]: 7, [Kernel.productNarrow]: 4 };
/** Under 'auto', a step whose operands have fewer bytes than this is not looked at any further. */
const LITTLE = 2 ** 14;

const multiplied = ({ args }: Step, from: number, count: number) =>
  (args.slice(from, from + count) as number[]).reduce((a, b) => a * b);

/** The multiplications of a product. */
export function multiplications(step: Step): number {
  const at = SIZES[step.kernel];
  return at === undefined ? 0 : multiplied(step, at, 3);
}

/** The bytes that a step reads and writes. */
function bytesOf(step: Step): number {
  if (step.kernel === Kernel.linearModel) return multiplied(step, 10, 2) * 8;
  if (step.kernel === Kernel.copyStrided) return multiplied(step, 2, 4) * 8;
  const [cut] = cutsOf(step);
  if (!cut) return 0;
  let each = 0;
  eachOperand(step, (_, __, i) => {
    each += cut.by[i] ?? 0;
  });
  return (step.args[cut.count] as number) * each;
}

/** The nanoseconds that a step is thought to take here; 0 if that is not worth sharing. */
export function worth(step: Step): number {
  let bytes = 0;
  for (const arg of step.args) if (typeof arg === 'object') bytes += arg.storage.bytes;
  if (bytes < LITTLE) return 0;
  const time = bytesOf(step) * COST.byte + multiplications(step) * COST.multiplication;
  return time < WORTH ? 0 : time;
}

/** What is done between two meetings at the most: a step in parts for several threads, or whole, on the first. */
export interface Item {
  readonly parts: readonly Step[];
  /** The parts, and what was divided. */
  readonly all: readonly Step[];
}

const undivided = (step: Step): Item => ({ parts: [step], all: [step] });

/** Steps as items for so many threads; undefined if none of them is divided. */
export function itemsOf(
  steps: readonly Step[],
  { threads, all }: { threads: number; all: boolean },
): Item[] | undefined {
  const room = Math.max(0, ...steps.map(panelBytes));
  const panels = Array.from({ length: threads }, () => new Storage(room));
  let divided = false;
  const items = steps.flatMap((step): Item[] => {
    const division = all || worth(step) ? divide(step, panels) : undefined;
    if (!division) return [undivided(step)];
    divided = true;
    return [{ parts: division.parts, all: [step, ...division.parts] }, ...division.after.map(undivided)];
  });
  return divided ? items : undefined;
}

interface Span {
  from: number;
  to: number;
  written: boolean;
  /** Of an item that only the first thread runs. */
  whole: boolean;
}

function spansOf({ parts }: Item, address: (storage: Storage) => number): Span[] {
  const spans: Span[] = [];
  for (const step of parts) {
    eachOperand(step, ({ storage }, letter) => {
      const from = address(storage);
      spans.push({ from, to: from + storage.bytes, written: isWritten(letter), whole: parts.length === 1 });
    });
  }
  return spans;
}

const clash = (a: Span, b: Span) => a.from < b.to && b.from < a.to && (a.written || b.written) && !(a.whole && b.whole);

/** The storages of items that are nowhere yet: what dividing a step has made. */
export function newIn(items: readonly Item[]): Set<Storage> {
  const found = new Set<Storage>();
  for (const { parts } of items) {
    for (const part of parts) {
      eachOperand(part, ({ storage }) => {
        if (!storage.block && !storage.outside) found.add(storage);
      });
    }
  }
  return found;
}

/** Items as a list for each thread. They meet wherever one needs what another has written, or writes what another has read. */
export function listsOf(
  items: readonly Item[],
  { threads, pool, address }: { threads: number; pool: number; address: (storage: Storage) => number },
): Step[][] {
  const lists = Array.from({ length: threads }, (): Step[] => []);
  let since: Span[] = [];
  for (const item of items) {
    const spans = spansOf(item, address);
    if (spans.some((a) => since.some((b) => clash(a, b)))) {
      for (const list of lists) list.push({ kernel: Kernel.barrier, args: [pool] });
      since = [];
    }
    since.push(...spans);
    item.parts.forEach((part, thread) => {
      lists[thread]?.push(part);
    });
  }
  return lists;
}

/** Writes lists of records into memory, which stays where it is until it is unpinned. */
export function writeLists(
  heap: Heap,
  lists: readonly (readonly Step[])[],
  address: (storage: Storage) => number,
): { storage: Storage; written: List[] } {
  const words = lists.flat().reduce((n, { kernel }) => n + wordsOf(kernel), 0);
  const storage = heap.allocate(words * 4);
  let at = heap.pin(storage) / 4;
  const written = lists.map((steps) => {
    const start = at * 4;
    for (const step of steps) at = writeRecord(heap.i32, at, { step, address });
    return { start, end: at * 4 };
  });
  return { storage, written };
}
