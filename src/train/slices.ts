import { Kernel } from '../../assembly/kernel';
import { emit, newStorage, type Trace, trace } from '../tensor/driver';
import { compile, type Program } from '../tensor/planner';
import type { Tensor } from '../tensor/tensor';
import type { Storage } from '../wasm/heap';
import type { Place } from '../wasm/place';
import { eachOperand, isWritten, SEGMENT_WORDS, type Segment } from '../wasm/record';
import { runtime } from '../wasm/runtime';
import { after } from './after';
import { Calls } from './calls';

/** The most steps in one call: the tables of hyperparameters and losses have as many rows. */
const MAX_STEPS = 16384;
/** Floats that are looked through at a time for NaN and infinity: one thread's share at the least. */
const CHUNK = 2 ** 16;
/** save, begin, two stretches, check */
const MAX_SEGMENTS = 5;

/** The smallest power of two that is not below n, and at most MAX_STEPS. */
export function tableSteps(n: number): number {
  let steps = 1;
  while (steps < n && steps < MAX_STEPS) steps *= 2;
  return steps;
}

/** Steps that share a program, such as the full batches of an epoch. */
export interface Stretch {
  /** The step after the last, counted from the epoch's first. */
  readonly end: number;
  /** What one step does; its result is the loss. */
  readonly step: () => Tensor;
}

/** Steps of an epoch, and the epoch's number where they are its first. */
export interface StepRange {
  readonly first: number;
  readonly end: number;
  readonly epoch?: number | undefined;
  /** How many epochs follow one another, of these steps each. Default: 1. */
  readonly epochs?: number;
}

export const stepsIn = ({ first, end, epochs = 1 }: StepRange) => (end - first) * epochs;

interface SlicesOptions {
  capacity: number;
  begin?: () => void;
  place?: Place | undefined;
  reads?: readonly Storage[] | undefined;
}

/** What is not finite after a slice: a step's loss, or a tensor that training changes. */
export interface Fault {
  /** The storage, or undefined for the loss. */
  readonly storage: Storage | undefined;
}

/** What traces change that outlives them, and whether it holds floats. */
function changedBy(traces: readonly Trace[], spare: Storage): Map<Storage, boolean> {
  const found = new Map<Storage, boolean>();
  for (const { steps, storages } of traces) {
    for (const step of steps) {
      eachOperand(step, ({ storage, dtype }, letter) => {
        if (!isWritten(letter) || storages.has(storage) || storage === spare) return;
        found.set(storage, dtype !== 'int32');
      });
    }
  }
  return found;
}

const startOf = (storage: Storage) => ({ storage, offset: 0 });

/** A program's records, for the steps from `first` up to `last`. */
function segmentOf({ start, end, lists, nanoseconds }: Program, first = 0, last = first + 1): Segment {
  return { start, end, lists, nanoseconds, first, last };
}

/**
 * The steps of an epoch as programs, run some at a time, or whole epochs. A slice is one call into Wasm:
 *
 *     | copy what will change | begin the epoch | steps | steps of the last batch | … | look for NaN and infinity |
 */
export class Slices {
  /** Nanoseconds that a step is thought to take. */
  readonly nanoseconds: number;
  private stretches: { program: Program; end: number }[];
  /** What runs for a last batch that was not known beforehand. */
  private tail: { program: Program; rows: number } | undefined;
  private readonly begin: Program | undefined;
  private readonly save: Program;
  private readonly back: Program;
  private readonly check: Program;
  /** The floats that a step changes, a chunk each: what is looked through for NaN and infinity. */
  private readonly chunks: readonly Storage[];
  private readonly calls: Calls;
  private readonly place: Place | undefined;
  private readonly own: Storage[] = [];
  private readonly programs: Program[] = [];
  private readonly losses: Storage;
  private readonly kept: Float32Array;
  private readonly found: Storage;
  /** Are there lists for several threads? */
  private readonly divided: boolean;

  /**
   * @param capacity the most steps in a slice, a power of two.
   * @param begin what comes before an epoch's first step; it sees the epoch's number as its step.
   * @param place where they run, if not here; what they change is then seen as it was, but for `shown` and from `end` on.
   * @param reads what is read here of what `begin` writes.
   */
  constructor(stretches: readonly Stretch[], { capacity, begin, place, reads = [] }: SlicesOptions) {
    this.place = place;
    this.kept = new Float32Array(capacity);
    try {
      this.losses = this.room(capacity);
      const traces = stretches.map(({ step }) => this.traced(step));
      const changed = changedBy(traces, this.losses);
      const floats = [...changed.keys()].filter((s) => changed.get(s));
      this.chunks = floats.flatMap((s) => new Array<Storage>(chunksOf(s)).fill(s));
      this.stretches = traces.map((t, i) => ({ program: this.add(t), end: (stretches[i] as Stretch).end }));
      this.begin = begin && this.program(begin);
      const saved = [...changed.keys()];
      const copies = this.roomFor(saved);
      this.save = this.program(copying(saved, copies));
      this.back = this.program(copying(copies, saved));
      this.found = this.room(this.chunks.length);
      this.check = this.program(checking(floats, this.found));
      this.calls = new Calls({
        place,
        segments: this.room(MAX_SEGMENTS * SEGMENT_WORDS),
        trained: saved,
        seen: place ? this.roomFor(saved) : copies,
        uses: () => [...this.programs, ...(this.tail ? [this.tail.program] : [])].flatMap(({ uses }) => uses),
        gives: [this.losses, this.found, ...reads],
      });
    } catch (error) {
      this.release();
      throw error;
    }
    this.divided = this.stretches.some(({ program }) => program.lists);
    this.nanoseconds = Math.max(...this.stretches.map(({ program }) => program.nanoseconds));
  }

  /** A step, and its loss in the table. */
  private traced(step: () => Tensor): Trace {
    const kept = { storage: this.losses, offset: 0, stride: 4, mask: this.losses.bytes / 4 - 1 };
    return trace(() => emit(Kernel.copyWords, step(), kept, 1)).trace;
  }

  /** Ends the first stretch before step number `at`; there runs a step of another batch, of so many rows, from then on known. */
  endAt(at: number, { rows, step }: { rows: number; step: () => Tensor }): void {
    const { program } = this.stretches[0] as { program: Program };
    if (this.tail?.rows !== rows) {
      this.tail?.program.release();
      this.tail = undefined;
      this.tail = { rows, program: this.calls.unhidden(() => compile(this.traced(step))) };
    }
    this.stretches = [
      { program, end: at },
      { program: this.tail.program, end: at + 1 },
    ];
  }

  /** Lets the first stretch go on without an end. */
  endless(): void {
    this.stretches = [{ ...(this.stretches[0] as { program: Program }), end: Number.POSITIVE_INFINITY }];
  }

  private add(traced: Trace): Program {
    const program = compile(traced);
    this.programs.push(program);
    return program;
  }

  private program(fn: () => void): Program {
    return this.add(trace(fn).trace);
  }

  private room(words: number): Storage {
    const storage = newStorage(Math.max(words, 1) * 4);
    runtime().heap.pin(storage);
    this.own.push(storage);
    return storage;
  }

  private roomFor(storages: readonly Storage[]): Storage[] {
    return storages.map(({ bytes }) => this.room(bytes / 4));
  }

  /** The steps from `first` up to `end`, each with the program it needs. */
  private parts({ first, end, epochs = 1 }: StepRange): Segment[] {
    let from = first;
    const parts: Segment[] = [];
    for (const stretch of this.stretches) {
      const to = Math.min(stretch.end, end);
      if (from < to) parts.push({ ...segmentOf(stretch.program, from, to), epochs, ticks: end - first });
      from = Math.max(from, to);
    }
    return parts;
  }

  /** Runs the steps from `first` up to `end`; before step 0 it begins epoch number `epoch`. */
  run(range: StepRange): void | Promise<void> {
    const { epoch, epochs = 1 } = range;
    const begin = this.begin && epoch !== undefined ? [{ ...segmentOf(this.begin, epoch), epochs, ticks: 1 }] : [];
    const save = segmentOf(this.save);
    const rest = [...begin, ...this.parts(range), segmentOf(this.check)];
    const { calls, place } = this;
    const { pool } = runtime();
    if (!place && !pool?.isReady) return calls.call([save, ...rest]);
    const trial = this.divided && pool?.isReady && !pool.all ? pool.trialOf('step', this.nanoseconds) : undefined;
    const shared = trial?.shared !== false;
    const started = performance.now();
    const done =
      place || shared
        ? calls.guarded(save, rest, { shared, undo: () => this.restore() })
        : calls.call([save, ...rest], shared);
    return after(done, () => trial?.note((performance.now() - started) / stepsIn(range) / this.nanoseconds));
  }

  /** Puts back what the last slice changed. */
  restore(): void | Promise<void> {
    return this.calls.call([segmentOf(this.back)]);
  }

  /** Calls `fn` while what was trained elsewhere is seen. */
  shown<T>(fn: () => T | Promise<T>): Promise<T> {
    return this.calls.shown(fn);
  }

  /** Lets it be seen from here on; false where what came since it was last shown is lost. */
  end(): Promise<boolean> {
    return this.calls.end();
  }

  /** The losses of the last slice's steps, until there is a next one. */
  lossesOf(range: StepRange): Float32Array {
    const { heap } = runtime();
    const at = heap.address(this.losses) / 4;
    const size = this.losses.bytes / 4;
    const ring = heap.f32.subarray(at, at + size);
    const from = range.first & (size - 1);
    const losses = this.kept.subarray(0, stepsIn(range));
    const end = from + losses.length;
    losses.set(ring.subarray(from, end));
    if (end > size) losses.set(ring.subarray(0, end - size), size - from);
    return losses;
  }

  /** What the last slice left not finite, if anything. */
  fault(losses: Float32Array): Fault | undefined {
    // In double precision no sum of finite floats is too large.
    let sum = 0;
    for (let i = 0; i < losses.length; i++) sum += losses[i] as number;
    if (!Number.isFinite(sum)) return { storage: undefined };
    const { heap } = runtime();
    const at = heap.address(this.found) / 4;
    const words = heap.i32;
    const bad = this.chunks.findIndex((_, i) => (words[at + i] as number) >= 0);
    return bad < 0 ? undefined : { storage: this.chunks[bad] };
  }

  release(): void {
    this.calls?.release();
    for (const program of this.programs) program.release();
    this.tail?.program.release();
    const { heap } = runtime();
    for (const storage of this.own) {
      heap.unpin(storage);
      heap.free(storage);
    }
  }
}

/** Copies storages to others of the same sizes. */
function copying(from: readonly Storage[], to: readonly Storage[]): () => void {
  return () => {
    from.forEach((s, i) => {
      emit(Kernel.copyWords, startOf(s), startOf(to[i] as Storage), s.bytes / 4);
    });
  };
}

const chunksOf = ({ bytes }: Storage) => Math.max(1, Math.ceil(bytes / 4 / CHUNK));

/** Writes, for each chunk of each storage, where its first NaN or infinity stands, or -1. */
function checking(storages: readonly Storage[], found: Storage): () => void {
  return () => {
    let offset = 0;
    for (const s of storages) {
      emit(Kernel.findNonFinite, startOf(s), s.bytes / 4, { storage: found, offset }, CHUNK);
      offset += chunksOf(s) * 4;
    }
  };
}
