import { BLOCK, Kernel } from '../../assembly/kernel';
import { Storage } from '../wasm/heap';
import { type Argument, eachOperand, isWritten, type Operand, type Step } from '../wasm/record';
import type { Trace } from './driver';
import { lives, place } from './placement';
import { Rows } from './rows';
import type { Tensor } from './tensor';

/** What a block has in memory should stay in the second-level cache. */
const CACHE = 2 ** 19;

/** The rows of the batch: those that are gathered first. */
function batchOf(steps: readonly Step[]): number {
  return (steps.find(({ kernel }) => kernel === Kernel.gatherRows)?.args[3] as number | undefined) ?? 0;
}

/** The steps that make some storages, and those that they need; undefined if that is much work, or changes what outlives them. */
function makersOf(
  wanted: ReadonlySet<Storage>,
  steps: readonly Step[],
  local: ReadonlySet<Storage>,
): Set<Step> | undefined {
  const all = new Set(wanted);
  const makers = new Set<Step>();
  for (const step of [...steps].reverse()) {
    let makes = false;
    let keeps = true;
    eachOperand(step, ({ storage }, letter) => {
      makes ||= isWritten(letter) && all.has(storage);
      keeps &&= !isWritten(letter) || local.has(storage);
    });
    if (!makes) continue;
    if (!keeps || step.kernel === Kernel.product || step.kernel === Kernel.productNarrow) return undefined;
    makers.add(step);
    eachOperand(step, ({ storage }) => all.add(storage));
  }
  return makers;
}

/** The sweeps over the rows that the steps of a batch are: one, or one for what all rows are divided by and then one for the rest. */
function sweepsOf(steps: readonly Step[], m: number, local: ReadonlySet<Storage>): Rows[] | undefined {
  const all = Rows.of(steps, { m, local });
  if (!all || all.awaited.size === 0) return all && [all];
  const makers = makersOf(all.awaited, steps, local);
  if (!makers) return undefined;
  const isAgain = new Set(all.within.map(({ step }) => step));
  const first = Rows.of(
    steps.filter((step) => makers.has(step)),
    { m, local },
  );
  const rest = Rows.of(
    steps.filter((step) => !makers.has(step) || isAgain.has(step)),
    { m, local },
  );
  return first && rest && first.awaited.size + rest.awaited.size === 0 ? [first, rest] : undefined;
}

/** Gives what blocks have for themselves a place in one storage, in which they follow each other. */
class Arena {
  private readonly rooms = new Map<Storage, Storage>();
  private readonly offsets: Map<Storage, number>;
  private readonly own: Storage;

  constructor(
    private readonly sweeps: readonly Rows[],
    readonly rows: number,
  ) {
    const steps = sweeps.flatMap((sweep) => sweep.block({ from: 0, to: rows, room: this.room }));
    const temporary = new Set([...this.rooms.values(), ...sweeps.flatMap((sweep) => sweep.parts)]);
    const { offsets, bytes } = place(
      lives(
        steps.map((step) => [step]),
        temporary,
      ),
    );
    this.offsets = offsets;
    this.own = new Storage(bytes);
  }

  get bytes(): number {
    return this.own.bytes;
  }

  private readonly room = (storage: Storage, row: number): Storage => {
    const own = this.rooms.get(storage) ?? new Storage(row * this.rows);
    this.rooms.set(storage, own);
    return own;
  };

  private readonly placed = (arg: Argument): Argument => {
    const offset = typeof arg === 'object' ? this.offsets.get(arg.storage) : undefined;
    return offset === undefined
      ? arg
      : { ...(arg as Operand), storage: this.own, offset: offset + (arg as Operand).offset };
  };

  /** The steps of all blocks of m rows. */
  steps(m: number): Step[] {
    return this.sweeps.flatMap((sweep) => {
      const out = [...sweep.before];
      for (let from = 0; from < m; from += this.rows) {
        const block = sweep.block({ from, to: Math.min(from + this.rows, m), room: this.room });
        out.push(...block.map(({ kernel, args }) => ({ kernel, args: args.map(this.placed) })));
      }
      return [...out, ...sweep.after];
    });
  }
}

/** Is each row of a result made of the same row of the batch alone, and nothing else changed? */
export function isByRows({ result, trace: { steps, storages } }: { result: Tensor; trace: Trace }): boolean {
  const m = batchOf(steps);
  const rows = Rows.of(steps, { m, local: storages });
  let kept = false;
  for (const step of steps)
    eachOperand(step, ({ storage }, letter) => {
      kept ||= isWritten(letter) && !storages.has(storage);
    });
  const whole = result.shape[0] === m && result.isContiguous && rows?.has(result.storage);
  return Boolean(whole) && !kept && rows?.awaited.size === 0;
}

/**
 * The steps of a large batch, some rows at a time: what they have in memory stays in the cache and does not grow with the batch.
 * Sums over rows keep their order, so the bits are the same. A batch whose rows depend on each other (in a BatchNorm, in the
 * root of a mean) runs whole. Storages that are new join `local`.
 */
export function inBlocks(steps: readonly Step[], local: Set<Storage>): readonly Step[] {
  const m = batchOf(steps);
  if (m < 2 * BLOCK) return steps;
  const sweeps = sweepsOf(steps, m, local);
  if (!sweeps) return steps;
  const least = new Arena(sweeps, BLOCK);
  const rows = Math.max(1, Math.floor(CACHE / least.bytes)) * BLOCK;
  if (2 * rows > m) return steps;
  const out = new Arena(sweeps, rows).steps(m);
  for (const step of out) {
    eachOperand(step, ({ storage }) => {
      if (!storage.block && !storage.outside) local.add(storage);
    });
  }
  return out;
}
