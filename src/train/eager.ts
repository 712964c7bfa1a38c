import type { Module } from '../nn/module';
import type { Optimizer } from '../optim/optimizer';
import { Tensor } from '../tensor/tensor';
import { type At, type Driver, diverged, type Job, stepOf } from './drivers';
import { perStep } from './schedule';
import { Setting } from './setting';
import { sumOfWeights } from './weights';

/** The tensors in a model's fields: its parameters, and what `forward` may change. */
function heldBy(model: Module): Tensor[] {
  const isHeld = (v: unknown): v is Tensor => v instanceof Tensor && v.hasValues;
  return model.modules().flatMap((m) => Object.values(m).filter(isHeld));
}

const allFinite = (t: Tensor) => t.toTypedArray().every(Number.isFinite);

/** The eager loop, one batch at a time. What a recorded step has read once, this keeps to as well: modes, seeds, what is trained. */
export class Eager implements Driver {
  readonly steps = 1;
  ran = false;
  private readonly step: (batch: readonly Tensor[]) => Tensor;
  private batches: AsyncGenerator<readonly Tensor[]> | undefined;
  /** The one that is ready. */
  private batch: readonly Tensor[] = [];
  private epoch = 0;
  private weight = 0;
  private readonly seed: number;

  constructor(private readonly job: Job) {
    const step = stepOf(job);
    const { params } = job.options.optimizer as Optimizer;
    const setting = new Setting(job.model, { training: true, params });
    this.step = (batch) => setting.run(() => step(batch));
    this.seed = job.batches.seed;
    (job.options.optimizer as Optimizer).claim();
  }

  begin({ epoch, pass, batch }: At): void {
    this.epoch = epoch;
    const { signal } = this.job.options;
    this.batches = this.job.batches.arriving({ seed: this.seed, pass, first: batch, signal });
  }

  async ready(first: number): Promise<number> {
    const next = await this.batches?.next();
    if (!next || next.done) return first;
    this.batch = next.value;
    return first + 1;
  }

  run(first: number): number[] {
    const { averaging } = this.job.options;
    const optimizer = this.job.options.optimizer as Optimizer;
    const kept = [...new Set([...optimizer.params, ...heldBy(this.job.model), ...(averaging?.changed() ?? [])])];
    const before = { values: kept.map((t) => t.clone()), state: optimizer.stateDict() };
    const { batch } = this;
    const last = batch[batch.length - 1] as Tensor;
    this.weight = this.job.isWeighted ? sumOfWeights(last.toTypedArray()) : (last.shape[0] as number);
    // What a user has set meanwhile does not count where a schedule says what each step's rate is.
    const schedule = perStep(this.job.options);
    schedule?.moveTo(schedule.count);
    const putBack = () => {
      kept.forEach((t, i) => {
        t.assign(before.values[i] as Tensor);
      });
      optimizer.restore(before.state);
    };
    const loss = this.lossOf(batch, putBack);
    const broke = (t: Tensor, i: number) => !allFinite(t) && allFinite(before.values[i] as Tensor);
    const bad = Number.isFinite(loss)
      ? (kept.find(broke) ?? optimizer.changed().find((t) => !allFinite(t)))
      : undefined;
    if (Number.isFinite(loss) && !bad) {
      this.ran = true;
      schedule?.step();
      return [loss];
    }
    putBack();
    throw diverged(this.job, { storage: bad?.storage }, { epoch: this.epoch, batch: first + 1 });
  }

  /** Takes a step; one that throws in the middle of it changes nothing. */
  private lossOf(batch: readonly Tensor[], putBack: () => void): number {
    try {
      return this.step(batch).item();
    } catch (error) {
      putBack();
      throw error;
    }
  }

  weightOf(): number {
    return this.weight;
  }

  shown<T>(fn: () => T | Promise<T>): T | Promise<T> {
    return fn();
  }

  end(): void {}

  release(): void {
    this.batches?.return(undefined);
    (this.job.options.optimizer as Optimizer).close();
  }
}
