import type { Heap, Storage } from './heap';
import type { Place } from './place';
import type { Pool } from './pool';
import { SEGMENT_WORDS, type Segment, writeSegment } from './record';
import { Runner } from './runner';

interface Surroundings {
  readonly heap: Heap;
  readonly pool: Pool;
  readonly module: WebAssembly.Module;
  readonly url: string | undefined;
}

/** A thread that runs segments over this very memory, and leads the pool meanwhile. It starts when it is first wanted. */
export class Beside implements Place {
  private runner: Runner | undefined;
  private segments: Storage | undefined;
  /** The last run, after which comes the next. */
  private last: Promise<void> = Promise.resolve();

  constructor(private readonly around: Surroundings) {}

  /** Settles when it is there, or says why it will never be. */
  async start(): Promise<string | undefined> {
    const { heap, module, url } = this.around;
    if (!this.runner || this.runner.why !== undefined) this.runner = new Runner({ module, memory: heap.memory }, url);
    await this.runner.started;
    return this.runner.why;
  }

  get why(): string | undefined {
    return this.runner?.why;
  }

  get isOpen(): boolean {
    return this.runner?.isReady ?? false;
  }

  run(segments: readonly Segment[]): Promise<void> {
    const run = this.last.then(() => this.runNow(segments));
    this.last = run.catch(() => {});
    return run;
  }

  private async runNow(segments: readonly Segment[]): Promise<void> {
    const { pool } = this.around;
    const divided = segments.some(({ lists }) => lists) && pool.prepare(segments);
    const request = { segments: this.write(segments), count: segments.length, pool: divided ? pool.at : 0 };
    pool.lent = true;
    try {
      const { together } = await (this.runner as Runner).ask(request);
      if (together) pool.runs++;
    } catch (error) {
      if (divided) pool.close('a thread stopped in the middle of its work');
      throw error;
    } finally {
      pool.lent = false;
    }
  }

  /** Writes segments where they stay until the next run. */
  private write(segments: readonly Segment[]): number {
    const { heap } = this.around;
    const bytes = segments.length * SEGMENT_WORDS * 4;
    heap.clock++;
    if (!this.segments || this.segments.bytes < bytes) this.segments = heap.allocate(bytes);
    const at = heap.address(this.segments);
    segments.forEach((segment, i) => {
      writeSegment(heap.i32, at / 4 + i * SEGMENT_WORDS, segment);
    });
    return at;
  }

  async fetch(): Promise<void> {}

  /** Others may want it again. */
  close(): void {}
}
