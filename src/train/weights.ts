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

/** Weights as numbers, of which none is negative, NaN or infinite. */
function numbersOf(name: string, given: Tensor | Data): { values: number[]; shape: readonly number[] } {
  const t = asTensor(given);
  const values = Array.from(t.toTypedArray());
  const bad = values.findIndex((w) => !(w >= 0 && w < Number.POSITIVE_INFINITY));
  if (bad >= 0)
    throw new OptionError(`${name} has ${values[bad]} at position ${bad}; weights must be finite and not below 0.`);
  return { values, shape: t.shape };
}

function ofSamples(given: Tensor | Data, rows: number): number[] {
  const { values, shape } = numbersOf('sampleWeight', given);
  if (values.length !== rows || shape[0] !== rows) {
    throw new ShapeError(
      `sampleWeight has shape ${show(shape)}; it must be [${rows}], one weight for each row of the loader's dataset.`,
    );
  }
  return values;
}

/** The class of each row; undefined where the loss ignores it. */
function classesOf(loader: DataLoader, ignored: number | undefined): (number | undefined)[] {
  const target = columnOf(loader.dataset);
  if (target.size !== loader.dataset.length) {
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

/**
 * What each row of a loader's dataset counts, or undefined where all count alike.
 *
 * @throws ShapeError or OptionError for weights that do not fit the rows, are out of range or all 0.
 */
export function rowWeights(
  loader: DataLoader,
  { sampleWeight, classWeight, loss }: FitOptions,
): Float32Array | undefined {
  if (sampleWeight === undefined && classWeight === undefined) return undefined;
  if (loader.dataset.begin)
    throw new OptionError(
      'sampleWeight and classWeight need all rows beforehand; with an IterableDataset give the loss its weights.',
    );
  const rows = loader.dataset.length;
  const samples = sampleWeight === undefined ? undefined : ofSamples(sampleWeight, rows);
  const ignored = (loss as { ignoreIndex?: number }).ignoreIndex;
  const classes = classWeight === undefined ? undefined : ofClasses(classWeight, classesOf(loader, ignored));
  const weights = Float32Array.from({ length: rows }, (_, i) => (samples?.[i] ?? 1) * (classes?.[i] ?? 1));
  if (weights.every((w) => w === 0)) {
    const names = [samples && 'sampleWeight', classes && 'classWeight'].filter(Boolean).join(' and ');
    throw new OptionError(`${names} give every row the weight 0; at least one must be above 0.`);
  }
  return weights;
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
  return (output, target, weights) => {
    const rows = weights.size;
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
