import { checkNumber, OptionError, ShapeError } from '../../errors';
import { checkLabels } from '../../tensor/ops/labels';
import { sameShape, show } from '../../tensor/shape';
import type { Tensor } from '../../tensor/tensor';

const isWhole = { needed: 'a whole number', holds: Number.isInteger };

/** What the outputs are. */
export interface ScoreOptions {
  /** The outputs are probabilities, not logits. Default: false. */
  probabilities?: boolean;
  /** Rows with this target are left out, as a loss with an `ignoreIndex` does. Default: none. */
  ignoreIndex?: number;
}

export function checkScores({ probabilities = false, ignoreIndex = 0 }: ScoreOptions): void {
  checkNumber('ignoreIndex', ignoreIndex, isWhole);
  if (typeof probabilities !== 'boolean')
    throw new OptionError(`probabilities is ${String(probabilities)}; it must be true or false.`);
}

/** The class that each row is given and the one that it has. */
export interface Classes {
  given: ArrayLike<number>;
  wanted: ArrayLike<number>;
  /** The number of classes, where the output says so. */
  count: number | undefined;
}

/** Has each row a score for every class, one for the second of two, or its class itself? */
type Form = 'scores' | 'binary' | 'classes';

/** How outputs and targets lie, if a metric can take them. */
export function formOf(owner: string, output: Tensor, target: Tensor): Form {
  const [rows, columns] = output.shape;
  const list = target.shape.length === 1 && target.shape[0] === rows;
  if (sameShape(output.shape, target.shape)) return output.dtype === 'int32' ? 'classes' : 'binary';
  if (list && output.shape.length === 2) return columns === 1 ? 'binary' : 'scores';
  throw new ShapeError(
    `${owner} got an output of shape ${show(output.shape)} and a target of ${show(target.shape)}; it takes ` +
      '[rows, classes] with class indices [rows], or one score a row with 0 and 1 of the same shape.',
  );
}

/** Throws for NaN, which has no place in any order. */
export function needOrdered(owner: string, output: Tensor): void {
  if (output.dtype === 'int32' || output.eq(output).min().item() === 1) return;
  const at = output.toTypedArray().findIndex(Number.isNaN);
  const row = Math.floor((at * (output.shape[0] as number)) / output.size);
  throw new OptionError(
    `${owner} got NaN in row ${row} of an output; look for what the model was given or has become.`,
  );
}

/** Targets of two classes: 0 and 1. */
export function needBinary(owner: string, target: Tensor): ArrayLike<number> {
  return checkLabels(owner, target, { count: 2 }).toTypedArray();
}

/** A tensor's elements, if they can be classes. */
function classesIn(owner: string, classes: Tensor): ArrayLike<number> {
  return checkLabels(owner, classes, { count: 2 ** 31 - 1 }).toTypedArray();
}

/** The class of the largest score (the first of equals), or 1 where the logit is above 0 or the probability above ½. */
export function classesOf(
  owner: string,
  { output, target, probabilities = false }: { output: Tensor; target: Tensor } & ScoreOptions,
): Classes {
  const form = formOf(owner, output, target);
  needOrdered(owner, output);
  if (form === 'classes')
    return { given: classesIn(owner, output), wanted: classesIn(owner, target), count: undefined };
  if (form === 'binary') {
    const given = output.gt(probabilities ? 0.5 : 0).toTypedArray();
    return { given, wanted: needBinary(owner, target), count: 2 };
  }
  const count = output.shape[1] as number;
  const wanted = checkLabels(owner, target, { count }).toTypedArray();
  return { given: output.argMax({ axis: 1 }).toTypedArray(), wanted, count };
}
