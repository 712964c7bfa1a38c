import { columnOf } from '../data/dataset';
import type { DataLoader } from '../data/loader';
import { OptionError, ShapeError } from '../errors';
import { Loss, type LossFunction, lossOf } from '../nn/loss';
import { tensor } from '../tensor/create';
import type { Data } from '../tensor/literal';
import { show } from '../tensor/shape';
import { Tensor } from '../tensor/tensor';
import type { FitOptions } from './options';

const asTensor = (data: Tensor | Data) => (data instanceof Tensor ? data : tensor(data));

/** Throws for weights of which one is negative, NaN or infinite. */
export function checkWeights(what: string, weights: readonly number[] | Float64Array, place: string): void {
  const bad = weights.findIndex((w) => !(w >= 0 && w < Number.POSITIVE_INFINITY));
  if (bad >= 0)
    throw new OptionError(`${what} has ${weights[bad]} ${place} ${bad}; weights must be finite and not below 0.`);
}

/** Throws where no row counts. */
export function needWeight(what: string, weights: Float32Array | Float64Array): void {
  if (weights.every((w) => w === 0))
    throw new OptionError(`${what} every row the weight 0; at least one must be above 0.`);
}

/** Weights as numbers. */
function numbersOf(name: string, given: Tensor | Data): { values: number[]; shape: readonly number[] } {
  const t = asTensor(given);
  const values = Array.from(t.toTypedArray());
  checkWeights(name, values, 'at position');
  return { values, shape: t.shape };
}

function ofSamples({ dataset }: DataLoader, sampleWeight: Tensor | Data | 'last'): number[] {
  const rows = dataset.length;
  const given = sampleWeight === 'last' ? columnOf(dataset) : sampleWeight;
  const { values, shape } = numbersOf('sampleWeight', given);
  if (values.length !== rows || shape[0] !== rows) {
    throw new ShapeError(
      `sampleWeight has shape ${show(shape)}; it must be [${rows}], one weight for each row of the loader's dataset.`,
    );
  }
  return values;
}

/** Where the target of a dataset stands, counted from its end: the weights of its rows may follow. */
export const placeOfTarget = (sampleWeight: unknown) => (sampleWeight === 'last' ? -2 : -1);

/** The class of each row; undefined where the loss ignores it. */
function classesOf({ dataset }: DataLoader, { sampleWeight, loss }: Weighing): (number | undefined)[] {
  const ignored = (loss as { ignoreIndex?: number }).ignoreIndex;
  const target = columnOf(dataset, placeOfTarget(sampleWeight));
  if (target.size !== dataset.length) {
    throw new ShapeError(
      `classWeight needs a target of one class index a row; this one is ${show(target.shape)}. Use sampleWeight.`,
    );
  }
  return Array.from(target.toTypedArray(), (label, i) => {
    if (label === ignored) return undefined;
    if (Number.isInteger(label) && label >= 0) return label;
    throw new OptionError(`classWeight needs class indices; the target has ${label} in row ${i}. Use sampleWeight.`);
  });
}

/** rows / (classes × rows of the class), for the classes that there are. */
function balanced(classes: readonly (number | undefined)[]): number[] {
  const counts: number[] = [];
  let rows = 0;
  for (const c of classes) {
    if (c === undefined) continue;
    counts[c] = (counts[c] ?? 0) + 1;
    rows++;
  }
  const present = counts.reduce((n) => n + 1, 0);
  return counts.map((count) => rows / (present * count));
}

function ofClasses(given: Tensor | Data | 'balanced', classes: readonly (number | undefined)[]): number[] {
  const byClass = given === 'balanced' ? balanced(classes) : numbersOf('classWeight', given).values;
  return classes.map((c, i) => {
    const weight = c === undefined ? 0 : byClass[c];
    if (weight !== undefined) return weight;
    throw new OptionError(
      `classWeight has ${byClass.length} weights and row ${i} is of class ${c}; give one for each class.`,
    );
  });
}

type Weighing = Pick<FitOptions, 'sampleWeight' | 'classWeight' | 'loss'>;

/** Do rows count unlike each other? */
export const isWeighted = ({ sampleWeight, classWeight }: Partial<Weighing>) =>
  sampleWeight !== undefined || classWeight !== undefined;

/**
 * What each row of a loader's dataset counts, or undefined where all count alike, or where rows bring their weights as they come.
 *
 * @throws ShapeError or OptionError for weights that do not fit the rows, are out of range or all 0.
 */
export function rowWeights(loader: DataLoader, weighing: Weighing): Float32Array | undefined {
  const { sampleWeight, classWeight } = weighing;
  if (!isWeighted(weighing)) return undefined;
  if (loader.dataset.begin) {
    if (sampleWeight === 'last' && classWeight === undefined) return undefined;
    throw new OptionError(
      "classWeight and a list for sampleWeight need all rows beforehand; an IterableDataset can give each row its weight, [x, y, weight], with sampleWeight: 'last'.",
    );
  }
  const rows = loader.dataset.length;
  const samples = sampleWeight === undefined ? undefined : ofSamples(loader, sampleWeight);
  const classes = classWeight === undefined ? undefined : ofClasses(classWeight, classesOf(loader, weighing));
  const weights = Float32Array.from({ length: rows }, (_, i) => (samples?.[i] ?? 1) * (classes?.[i] ?? 1));
  const names = [samples && 'sampleWeight', classes && 'classWeight'].filter(Boolean).join(' and ');
  needWeight(`${names} give`, weights);
  return weights;
}

/** The sum of what the rows of a batch count. */
export function sumOfWeights(weights: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < weights.length; i++) {
    const w = weights[i] as number;
    if (w < 0) throw new OptionError(`A row has the weight ${w}; weights must be finite and not below 0.`);
    total += w;
  }
  return total;
}

/** The losses of rows, one number each: the sum of what a row has, and how many these are. */
function byRow(losses: Tensor, rows: number): { sums: Tensor; per: number } {
  const per = rows === 0 ? 1 : losses.size / rows;
  return { sums: per === 1 ? losses.reshape([rows]) : losses.reshape([rows, per]).sum({ axis: 1 }), per };
}

/** What a loss that is a function gives for each row. */
function ownLosses(losses: unknown, rows: number): Tensor {
  if (losses instanceof Tensor && losses.shape[0] === rows) return losses;
  const got = losses instanceof Tensor ? `a tensor of shape ${show(losses.shape)}` : String(losses);
  throw new OptionError(
    `The loss of fit gave ${got}; with sampleWeight or classWeight it must give the losses of each row, of shape [${rows}, …]. ` +
      'Leave out its mean() or sum(): fit weighs the rows and divides by the sum of the weights.',
  );
}

/** Σ w l / Σ w over the rows, with l the mean of a row's losses; Σ w l where the loss's reduction is 'sum'. */
export function weighted(loss: LossFunction): (output: Tensor, target: Tensor, weights: Tensor) => Tensor {
  const own = lossOf(loss);
  return (output, target, given) => {
    const rows = given.shape[0] as number;
    if (given.size !== rows)
      throw new ShapeError(`The weights of ${rows} rows have shape ${show(given.shape)}; each row has one, a number.`);
    const weights = given.to('float32').reshape([rows]);
    const losses = loss instanceof Loss ? loss.reduce(output, target, 'none') : ownLosses(own(output, target), rows);
    const { sums, per } = byRow(losses, rows);
    const sum = sums.mul(weights).sum();
    const { reduction = 'mean' } = loss as { reduction?: string };
    if (reduction === 'sum') return sum;
    const counts = loss instanceof Loss ? loss.counts(output, target) : undefined;
    const total = (counts ? weights.mul(counts) : weights).sum();
    // Rows of no weight have a sum of 0, divided by 1.
    const divisor = total.add(total.eq(0));
    return sum.div(reduction === 'batchmean' ? divisor : divisor.mul(per));
  };
}

/** What rows lose, and whether each brings its weight along. */
export interface Losing {
  loss: LossFunction;
  isWeighted: boolean;
}

/** What the rows of `validation` lose: each counts 1, unless it brings its weight along. */
export function heldLoss(weighing: Weighing): Losing {
  const { loss, sampleWeight } = weighing;
  if (!isWeighted(weighing)) return { loss, isWeighted: false };
  if (sampleWeight === 'last') return { loss, isWeighted: true };
  const weigh = weighted(loss);
  const even: LossFunction = (output, target) => weigh(output, target, output.filled([target.shape[0] as number], 1));
  return { loss: even, isWeighted: false };
}
