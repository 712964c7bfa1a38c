import { Activation, Binary, BLOCK, Kernel } from '../../assembly/kernel';
import { type Cut, cutsOf, partOf, scratchOf } from '../wasm/divide';
import { Storage } from '../wasm/heap';
import { type Argument, eachOperand, isRead, isWritten, lettersOf, type Operand, type Step } from '../wasm/record';

/** When a step is run: before the blocks of rows, once in each block, or after them. */
enum Phase {
  before,
  within,
  after,
}

/** A step that is run once in each block. */
interface RowStep {
  readonly step: Step;
  readonly cut: Cut;
  /** How many of what is cut there are for a row of the batch. */
  readonly per: number;
  readonly sum: Sum | undefined;
}

/** A sum over the rows, of which a block gives a part. */
interface Sum {
  /** The argument that is the sum. */
  readonly at: number;
  readonly elements: number;
  /** Where the parts are added up. */
  readonly total: Operand;
  /** Where one of them stands, unless the kernel adds to the sum itself. */
  readonly part: Operand | undefined;
}

/** A cut along the rows that are summed, and which argument is the sum. */
interface SumCut {
  readonly cut: Cut;
  readonly at: number;
  readonly elements: number;
  /** The kernel adds row after row to what stands there. */
  readonly adds?: boolean;
}

function sumCutOf({ kernel, args }: Step): SumCut | undefined {
  const n = (i: number) => (args[i] ?? 0) as number;
  if (kernel === Kernel.product && !args[10] && n(11) === Activation.none && !args[13] && !n(14)) {
    return { cut: { count: 9, unit: BLOCK, by: { 0: 4 * n(2), 3: 4 * n(4) } }, at: 6, elements: n(7) * n(8) };
  }
  if (kernel === Kernel.sumRows && n(2) === 1) {
    return { cut: { count: 3, unit: BLOCK, by: { 0: 4 * n(4), 8: 4 }, set: { 5: 1 } }, at: 1, elements: n(4) };
  }
  if (kernel === Kernel.scatterRows) {
    return { cut: { count: 3, unit: 1, by: { 0: 4 * n(4), 1: 4 } }, at: 2, elements: n(5) * n(4), adds: true };
  }
  return undefined;
}

/** What a sum over rows is divided by. */
const divisorOf = ({ kernel, args }: Step) => (kernel === Kernel.sumRows ? (args[5] as number) : 1);

/** What remains to be done for a sum: the division. */
function finish({ step, sum }: RowStep): Step[] {
  if (!sum || sum.total === step.args[sum.at]) return [];
  return [{ kernel: Kernel.sumRows, args: [sum.total, step.args[sum.at], 1, 1, sum.elements, divisorOf(step)] }];
}

/** Does a step make rows out of what is the same for all, or of the loader's row numbers? */
function isSource({ kernel }: Step, move: (i: number) => number): boolean {
  return [...lettersOf(kernel)].every((letter, i) => letter !== 'r' || move(i) === 0);
}

/** Rows from one to another, and the room that a block has for what holds a row of so many bytes for each. */
interface Block {
  from: number;
  to: number;
  room: (storage: Storage, row: number) => Storage;
}

/** Steps of a batch as one sweep over its rows: which storages hold a row for each, and which steps take some of them at a time. */
export class Rows {
  /** Bytes of a row, of the storages that hold one for each row of the batch. */
  private readonly rows = new Map<Storage, number>();
  private readonly read = new Map<Storage, Phase>();
  private readonly written = new Map<Storage, Phase>();
  readonly before: Step[] = [];
  readonly within: RowStep[] = [];
  readonly after: Step[] = [];
  /** What rows need and the sweep has only when it is over. */
  readonly awaited = new Set<Storage>();

  private constructor(
    private readonly m: number,
    private readonly local: ReadonlySet<Storage>,
  ) {}

  /** Undefined if the batch must run whole. */
  static of(steps: readonly Step[], { m, local }: { m: number; local: ReadonlySet<Storage> }): Rows | undefined {
    const rows = new Rows(m, local);
    return steps.every((step) => rows.take(step)) ? rows : undefined;
  }

  /** Does a storage hold a row for each of the batch? */
  has(storage: Storage): boolean {
    return this.rows.has(storage);
  }

  /** Where the parts of sums stand. */
  get parts(): Storage[] {
    return this.within.flatMap(({ sum }) => (sum?.part ? [sum.part.storage] : []));
  }

  private take(step: Step): boolean {
    const row = this.asRow(step) ?? this.asSum(step);
    if (row) return this.takeRow(row);
    if (this.touchesRows(step)) return false;
    const phase = this.phaseOf(step);
    (phase === Phase.before ? this.before : this.after).push(step);
    this.note(step, phase);
    return true;
  }

  private takeRow(row: RowStep): boolean {
    const { step, cut, sum } = row;
    if (sum && this.past((step.args[sum.at] as Operand).storage) > Phase.before) return false;
    eachOperand(step, ({ storage }, letter) => {
      const ready = this.rows.has(storage) || !((this.written.get(storage) ?? 0) > Phase.before);
      if (isRead(letter) && !ready) this.awaited.add(storage);
    });
    this.within.push(row);
    this.note(step, Phase.within);
    for (const after of [...(cut.after ?? []), ...finish(row)]) {
      this.after.push(after);
      this.note(after, Phase.after);
    }
    return true;
  }

  /** The latest phase in which a storage has been read or written. */
  private past(storage: Storage): Phase {
    return Math.max(this.read.get(storage) ?? 0, this.written.get(storage) ?? 0);
  }

  private touchesRows(step: Step): boolean {
    let touches = false;
    eachOperand(step, ({ storage }) => {
      touches ||= this.rows.has(storage);
    });
    return touches;
  }

  /** A step that has nothing to do with rows comes first, unless it needs or changes what the blocks read or write. */
  private phaseOf(step: Step): Phase {
    let phase = Phase.before;
    eachOperand(step, ({ storage }, letter) => {
      const latest = isWritten(letter) ? this.past(storage) : (this.written.get(storage) ?? 0);
      if (latest > Phase.before) phase = Phase.after;
    });
    return phase;
  }

  private note(step: Step, phase: Phase): void {
    const at = (map: Map<Storage, Phase>, storage: Storage) => map.set(storage, Math.max(map.get(storage) ?? 0, phase));
    eachOperand(step, ({ storage }, letter) => {
      if (isRead(letter)) at(this.read, storage);
      if (isWritten(letter)) at(this.written, storage);
    });
  }

  /** How far each operand moves for a row of the batch; undefined if the cut does not fall between rows. */
  private moves(step: Step, { count, by }: Cut): { per: number; move: (i: number) => number } | undefined {
    const per = (step.args[count] as number) / this.m;
    return Number.isInteger(per) && per > 0 ? { per, move: (i) => (by[i] ?? 0) * per } : undefined;
  }

  /** Does a step read whole rows, one after the other, wherever it reads rows? */
  private readsRows(step: Step, move: (i: number) => number): boolean {
    return [...lettersOf(step.kernel)].every((letter, i) => {
      const operand = step.args[i];
      if (!isRead(letter) || !operand) return true;
      const { storage, offset } = operand as Operand;
      const row = this.rows.get(storage);
      return row === undefined || (move(i) === row && offset < row);
    });
  }

  private asRow(step: Step): RowStep | undefined {
    for (const cut of cutsOf(step)) {
      const found = this.moves(step, cut);
      if (!found || !this.readsRows(step, found.move)) continue;
      const made = this.rowsMade(step, cut, found.move);
      if (!made || !(this.touchesRows(step) || isSource(step, found.move))) continue;
      for (const [storage, row] of made) this.rows.set(storage, row);
      return { step, cut, per: found.per, sum: undefined };
    }
    return undefined;
  }

  /** The storages in which a step writes a row for each of the batch; undefined if it writes anything else. */
  private rowsMade(step: Step, { set }: Cut, move: (i: number) => number): Map<Storage, number> | undefined {
    const made = new Map<Storage, number>();
    const whole = [...lettersOf(step.kernel)].every((letter, i) => {
      const operand = step.args[i] as Operand | undefined;
      if (!isWritten(letter) || !operand || set?.[i] || i === scratchOf(step.kernel)) return true;
      const { storage, offset } = operand;
      const row = move(i);
      made.set(storage, row);
      const known = this.rows.get(storage);
      const isNew = known === undefined && !this.written.has(storage);
      const isFull = this.local.has(storage) && row > 0 && offset < row && storage.bytes === row * this.m;
      return isFull && (isNew || known === row);
    });
    return whole ? made : undefined;
  }

  private asSum(step: Step): RowStep | undefined {
    const found = sumCutOf(step);
    const moves = found && this.moves(step, found.cut);
    if (!found || !moves || !this.touchesRows(step) || !this.readsRows(step, moves.move)) return undefined;
    const { cut, at, elements, adds } = found;
    const target = step.args[at] as Operand;
    if (this.rows.has(target.storage)) return undefined;
    const room = () => ({ storage: new Storage(elements * 4), offset: 0 });
    const total = divisorOf(step) === 1 ? target : room();
    return { step, cut, per: moves.per, sum: { at, elements, total, part: adds ? undefined : room() } };
  }

  /** The steps of some rows, whose number is a multiple of 256 but for the last. */
  block({ from, to, room }: Block): Step[] {
    const placed = (arg: Argument): Argument => {
      const row = typeof arg === 'object' ? this.rows.get(arg.storage) : undefined;
      if (row === undefined) return arg;
      const { storage, offset } = arg as Operand;
      return { storage: room(storage, row), offset: offset - row * from };
    };
    const part = ({ step, cut }: RowStep, first: number, end: number): Step => {
      const { kernel, args } = partOf(step, cut, [first, end]);
      return { kernel, args: args.map(placed) };
    };
    return this.within.flatMap((row) => {
      const [first, end] = [from * row.per, to * row.per];
      if (!row.sum?.part) return [part(row, first, end)];
      return summed(row.sum, { first, end, part: (a, b) => part(row, a, b) });
    });
  }
}

interface Stretch {
  first: number;
  end: number;
  part: (first: number, end: number) => Step;
}

/** The sums of 256 rows each: the first is stored, later ones are added in order. */
function summed({ at, elements, total, part: own }: Sum, { first, end, part }: Stretch): Step[] {
  const steps: Step[] = [];
  for (let from = first; from < end; from += BLOCK) {
    const target = from === 0 ? total : own;
    const { kernel, args } = part(from, Math.min(from + BLOCK, end));
    steps.push({ kernel, args: args.map((arg, i) => (i === at ? target : arg)) });
    if (from > 0)
      steps.push({ kernel: Kernel.mapBinary, args: [Binary.add, total, own, total, 1, elements, 0, 1, 0, 1, 0] });
  }
  return steps;
}
