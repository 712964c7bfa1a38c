import { StateError } from '../errors';
import type { Storage } from '../wasm/heap';
import type { Needs, Place } from '../wasm/place';
import { SEGMENT_WORDS, type Segment, writeSegment } from '../wasm/record';
import { runtime } from '../wasm/runtime';

interface Scene extends Needs {
  /** Where the segments stand that run here. */
  segments: Storage;
  /** What is trained, and copies of it that are seen in its stead. */
  trained: readonly Storage[];
  seen: readonly Storage[];
  /** Where it is trained, if not here. */
  place: Place | undefined;
}

/**
 * The calls of a training's programs: here, on all threads or one, or on another thread. What is trained elsewhere is hidden
 * meanwhile: others see copies. With a place of its own these are of the beginning; else, where only another thread may lead the
 * pool, of the last slice's.
 */
export class Calls {
  private hidden = false;
  /** Has it run elsewhere since that was brought here? */
  private isAhead = false;

  constructor(private readonly scene: Scene) {
    if (!scene.place) return;
    const { heap } = runtime();
    scene.trained.forEach((storage, i) => {
      heap.copy(storage, scene.seen[i] as Storage);
    });
    this.hide(true);
  }

  /** Hides what is trained, or not; returns what puts it back. */
  private hide(hidden: boolean): () => void {
    const before = this.hidden;
    const { trained, seen } = this.scene;
    if (hidden !== before) {
      trained.forEach((storage, i) => {
        runtime().heap.exchange(storage, seen[i] as Storage);
      });
    }
    this.hidden = hidden;
    return () => void this.hide(before);
  }

  /** Calls `fn` while storages have the bytes that are trained. */
  unhidden<T>(fn: () => T): T {
    const back = this.hide(false);
    try {
      return fn();
    } finally {
      back();
    }
  }

  /** Runs segments; those with lists on all threads, if they are to be shared. */
  call(segments: readonly Segment[], shared = true): void | Promise<void> {
    const { heap, pool, run } = runtime();
    const divided = shared && segments.some(({ lists }) => lists);
    const place = this.scene.place ?? (divided && pool?.isReady ? pool.leader : undefined);
    if (place?.isOpen) {
      this.isAhead = true;
      const given = divided ? segments : segments.map((segment) => ({ ...segment, lists: undefined }));
      return this.unhidden(() => place.run(given, this.scene));
    }
    heap.clock++;
    if (divided && pool?.run(segments)) return;
    const at = heap.address(this.scene.segments);
    const words = heap.i32;
    segments.forEach((segment, i) => {
      writeSegment(words, at / 4 + i * SEGMENT_WORDS, segment);
    });
    run(at, segments.length);
  }

  /**
   * Runs what saves all that the rest changes, and then the rest. If a thread dies in the middle, `undo` undoes what it did, and
   * it is made again on the one that is left.
   */
  async guarded(save: Segment, rest: readonly Segment[], { shared, undo }: Guard): Promise<void> {
    await this.again([save], shared, () => {});
    const over = !this.scene.place && runtime().pool?.leader;
    const back = over ? this.hide(true) : undefined;
    try {
      await this.again(rest, shared, undo);
    } finally {
      back?.();
    }
  }

  private async again(segments: readonly Segment[], shared: boolean, undo: Guard['undo']): Promise<void> {
    try {
      await this.call(segments, shared);
    } catch (error) {
      if (!(error instanceof StateError)) throw error;
      await undo();
      await this.call(segments, shared);
    }
  }

  /** Calls `fn` while what was trained elsewhere is seen. */
  async shown<T>(fn: () => T | Promise<T>): Promise<T> {
    await this.bring();
    const back = this.hide(false);
    try {
      return await fn();
    } finally {
      back();
    }
  }

  private async bring(): Promise<void> {
    const { place, trained } = this.scene;
    if (!this.isAhead || !place) return;
    await this.unhidden(() => place.fetch(trained));
    this.isAhead = false;
  }

  /** Lets what was trained elsewhere be seen from here on; false where what came since it was last shown is lost. */
  async end(): Promise<boolean> {
    try {
      await this.bring();
      return true;
    } catch {
      return false;
    } finally {
      this.hide(false);
    }
  }

  release(): void {
    this.hide(false);
    for (const storage of this.scene.trained) runtime().heap.wrote(storage);
  }
}

interface Guard {
  shared: boolean;
  undo: () => void | Promise<void>;
}
