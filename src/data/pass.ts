import { OptionError, quoted, StateError } from '../errors';
import { Draws, Stream } from '../wasm/random';
import { type Block, blockOf, Rows } from './columns';
import type { Batch } from './loader';
import type { IterableDatasetOptions, RowSource } from './stream';

/** What the dataset says of every pass. */
export type PassPlan = Required<Omit<IterableDatasetOptions, 'timeout'>> & { timeout: number | undefined };

/** How a pass is read. */
export interface PassOptions {
  pass: number;
  /** The seed of the order, if it is shuffled. */
  seed?: number | undefined;
  signal?: AbortSignal | undefined;
}

type Result = IteratorResult<unknown>;

const isPromise = <T>(value: unknown): value is PromiseLike<T> => typeof (value as PromiseLike<T>)?.then === 'function';

/** A block of which rows are left, from `next` on. */
type Begun = Block & { next: number };

function iteratorOf(given: unknown): Iterator<unknown> | AsyncIterator<unknown> {
  if (isPromise(given)) return arriving(given);
  const rows = given as Partial<Iterable<unknown> & AsyncIterable<unknown>>;
  const iterator = rows?.[Symbol.asyncIterator]?.() ?? rows?.[Symbol.iterator]?.();
  if (iterator) return iterator;
  throw new OptionError(
    `IterableDataset's function gave ${quoted(given)}; it must give an iterable, such as a generator's, anew for each pass.`,
  );
}

/** The rows of an iterable that is awaited. */
async function* arriving(given: PromiseLike<unknown>): AsyncGenerator<unknown> {
  yield* (await given) as AsyncIterable<unknown>;
}

/** One pass over an iterable: it reads ahead, checks, shuffles, and hands out row after row. */
export class Pass {
  private readonly how: PassOptions;
  private iterator!: Iterator<unknown> | AsyncIterator<unknown>;
  /** Rows that were read ahead, in a ring. */
  private ahead: Rows | undefined;
  private oldest = 0;
  private count = 0;
  /** A block of which rows are left. */
  private block: Begun | undefined;
  /** Rows that a shuffled pass draws from. */
  private buffer: Rows | undefined;
  private held = 0;
  private readonly draws: Draws | undefined;
  /** Rows read. */
  private read = 0;
  private asked = false;
  /** Does the iterable answer by promises? */
  private waits = false;
  /** The batch at hand, and its rows so far. */
  private batch: Rows | undefined;
  private filled = 0;
  private over = false;
  private failure: unknown;
  private wake: () => void = () => {};

  constructor(
    private readonly options: PassPlan,
    { source, how }: { source: RowSource; how: PassOptions },
  ) {
    this.how = how;
    const { pass, seed } = how;
    if (seed !== undefined) this.draws = new Draws(seed, { stream: Stream.buffer, pass });
    this.guarded(() => {
      this.iterator = iteratorOf(source(pass));
    });
    this.pull();
  }

  /** Asks for items until there is no more room for rows, or until it has to wait. */
  private pull(): void {
    while (!this.over && !this.asked && this.count < this.options.prefetch) {
      if (this.block) this.guarded(() => this.admit(this.block as Begun));
      else this.ask();
    }
  }

  private ask(): void {
    let result: Result | PromiseLike<Result>;
    try {
      result = this.iterator.next();
    } catch (error) {
      this.fail(this.thrown(error));
      return;
    }
    if (!isPromise(result)) {
      this.take(result);
      return;
    }
    this.asked = true;
    this.waits = true;
    result.then(
      (answer) => this.settle(() => this.take(answer)),
      (error) => this.settle(() => this.fail(this.thrown(error))),
    );
  }

  private settle(how: () => void): void {
    this.asked = false;
    if (!this.over) how();
    this.pull();
    this.wake();
  }

  private thrown(error: unknown): StateError {
    const said = error instanceof Error ? error.message : String(error);
    return new StateError(`The iterable of IterableDataset threw at ${this.place}: ${said}`, { cause: error });
  }

  private get place(): string {
    return `row ${this.read} of pass ${this.how.pass}`;
  }

  private fail(error: unknown): void {
    this.close();
    this.failure = error;
  }

  private guarded(fn: () => void): void {
    try {
      fn();
    } catch (error) {
      this.fail(error);
    }
  }

  private take({ done, value }: Result): void {
    if (done) this.over = true;
    else this.guarded(() => this.accept(value));
  }

  private accept(item: unknown): void {
    const { blocks } = this.options;
    if (!blocks && this.ahead?.quick(this.free, item)) {
      this.count++;
      this.read++;
      return;
    }
    const block = blockOf(item, this.read, blocks);
    if (block.rows > 0) this.admit({ ...block, next: 0 });
  }

  /** The place of the next row that is read. */
  private get free(): number {
    return (this.oldest + this.count) % this.options.prefetch;
  }

  /** Takes the next row of a block. */
  private admit(block: Begun): void {
    this.ahead ??= new Rows(block.parts, this.options.prefetch);
    this.ahead.write(this.free, block, { from: block.next, row: this.read });
    this.count++;
    this.read++;
    block.next++;
    this.block = block.next < block.rows ? block : undefined;
  }

  /** Moves the oldest row to a place of others; false where there is none. */
  private shift(to: Rows, at: number): boolean {
    if (this.count === 0) this.pull();
    if (this.count === 0) return false;
    to.copy(this.ahead as Rows, { from: this.oldest, to: at });
    this.oldest = (this.oldest + 1) % this.options.prefetch;
    this.count--;
    // An iterable that answers at once is asked when it is needed.
    if (this.waits) this.pull();
    return true;
  }

  /** Moves the next row of the pass's order to a place of others; false where there is none, or none yet. */
  private next(to: Rows, at: number): boolean {
    if (!this.draws) return this.shift(to, at);
    const { shuffleBuffer } = this.options;
    this.buffer ??= this.ahead && new Rows(this.ahead.columns, shuffleBuffer);
    const { buffer } = this;
    if (!buffer) return false;
    // Filled to the brim before each draw, so that the order does not depend on when rows come.
    while (this.held < shuffleBuffer && this.shift(buffer, this.held)) this.held++;
    if (this.held === 0 || this.failure || (this.held < shuffleBuffer && !(this.over && this.count === 0)))
      return false;
    const drawn = Math.floor(this.draws.next() * this.held);
    to.copy(buffer, { from: drawn, to: at });
    buffer.copy(buffer, { from: --this.held, to: drawn });
    return true;
  }

  /** Has the last row been handed out? What went wrong is thrown here, after all rows before it. */
  private finished(): boolean {
    if (!this.over || this.count > 0) return false;
    if (this.failure !== undefined) throw this.failure;
    return this.held === 0;
  }

  /** What rows are like, once there was one: the store of those read ahead. */
  get rows(): Rows | undefined {
    return this.ahead;
  }

  /** Takes rows that are there into the batch at hand, and returns how many it has. */
  collect(size: number): number {
    this.batch ??= this.ahead && new Rows(this.ahead.columns, size);
    while (this.batch && this.filled < size && this.next(this.batch, this.filled)) this.filled++;
    return this.filled;
  }

  /** Waits for a batch, and returns how many rows it has: fewer than `size` at the end, or where the signal was given. */
  async gather(size: number): Promise<number> {
    while (this.collect(size) < size && !this.finished()) {
      if (this.how.signal?.aborted) return 0;
      await this.arrival();
    }
    return this.filled;
  }

  /** Reads the first batches and leaves them out; false where there are not so many. */
  async skip(batches: number, size: number): Promise<boolean> {
    for (let i = 0; i < batches; i++) {
      if ((await this.gather(size)) < size) return false;
      this.hand();
    }
    return true;
  }

  /** The batch at hand, which is at an end with this. */
  hand(): Rows {
    this.filled = 0;
    return this.batch as Rows;
  }

  /** The batches of `size` rows from number `first` on; the last has a multiple of `unit` rows. */
  async *batches({ size, first, unit }: { size: number; first: number; unit: number }): AsyncGenerator<Batch> {
    try {
      if (!(await this.skip(first, size))) return;
      for (let rows = size; rows === size; ) {
        rows = await this.gather(size);
        const whole = rows - (rows % unit);
        if (whole > 0) yield this.hand().tensors(whole) as Batch;
      }
    } finally {
      this.close();
    }
  }

  /** Waits until something has come. */
  private async arrival(): Promise<void> {
    const { signal } = this.how;
    const { timeout } = this.options;
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      signal?.addEventListener('abort', this.stop);
      // Longer ones would ring at once.
      if (timeout !== undefined && timeout < 2 ** 31) timer = setTimeout(() => this.tire(), timeout);
    });
    clearTimeout(timer);
    signal?.removeEventListener('abort', this.stop);
  }

  private readonly stop = () => this.wake();

  private tire(): void {
    this.fail(
      new StateError(
        `IterableDataset waited ${this.options.timeout} ms for ${this.place}, and nothing came; look at what it reads from, or give a longer timeout.`,
      ),
    );
    this.wake();
  }

  /** Asks for nothing more, and lets the iterable clean up. */
  close(): void {
    if (this.over) return;
    this.over = true;
    this.block = undefined;
    try {
      const answer = this.iterator?.return?.() as unknown;
      if (isPromise(answer)) answer.then(undefined, () => {});
    } catch {
      // What ends the pass is told already.
    }
  }
}
