import type { Heap, Storage } from '../wasm/heap';
import type { Needs, Place } from '../wasm/place';
import { SEGMENT_WORDS, type Segment, writeSegment } from '../wasm/record';
import { type Places, Runner } from '../wasm/runner';
import type { Runtime } from '../wasm/runtime';

const total = (places: Places) => places.reduce((sum, [, bytes]) => sum + bytes, 0);

/** A thread with a memory of its own, in which all that it needs has the same addresses as here. */
export class Apart implements Place {
  readonly isOpen = true;
  private readonly heap: Heap;
  private readonly runner: Runner;
  private closed = false;
  /** Why it was no more before it was closed. */
  private ended: string | undefined;
  /** What was written here since then is not there. */
  private since = -1;

  constructor({ heap, module, workerUrl }: Pick<Runtime, 'heap' | 'module' | 'workerUrl'>) {
    this.heap = heap;
    this.runner = new Runner({ module, pages: heap.maxPages }, workerUrl);
    heap.watchers++;
  }

  async start(): Promise<string | undefined> {
    await this.runner.started;
    if (this.why !== undefined) this.close();
    return this.why;
  }

  get why(): string | undefined {
    return this.closed ? this.ended : this.runner.why;
  }

  async run(segments: readonly Segment[], { uses, gives }: Needs): Promise<void> {
    const { heap } = this;
    const scratch = heap.allocate(segments.length * SEGMENT_WORDS * 4);
    try {
      const at = heap.address(scratch);
      segments.forEach((segment, i) => {
        writeSegment(heap.i32, at / 4 + i * SEGMENT_WORDS, segment);
      });
      await this.ask({ segments: at, count: segments.length, put: [scratch, ...this.fresh(uses())], get: gives });
    } finally {
      heap.free(scratch);
    }
  }

  async fetch(storages: readonly Storage[]): Promise<void> {
    await this.ask({ segments: 0, count: 0, put: [], get: storages });
  }

  /** Those that were written here since this was last asked. */
  private fresh(storages: Iterable<Storage>): Set<Storage> {
    const { since, heap } = this;
    this.since = ++heap.clock;
    return new Set([...storages].filter((storage) => heap.writtenAt(storage) >= since));
  }

  private placesOf(storages: Iterable<Storage>): Places {
    return [...storages].map((storage) => [this.heap.address(storage), storage.bytes]);
  }

  private async ask(request: { segments: number; count: number; put: Iterable<Storage>; get: readonly Storage[] }) {
    const { heap } = this;
    const [put, get] = [this.placesOf(request.put), this.placesOf(request.get)];
    const bytes = new ArrayBuffer(total(put));
    this.move(put, (at, length, i) =>
      new Uint8Array(bytes, i, length).set(new Uint8Array(heap.memory.buffer, at, length)),
    );
    const reply = await this.runner.ask({ ...request, size: heap.bytes, put, get, bytes }, [bytes]);
    this.move(get, (at, length, i) =>
      new Uint8Array(heap.memory.buffer, at, length).set(new Uint8Array(reply.bytes, i, length)),
    );
  }

  private move(places: Places, each: (at: number, length: number, i: number) => void): void {
    let i = 0;
    for (const [at, length] of places) {
      each(at, length, i);
      i += length;
    }
  }

  close(): void {
    if (this.closed) return;
    this.ended = this.runner.why;
    this.closed = true;
    this.runner.close('its training is over');
    this.heap.watchers--;
  }
}
