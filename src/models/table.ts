import { elementsOf, type Matrix, matrixOf } from '../data/preprocessor';
import type { StandardScaler } from '../data/scaler';
import { OptionError, ShapeError } from '../errors';
import { tensor } from '../tensor/create';
import type { Data } from '../tensor/literal';
import { show } from '../tensor/shape';
import type { Tensor } from '../tensor/tensor';
import { checkWeights, needWeight } from '../train/weights';

/** Columns as x = scaled · scale + shift. */
export interface Line {
  shift: readonly number[];
  scale: readonly number[];
}

/** What columns are brought to: mean 0, deviation 1, both or neither. Without a centre, they are scaled about 0. */
export interface Scaling {
  center: boolean;
  scale: boolean;
}

export function lineOf({ mean = [], variance = [], scale = [] }: StandardScaler, how: Scaling): Line {
  const scaleOf = (j: number) => {
    const [m, v, s] = [mean[j] as number, variance[j] as number, scale[j] as number];
    return how.center ? s : Math.sqrt(v + m * m) || 1;
  };
  return {
    shift: mean.map((m) => (how.center ? m : 0)),
    scale: mean.map((_, j) => (how.scale ? scaleOf(j) : 1)),
  };
}

/** The numbers of a table on their lines, in double precision. */
export function scaled({ values, columns }: Matrix, { shift, scale }: Line): Float64Array {
  const out = new Float64Array(values.length);
  for (let i = 0, j = 0; i < out.length; i++, j = j + 1 === columns ? 0 : j + 1)
    out[i] = ((values[i] as number) - (shift[j] as number)) / (scale[j] as number);
  return out;
}

const LARGEST_FLOAT = 3.4028234663852886e38;

/** The same numbers as a tensor of [rows, columns]. */
export function floats(what: string, values: Float64Array, columns: number): Tensor {
  const at = values.findIndex((v) => Math.abs(v) > LARGEST_FLOAT);
  if (at >= 0)
    throw new OptionError(
      `${what}: row ${Math.floor(at / columns)}, column ${at % columns} is ${values[at]} after scaling, more than a float32 holds.`,
    );
  return tensor(values, { shape: [values.length / columns, columns] });
}

/**
 * The features as a table.
 *
 * @param known the columns that there must be.
 */
export function featuresOf(owner: string, data: Tensor | Data, known?: number): Matrix {
  const matrix = matrixOf(`${owner}: X`, data);
  if (matrix.columns === 0) throw new ShapeError(`${owner}: X has rows of no features; there must be at least one.`);
  if (known !== undefined && matrix.columns !== known)
    throw new ShapeError(`${owner}: X has ${matrix.columns} features a row; the model was fitted on ${known}.`);
  return matrix;
}

export function checkRows(owner: string, given: number | undefined, needed: number): void {
  if (given === needed) return;
  throw new ShapeError(`${owner}: X has ${needed} rows and y has ${given ?? 0}; each row of X needs its own in y.`);
}

/**
 * What each row counts, if it was told.
 *
 * @throws ShapeError for another number of rows; OptionError for what is negative or not finite, or all 0.
 */
export function weightsOf(owner: string, given: Tensor | Data | undefined, rows: number): Float64Array | undefined {
  if (given === undefined) return undefined;
  const { flat, shape } = elementsOf(`${owner}: sampleWeight`, given);
  if (shape[0] !== rows || flat.length !== rows)
    throw new ShapeError(
      `${owner}: sampleWeight has shape ${show(shape)}; it must be [${rows}], one for each row of X.`,
    );
  const weights = Float64Array.from(flat);
  checkWeights(`${owner}: sampleWeight`, weights, 'in row');
  needWeight(`${owner}: sampleWeight gives`, weights);
  return weights;
}

/** Numbers to predict: a list, or a table whose columns are outputs of their own. */
export function numbersOf(
  owner: string,
  y: Tensor | Data,
  { rows, columns, weights }: Pick<Matrix, 'rows' | 'weights'> & { columns?: number | undefined },
): { matrix: Matrix; flat: boolean } {
  const { flat: values, shape } = elementsOf(`${owner}: y`, y);
  checkRows(owner, shape[0], rows);
  if (shape.length > 2)
    throw new ShapeError(`${owner}: y has shape ${show(shape)}; it must be [rows], or [rows, outputs].`);
  const matrix = matrixOf(`${owner}: y`, { values, rows, columns: shape[1] ?? 1, weights });
  if (matrix.columns === 0 || matrix.columns !== (columns ?? matrix.columns))
    throw new ShapeError(`${owner}: y has ${matrix.columns} numbers a row; it must have ${columns ?? 'at least one'}.`);
  return { matrix, flat: shape.length === 1 };
}
