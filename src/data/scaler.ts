import { OptionError, ShapeError, StateError } from '../errors';
import { tensor } from '../tensor/create';
import type { Data } from '../tensor/literal';
import { show } from '../tensor/shape';
import { Tensor } from '../tensor/tensor';

function matrix(owner: string, data: Tensor | Data): Tensor {
  const x = data instanceof Tensor ? data : tensor(data);
  if (x.shape.length === 2) return x.to('float32');
  throw new ShapeError(
    `${owner} got data of shape ${show(x.shape)}; it must be [rows, columns]. Use reshape([-1, 1]) for one column.`,
  );
}

/** The mean and the standard deviation of one column; two passes, so that a large mean does not eat the deviation. */
function momentsOf(
  values: Float32Array | Int32Array,
  column: number,
  columns: number,
): { mean: number; deviation: number } {
  const rows = values.length / columns;
  let sum = 0;
  for (let i = column; i < values.length; i += columns) sum += values[i] as number;
  const mean = sum / rows;
  let squares = 0;
  for (let i = column; i < values.length; i += columns) {
    const d = (values[i] as number) - mean;
    squares += d * d;
  }
  return { mean, deviation: Math.sqrt(squares / rows) };
}

/**
 * Brings each column to mean 0 and standard deviation 1: (x - mean) / deviation. A constant column becomes 0.
 *
 * Fit it on the rows to train on alone, then transform all.
 * As https://scikit-learn.org/stable/modules/generated/sklearn.preprocessing.StandardScaler.html.
 *
 * @example
 * const scaler = new StandardScaler();
 * expect(scaler.fitTransform([[1], [3]]).toArray()).toEqual([[-1], [1]]);
 * expect(scaler.inverseTransform([[-1]]).toArray()).toEqual([[1]]);
 */
export class StandardScaler {
  /** The mean of each column; undefined before `fit`. */
  mean: number[] | undefined;
  /** What each column is divided by: its standard deviation, or 1 where that is 0; undefined before `fit`. */
  scale: number[] | undefined;

  /** Learns the columns' means and deviations. */
  fit(data: Tensor | Data): this {
    const x = matrix('StandardScaler', data);
    const [rows, columns] = x.shape as [number, number];
    if (rows === 0) throw new ShapeError('StandardScaler got no rows; there must be at least one.');
    const values = x.toTypedArray();
    const moments = Array.from({ length: columns }, (_, j) => momentsOf(values, j, columns));
    const bad = moments.findIndex(({ deviation }) => !Number.isFinite(deviation));
    if (bad >= 0)
      throw new OptionError(
        `StandardScaler: column ${bad} has NaN or an infinity; drop such rows or fill them in before.`,
      );
    this.mean = moments.map(({ mean }) => mean);
    this.scale = moments.map(({ deviation }) => deviation || 1);
    return this;
  }

  private fitted(data: Tensor | Data): { x: Tensor; mean: Tensor; scale: Tensor } {
    if (!this.mean || !this.scale)
      throw new StateError('StandardScaler was not fitted; call fit(data) before transform.');
    const x = matrix('StandardScaler', data);
    if (x.shape[1] !== this.mean.length) {
      throw new ShapeError(`StandardScaler got ${x.shape[1]} columns; it was fitted on ${this.mean.length}.`);
    }
    return { x, mean: tensor(this.mean), scale: tensor(this.scale) };
  }

  /** (x - mean) / deviation */
  transform(data: Tensor | Data): Tensor {
    const { x, mean, scale } = this.fitted(data);
    return x.sub(mean).div(scale);
  }

  /** `fit`, then `transform`. */
  fitTransform(data: Tensor | Data): Tensor {
    return this.fit(data).transform(data);
  }

  /** x deviation + mean */
  inverseTransform(data: Tensor | Data): Tensor {
    const { x, mean, scale } = this.fitted(data);
    return x.mul(scale).add(mean);
  }
}
