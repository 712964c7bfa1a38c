import type { Run } from './fit';
import { rateOf } from './schedule';

/** Runs whole epochs one after the other. */
export interface Together {
  /** The most that should run before a pause. */
  readonly epochs: number;
  /** Runs epochs from number `pass` on and returns the losses of all batches; undefined, and nothing has changed, if they diverge. */
  runEpochs(pass: number, epochs: number): Float32Array | undefined | Promise<Float32Array | undefined>;
}

/** Runs as many whole epochs as a slice takes, where nobody looks in between; false if it was none. */
export async function runTogether({ job, driver, progress, pacer, reporter }: Run): Promise<boolean> {
  const { batches, options } = job;
  const { rows, batchSize, length } = batches;
  const count = Math.min(driver.together?.epochs ?? 1, options.epochs - progress.epoch + 1);
  if (count < 2 || progress.batch > 0 || !(await pacer.tick())) return false;
  const [pass, began] = [batches.epoch, progress.seconds];
  const losses = await driver.together?.runEpochs(pass, count);
  if (job.place?.isOpen) pacer.rest();
  if (!losses) {
    // One by one they will tell which of them it is.
    driver.together = undefined;
    return false;
  }
  batches.epoch += count;
  const [lr, seconds] = [rateOf(options), (progress.seconds - began) / count];
  for (let i = 0; i < count; i++) {
    progress.begin(pass + i);
    progress.countAll(losses, { from: i * length, rows, batchSize });
    progress.add({ epoch: progress.epoch, loss: progress.loss, lr, seconds: began + seconds * (i + 1) });
  }
  const { epoch, loss } = progress;
  await reporter?.note({ epoch: epoch - 1, batch: length, loss, rows: rows * count, held: pacer.held });
  return true;
}
