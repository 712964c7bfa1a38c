import type { Rows } from '../data/columns';
import type { Dataset } from '../data/dataset';
import { DataLoader } from '../data/loader';
import type { Pass } from '../data/pass';
import type { Optimizer } from '../optim/optimizer';
import { newStorage } from '../tensor/driver';
import { Tensor } from '../tensor/tensor';
import { runtime } from '../wasm/runtime';
import { Compiled } from './compiled';
import { type At, type Driver, diverged, type Job, stepOf } from './drivers';
import { perStep } from './schedule';
import { Setting } from './setting';
import { tableSteps } from './slices';
import { sumOfWeights } from './weights';

/** Room in Wasm for some batches, in a ring: what a recorded step gathers its rows from. */
class Window implements Dataset {
  readonly length: number;
  readonly tensors: readonly Tensor[];
  /** What a step needs of the labels in a column. */
  private readonly checks: { column: number; check: (labels: Tensor) => void }[] = [];
  private filled = false;

  constructor({ columns }: Rows, length: number) {
    this.length = length;
    this.tensors = columns.map(({ shape: row, dtype }) => {
      const shape = [length, ...row];
      const size = shape.reduce((n, d) => n * d, 1);
      return new Tensor({ storage: newStorage(size * 4), shape, dtype });
    });
  }

  later(column: number, check: (labels: Tensor) => void): void {
    // A last batch asks for the same again.
    if (!this.filled) this.checks.push({ column, check });
  }

  /** Puts the first rows of others where row `at` is, once their labels are found to be right. */
  put(others: Rows, { rows, at }: { rows: number; at: number }): void {
    this.filled = true;
    if (this.checks.length > 0) {
      const batch = others.tensors(rows);
      for (const { column, check } of this.checks) check(batch[column] as Tensor);
    }
    const { heap } = runtime();
    heap.clock++;
    this.tensors.forEach(({ storage, dtype, size }, c) => {
      const to = heap.address(storage) / 4 + (at * size) / this.length;
      heap.wrote(storage);
      (dtype === 'int32' ? heap.i32 : heap.f32).set(others.first(rows, c), to);
    });
  }
}

/** What the first row of a training makes known. */
interface Recorded {
  compiled: Compiled;
  window: Window;
  order: Tensor;
  /** Batches in the window. */
  batches: number;
  /** A step on so many rows of the window. */
  step: (rows: number) => Tensor;
}

/** The compiled driver for rows that come one after another: a slice is as long as there are batches. */
export class Streamed implements Driver {
  private readonly setting: Setting;
  private readonly seed: number;
  private recorded: Recorded | undefined;
  private pass: Pass | undefined;
  private epoch = 0;
  /** Batches to leave out. */
  private done = 0;
  /** What is to be thrown when the batches before it are trained on. */
  private failure: unknown;
  /** What the batches in the window count. */
  private readonly counts: number[] = [];

  constructor(private readonly job: Job) {
    const { params } = job.options.optimizer as Optimizer;
    this.setting = new Setting(job.model, { training: true, params });
    this.seed = job.batches.seed;
  }

  get ran(): boolean {
    return (this.recorded?.compiled.taken ?? 0) > 0;
  }

  get steps(): number {
    return this.recorded?.compiled.steps ?? 1;
  }

  begin({ epoch, pass, batch }: At): void {
    const { batches, options } = this.job;
    this.epoch = epoch;
    this.done = batch;
    this.pass?.close();
    this.pass = batches.begin({ pass, seed: this.seed, signal: options.signal });
    this.recorded?.compiled.slices.endless();
  }

  async ready(first: number, end: number): Promise<number> {
    if (this.failure) throw this.failure;
    const { batchSize } = this.job.batches;
    const pass = this.pass as Pass;
    if (!(await pass.skip(this.done, batchSize))) return first;
    this.done = 0;
    let rows = await pass.gather(batchSize);
    rows -= rows % this.job.batches.unit;
    if (rows === 0) return first;
    this.recorded ??= this.setting.run(() => this.record(pass.rows as Rows));
    this.put(first, rows);
    if (rows < batchSize) this.endAt(first, rows);
    return rows < batchSize ? first + 1 : this.fill(first + 1, end);
  }

  /** Takes on batches that are there, from step `first` on. */
  private fill(first: number, end: number): number {
    const { batchSize } = this.job.batches;
    let step = first;
    const last = Math.min(end, first - 1 + (this.recorded as Recorded).batches);
    try {
      for (; step < last && this.pass?.collect(batchSize) === batchSize; step++) this.put(step, batchSize);
    } catch (error) {
      this.failure = error;
    }
    return step;
  }

  private put(step: number, rows: number): void {
    const { window, batches } = this.recorded as Recorded;
    const { isWeighted, batches: loader } = this.job;
    const others = (this.pass as Pass).hand();
    const at = step % batches;
    this.counts[at] = isWeighted ? sumOfWeights(others.first(rows, others.columns.length - 1)) : rows;
    window.put(others, { rows, at: at * loader.batchSize });
  }

  private endAt(at: number, rows: number): void {
    const { compiled, step } = this.recorded as Recorded;
    this.setting.run(() => compiled.slices.endAt(at, { rows, step: () => step(rows) }));
  }

  private record(ahead: Rows): Recorded {
    const { batches: loader, options } = this.job;
    const { batchSize } = loader;
    const batches = tableSteps(Math.ceil(ahead.capacity / batchSize));
    const window = new Window(ahead, batches * batchSize);
    const inWindow = new DataLoader(window, { batchSize });
    const order = inWindow.newOrder();
    const index = { storage: order.storage, offset: 0, stride: batchSize * 4, mask: batches - 1 };
    const own = stepOf(this.job);
    const step = (rows: number) => own(inWindow.gather(index, rows));
    const compiled = new Compiled([{ end: Number.POSITIVE_INFINITY, step: () => step(batchSize) }], {
      optimizer: options.optimizer as Optimizer,
      schedule: perStep(options),
      steps: batches,
      yieldEvery: options.yieldEvery,
      place: this.job.place,
      diverged: (fault, at) => diverged(this.job, fault, { epoch: this.epoch, batch: at + 1 }),
    });
    return { compiled, window, order, batches, step };
  }

  run(first: number, end: number): Float32Array | Promise<Float32Array> {
    return (this.recorded as Recorded).compiled.run({ first, end });
  }

  weightOf(batch: number): number {
    return this.counts[batch % (this.recorded as Recorded).batches] as number;
  }

  shown<T>(fn: () => T | Promise<T>): T | Promise<T> {
    return this.recorded ? this.recorded.compiled.shown(fn) : fn();
  }

  end(): Promise<void> | undefined {
    return this.recorded?.compiled.end();
  }

  release(): void {
    this.pass?.close();
    this.recorded?.compiled.release();
    this.recorded?.order.dispose();
    for (const t of this.recorded?.window.tensors ?? []) t.dispose();
  }
}
