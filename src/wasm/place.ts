import type { Storage } from './heap';
import type { Segment } from './record';

/** What a run reads and what is read of it here, for who does not share this memory. */
export interface Needs {
  /** All that the segments read and write beside what is theirs alone, and their records. */
  uses(): Iterable<Storage>;
  /** What is to be read here afterwards. */
  gives: readonly Storage[];
}

/** A thread beside this one where segments can run. */
export interface Place {
  /** Is it to be asked? If not, what is to run runs here. */
  readonly isOpen: boolean;
  /** Why it is no more. */
  readonly why: string | undefined;
  /**
   * Runs segments. What they need is looked up before it returns.
   *
   * @throws StateError where the thread, or one that it leads, is no more.
   */
  run(segments: readonly Segment[], needs: Needs): Promise<void>;
  /** Brings the bytes of storages here, if they are not. */
  fetch(storages: readonly Storage[]): Promise<void>;
  close(): void;
}

/** A place that was asked for, or why there is none. */
export type Opened = { readonly place: Place; readonly memory: 'shared' | 'copied' } | { readonly why: string };

/** Opens a place for a training: `worker` of downhill/worker. */
export interface Elsewhere {
  open(): Promise<Opened>;
}
