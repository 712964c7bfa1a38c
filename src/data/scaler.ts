import { checkOptions, isPositive, OptionError, ShapeError } from '../errors';
import { tensor } from '../tensor/create';
import type { Data } from '../tensor/literal';
import type { Tensor } from '../tensor/tensor';
import { isFiniteList, type Matrix, matrixOf, Preprocessor } from './preprocessor';

/** Columns as x = scaled · scale + shift. */
interface Line {
  shift: readonly number[];
  scale: readonly number[];
}

/** Scales each column by a line of its own. Sums are in double precision; what comes out is float32. */
abstract class Scaler extends Preprocessor {
  protected abstract line(): Line | undefined;
  /** @param anew forgets what was learned before. */
  protected abstract take(data: Matrix, anew: boolean): void;
  protected abstract get width(): number | undefined;

  /**
   * Learns from rows of numbers, [rows, columns].
   *
   * @throws ShapeError for another shape or no rows; OptionError for NaN and infinities, named by row and column, and for a column
   * whose numbers are so far apart that doubles do not hold it. What was learned before stays then.
   */
  fit(data: Tensor | Data | Matrix): this {
    this.take(matrixOf(this.owner, data), true);
    return this;
  }

  /** Learns from more rows, as if all had been given to `fit` at once: for data that come in pieces. */
  partialFit(data: Tensor | Data | Matrix): this {
    this.take(this.matrix(data), false);
    return this;
  }

  /** Throws where a number for a column is beyond doubles. */
  protected check(numbers: readonly number[], what: string): void {
    const column = numbers.findIndex((n) => !Number.isFinite(n));
    if (column >= 0)
      throw new OptionError(
        `${this.owner}: the ${what} of column ${column} is more than a double holds; divide the column by a constant before.`,
      );
  }

  private matrix(data: Tensor | Data | Matrix): Matrix {
    const checked = matrixOf(this.owner, data);
    if (checked.columns === (this.width ?? checked.columns)) return checked;
    throw new ShapeError(`${this.owner} got ${checked.columns} columns; it was fitted on ${this.width}.`);
  }

  private map(data: Tensor | Data, change: (x: number, shift: number, scale: number) => number): Tensor {
    const { shift, scale } = this.learned(this.line());
    const { values, rows, columns } = this.matrix(data);
    const out = new Float32Array(values.length);
    for (let i = 0, j = 0; i < out.length; i++, j = j + 1 === columns ? 0 : j + 1)
      out[i] = change(values[i] as number, shift[j] as number, scale[j] as number);
    return tensor(out, { shape: [rows, columns] });
  }

  /**
   * The rows, scaled, as a float32 tensor.
   *
   * @throws StateError before `fit`; ShapeError for other columns; OptionError for NaN and infinities.
   */
  transform(data: Tensor | Data): Tensor {
    return this.map(data, (x, shift, scale) => (x - shift) / scale);
  }

  /** `fit`, then `transform`. */
  fitTransform(data: Tensor | Data): Tensor {
    return this.fit(data).transform(data);
  }

  /** The rows that were scaled so. */
  inverseTransform(data: Tensor | Data): Tensor {
    return this.map(data, (x, shift, scale) => x * scale + shift);
  }
}

interface Moments {
  mean: number;
  /** The sum of the squared deviations. */
  squares: number;
}

/** Σ w (x - shift) over a column's rows, or Σ w (x - shift)². */
function sumOf(
  { values, columns, rows, weights }: Matrix,
  at: { column: number; shift: number; squared?: true },
): number {
  const { column, shift, squared } = at;
  let sum = 0;
  for (let row = 0, i = column; row < rows; row++, i += columns) {
    const d = (values[i] as number) - shift;
    const term = squared ? d * d : d;
    sum += weights ? (weights[row] as number) * term : term;
  }
  return sum;
}

/** Of one column, by passes of its own, so that a large mean does not eat the deviation. */
function momentsOf(data: Matrix, { column, count }: { column: number; count: number }): Moments {
  const guess = sumOf(data, { column, shift: 0 }) / count;
  const mean = guess + sumOf(data, { column, shift: guess }) / count;
  return { mean, squares: sumOf(data, { column, shift: mean, squared: true }) };
}

/** Is a variance nothing but what rounding leaves of a constant? scikit-learn's bound. */
function isConstant(variance: number, mean: number, rows: number): boolean {
  const share = Math.max(rows, 1) * Number.EPSILON;
  return variance <= share * variance + share * mean * (share * mean);
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
 * const kept = JSON.stringify(scaler);
 * expect(StandardScaler.fromJSON(JSON.parse(kept)).transform([[2]]).toArray()).toEqual([[0]]);
 */
export class StandardScaler extends Scaler {
  protected readonly owner = 'StandardScaler';
  /** The mean of each column; undefined before `fit`. */
  mean: number[] | undefined;
  /** The variance of each column, of the rows as they are (divided by their number); undefined before `fit`. */
  variance: number[] | undefined;
  /** The rows learned from, or the sum of what they count. */
  rows = 0;

  /** What each column is divided by: its standard deviation, or 1 where it is constant; undefined before `fit`. */
  get scale(): number[] | undefined {
    const { mean, rows } = this;
    return this.variance?.map((v, j) => (isConstant(v, mean?.[j] as number, rows) ? 1 : Math.sqrt(v)));
  }

  protected get width(): number | undefined {
    return this.mean?.length;
  }

  protected line(): Line | undefined {
    const { mean: shift, scale } = this;
    return shift && scale && { shift, scale };
  }

  /** Two sets' moments are put together as in Chan, Golub and LeVeque 1983. */
  protected take(data: Matrix, anew: boolean): void {
    const { rows: before, mean = [], variance = [] } = anew ? { rows: 0 } : this;
    const count = data.weights?.reduce((sum, w) => sum + w, 0) ?? data.rows;
    const moments = Array.from({ length: data.columns }, (_, column) => momentsOf(data, { column, count }));
    const rows = before + count;
    const means = moments.map((m, j) => {
      const old = mean[j] ?? m.mean;
      return old + ((m.mean - old) * count) / rows;
    });
    const variances = moments.map((m, j) => {
      const d = m.mean - (mean[j] ?? m.mean);
      return ((variance[j] ?? 0) * before + m.squares + ((d * d * before) / rows) * count) / rows;
    });
    this.check(variances, 'variance');
    Object.assign(this, { mean: means, variance: variances, rows });
  }

  protected state(): Record<string, unknown> | undefined {
    const { mean, variance, rows } = this;
    return mean && variance && { mean: [...mean], variance: [...variance], rows };
  }

  protected restore({ mean, variance, rows }: Record<string, unknown>): void {
    this.need(isFiniteList(mean), 'mean');
    this.need(isFiniteList(variance) && variance.length === mean.length && variance.every((v) => v >= 0), 'variance');
    this.need(isPositive.holds(rows as number), 'rows');
    this.mean = [...mean];
    this.variance = [...variance];
    this.rows = rows as number;
  }
}

type Range = readonly [low: number, high: number];

const isRange = (r: unknown): r is Range => isFiniteList(r) && r.length === 2 && (r[0] as number) < (r[1] as number);

/**
 * Brings each column into a range: its smallest value to the low end, its largest to the high one. A constant column becomes
 * the low end. Rows beyond those that it was fitted on may leave the range.
 *
 * As https://scikit-learn.org/stable/modules/generated/sklearn.preprocessing.MinMaxScaler.html.
 *
 * @param options `featureRange`: the ends; default [0, 1].
 * @throws OptionError for a range that does not rise.
 * @example
 * const scaler = new MinMaxScaler();
 * expect(scaler.fitTransform([[1], [2], [5]]).toArray()).toEqual([[0], [0.25], [1]]);
 * expect(scaler.inverseTransform([[0.5]]).toArray()).toEqual([[3]]);
 */
export class MinMaxScaler extends Scaler {
  protected readonly owner = 'MinMaxScaler';
  /** The smallest value of each column; undefined before `fit`. */
  dataMin: number[] | undefined;
  /** The largest value of each column; undefined before `fit`. */
  dataMax: number[] | undefined;
  private range: Range;

  constructor(options: { featureRange?: Range } = {}) {
    super();
    checkOptions('MinMaxScaler', options, ['featureRange']);
    const range = options.featureRange ?? [0, 1];
    if (!isRange(range))
      throw new OptionError(`featureRange is ${JSON.stringify(range)}; it must be two numbers that rise, as [0, 1].`);
    this.range = [range[0], range[1]];
  }

  protected get width(): number | undefined {
    return this.dataMin?.length;
  }

  protected line(): Line | undefined {
    const { dataMin, dataMax } = this;
    const [low, high] = this.range;
    if (!dataMin || !dataMax) return undefined;
    const scale = dataMin.map((least, j) => ((dataMax[j] as number) - least || 1) / (high - low));
    return { scale, shift: dataMin.map((least, j) => least - low * (scale[j] as number)) };
  }

  protected take({ values, columns }: Matrix, anew: boolean): void {
    const { dataMin, dataMax } = anew ? {} : this;
    const least = dataMin?.slice() ?? new Array<number>(columns).fill(Number.POSITIVE_INFINITY);
    const most = dataMax?.slice() ?? new Array<number>(columns).fill(Number.NEGATIVE_INFINITY);
    for (let i = 0; i < values.length; i++) {
      const j = i % columns;
      least[j] = Math.min(least[j] as number, values[i] as number);
      most[j] = Math.max(most[j] as number, values[i] as number);
    }
    this.check(
      most.map((high, j) => high - (least[j] as number)),
      'range',
    );
    this.dataMin = least;
    this.dataMax = most;
  }

  protected state(): Record<string, unknown> | undefined {
    const { dataMin, dataMax, range } = this;
    return dataMin && dataMax && { dataMin: [...dataMin], dataMax: [...dataMax], featureRange: [...range] };
  }

  protected restore({ dataMin, dataMax, featureRange }: Record<string, unknown>): void {
    this.need(isFiniteList(dataMin), 'dataMin');
    const rises = (most: unknown): most is number[] =>
      isFiniteList(most) && most.length === dataMin.length && most.every((m, j) => m >= (dataMin[j] as number));
    this.need(rises(dataMax), 'dataMax');
    this.need(isRange(featureRange), 'featureRange');
    this.dataMin = [...dataMin];
    this.dataMax = [...dataMax];
    this.range = [featureRange[0], featureRange[1]];
  }
}
