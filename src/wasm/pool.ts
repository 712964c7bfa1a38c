import { StateError } from '../errors';
import { LINE } from './allocator';
import type { Beside } from './beside';
import type { Heap } from './heap';
import { SEGMENT_WORDS, type Segment, writeSegment } from './record';
import { startThread } from './thread';
import { Trial } from './trial';

/** The words of assembly/threads.ts: two lines before the barrier's, and the threads' own. */
const PATIENCE = 1;
const BROKEN = (2 * LINE) / 4 + 3;
const FIRST_LINE = 3 * LINE;
const READY = 3;
/** The most segments in a call. */
const MOST_SEGMENTS = 8;
/** How many tenths of a second without any thread's progress mean that one has died, beside ten times what a step should take. */
const PATIENT = 50;

/** The kernels' binary, compiled, and this thread's instance of it. */
interface Kernels {
  readonly module: WebAssembly.Module;
  runTogether(pool: number): number;
}

/**
 * Threads beside this one, which run lists of records in step with it. They start when they are first wanted; until all are
 * ready, and from when one has ended, `run` says that it did nothing.
 */
export class Pool {
  /** Why there are no threads any more. */
  why: string | undefined;
  /** Runs that all threads had part in. */
  runs = 0;
  /** Whether sharing makes work faster, by kinds of work. */
  private readonly trials = new Map<string, Trial>();
  /** Leads the threads where this one may not wait for them. */
  leader: Beside | undefined;
  /** Another thread leads them now. */
  lent = false;
  private block = 0;
  private stops: (() => void)[] = [];
  private ready = false;

  /** This thread counts. */
  readonly threads: number;
  /** Are all steps divided that can be, or those alone that it makes faster? */
  readonly all: boolean;
  private readonly url: string | undefined;

  constructor(
    { threads, all, url }: { threads: number; all: boolean; url: string | undefined },
    private readonly heap: Heap,
    private readonly kernels: Kernels,
  ) {
    this.url = url;
    this.threads = threads;
    this.all = all;
  }

  /** Where the threads meet; the first call starts them. */
  meeting(): { pool: number; threads: number } {
    if (this.block === 0) {
      this.block = this.newBlock();
      try {
        for (let thread = 1; thread < this.threads; thread++) this.stops.push(this.startThread(thread));
      } catch (error) {
        this.close(`no thread could be started: ${String(error)}`);
      }
      void this.leader?.start().then((why) => why !== undefined && this.close(`no thread could be started: ${why}`));
    }
    return { pool: this.block, threads: this.threads };
  }

  /** The trial for a kind of work, of pieces that are thought to take so many nanoseconds each. */
  trialOf(kind: string, nanoseconds: number): Trial {
    const key = `${kind} ${Math.clz32(nanoseconds)}`;
    const trial = this.trials.get(key) ?? new Trial();
    this.trials.set(key, trial);
    return trial;
  }

  private newBlock(): number {
    const bytes = FIRST_LINE + this.threads * (LINE + MOST_SEGMENTS * SEGMENT_WORDS * 4);
    const block = this.heap.pin(this.heap.allocate(bytes));
    const words = this.heap.i32;
    words.fill(0, block / 4, (block + bytes) / 4);
    words[block / 4] = this.threads;
    return block;
  }

  private startThread(thread: number): () => void {
    const { block: pool, heap, kernels, url } = this;
    const ended = (why: string) => this.close(`thread ${thread} stopped: ${why}`);
    const listener = { said: (error: unknown) => ended(String(error)), ended };
    return startThread({ module: kernels.module, memory: heap.memory, pool, thread }, listener, url).stop;
  }

  /** Where the threads meet, once they do. */
  get at(): number {
    return this.block;
  }

  private line(thread: number): number {
    return (this.block + FIRST_LINE + thread * LINE) / 4;
  }

  /** Starts the threads, the first time; true once all have come up. */
  comeUp(): boolean {
    this.meeting();
    return this.isReady;
  }

  /** Have all threads come up? */
  get isReady(): boolean {
    if (this.why !== undefined || this.block === 0 || this.leader?.isOpen === false) return false;
    const words = this.heap.i32;
    for (let thread = 1; !this.ready && thread < this.threads; thread++) {
      if (Atomics.load(words, this.line(thread) + READY) === 0) return false;
    }
    this.ready = true;
    return true;
  }

  /** May this thread lead the others, now? */
  get isOurs(): boolean {
    return !this.leader && !this.lent;
  }

  /**
   * Runs segments on all threads, those without lists on this one; false if it did nothing.
   *
   * @throws StateError if a thread died in the middle.
   */
  run(segments: readonly Segment[]): boolean {
    return this.isOurs && this.prepare(segments) && this.together();
  }

  /** Writes what each thread is to run, the leader what has no lists; false where they are not all there. */
  prepare(segments: readonly Segment[]): boolean {
    if (!this.isReady) return false;
    const words = this.heap.i32;
    let at = this.line(this.threads);
    for (let thread = 0; thread < this.threads; thread++) {
      words[this.line(thread)] = at * 4;
      words[this.line(thread) + 1] = segments.length;
      for (const segment of segments) {
        const list = segment.lists?.[thread] ?? (thread === 0 ? segment : { start: 0, end: 0 });
        writeSegment(words, at, { ...segment, ...list });
        at += SEGMENT_WORDS;
      }
    }
    words[this.block / 4 + PATIENCE] = PATIENT + Math.max(...segments.map(({ nanoseconds = 0 }) => nanoseconds)) / 1e7;
    return true;
  }

  private together(): boolean {
    try {
      const done = this.kernels.runTogether(this.block) !== 0;
      if (done) this.runs++;
      return done;
    } catch (error) {
      if (this.heap.i32[this.block / 4 + BROKEN] === 0) throw error;
      this.close('a thread stopped in the middle of its work');
      throw new StateError(
        'A thread of the pool stopped in the middle of a call, and what the call writes is only half there. Try again: ' +
          'from here on everything runs on one thread.',
      );
    }
  }

  /** Ends all threads, for good. */
  close(why: string): void {
    if (this.why !== undefined) return;
    this.why = why;
    for (const stop of this.stops) stop();
  }
}
