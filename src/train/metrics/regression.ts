import { OptionError } from '../../errors';
import { needPairs } from '../../nn/loss';
import { sizeOf } from '../../tensor/shape';
import type { Tensor } from '../../tensor/tensor';
import { checkedTally, type Mode, type StreamingMetric, streamingMetric, type Tally } from './metric';

/** What is summed over the rows of one column. */
interface Column {
  /** Σ |output - target| */
  absolute: number;
  /** Σ (output - target)² */
  squared: number;
  /** The mean of the targets, and Σ (target - mean)²: Welford 1962. */
  mean: number;
  spread: number;
}

/** The mean over the columns of a number that the sums of each give. */
class Columns implements Tally {
  private readonly columns: Column[] = [];
  private rows = 0;

  constructor(
    private readonly owner: string,
    private readonly of: (column: Column, rows: number) => number,
  ) {}

  add(output: Tensor, target: Tensor): void {
    needPairs(this.owner, output, target);
    const width = sizeOf(target.shape.slice(1));
    const [o, t] = [output.toTypedArray(), target.toTypedArray()];
    for (let i = 0; i < t.length; i++) {
      if (i % width === 0) this.rows++;
      this.note(i % width, o[i] as number, t[i] as number);
    }
  }

  private note(column: number, output: number, target: number): void {
    this.columns[column] ??= { absolute: 0, squared: 0, mean: 0, spread: 0 };
    const sums = this.columns[column] as Column;
    const error = output - target;
    sums.absolute += Math.abs(error);
    sums.squared += error * error;
    const off = target - sums.mean;
    sums.mean += off / this.rows;
    sums.spread += off * (target - sums.mean);
  }

  value(): number {
    if (!this.columns.every((c) => Number.isFinite(c.squared + c.spread)))
      throw new OptionError(`${this.owner} got a number that is not finite, in an output or a target.`);
    return this.columns.reduce((sum, column) => sum + this.of(column, this.rows), 0) / this.columns.length;
  }
}

function ofColumns(owner: string, mode: Mode, of: (column: Column, rows: number) => number): StreamingMetric {
  return streamingMetric(() => checkedTally(owner, new Columns(owner, of)), { mode });
}

/**
 * The mean absolute error: mean |output - target|, over all elements.
 *
 * @throws ShapeError unless output and target have one shape; OptionError for NaN and infinities.
 * @example
 * expect(mae(tensor([1, 2]), tensor([2, 4]))).toBe(1.5);
 */
export const mae = /* @__PURE__ */ ofColumns('mae', 'min', ({ absolute }, rows) => absolute / rows);

/**
 * The root of the mean squared error, √(mean (output - target)²), in the units of the target. For several columns the mean of
 * theirs.
 *
 * @throws ShapeError unless output and target have one shape; OptionError for NaN and infinities.
 * @example
 * expect(rmse(tensor([1, 2]), tensor([4, 6]))).toBeCloseTo(Math.sqrt(12.5));
 */
export const rmse = /* @__PURE__ */ ofColumns('rmse', 'min', ({ squared }, rows) => Math.sqrt(squared / rows));

/**
 * The share of the variance that is explained: 1 - Σ (target - output)² / Σ (target - mean target)². For several columns the
 * mean of theirs. A constant target gives 1 where it is met exactly and 0 elsewhere, a single row NaN, as scikit-learn's
 * r2_score does.
 *
 * @throws ShapeError unless output and target have one shape; OptionError for NaN and infinities.
 * @example
 * expect(r2(tensor([1, 2, 3]), tensor([1, 2, 3]))).toBe(1);
 */
export const r2 = /* @__PURE__ */ ofColumns('r2', 'max', ({ squared, spread }, rows) => {
  if (rows < 2) return Number.NaN;
  if (spread === 0) return squared === 0 ? 1 : 0;
  return 1 - squared / spread;
});
