import { OptionError, ShapeError } from '../errors';
import { sameShape, show } from '../tensor/shape';
import type { Tensor } from '../tensor/tensor';

/** A number that says how good outputs are for their targets. */
export type Metric = (output: Tensor, target: Tensor) => number;

/** Metrics by the names that they have in the history. */
export type Metrics = Readonly<Record<string, Metric>>;

/** What a row of the history has already. */
const TAKEN = ['epoch', 'loss', 'valLoss', 'lr', 'seconds'];

export function checkMetrics(metrics: Metrics | undefined): void {
  for (const [name, metric] of Object.entries(metrics ?? {})) {
    if (TAKEN.includes(name))
      throw new OptionError(
        `A metric can't be named ${name}: a row of the history has that already. Give it another name.`,
      );
    if (typeof metric !== 'function')
      throw new OptionError(
        `The metric ${name} is ${String(metric)}; give a function, as in { metrics: { accuracy } }.`,
      );
  }
}

/** The class that each row of an output names. */
function classes(output: Tensor, target: Tensor): ArrayLike<number> {
  if (output.shape.length === 2 && output.shape[0] === target.shape[0] && target.shape.length === 1) {
    return output.argMax({ axis: 1 }).toTypedArray();
  }
  if (sameShape(output.shape, target.shape)) return output.gt(0).toTypedArray();
  throw new ShapeError(
    `accuracy got an output of shape ${show(output.shape)} and a target of ${show(target.shape)}; ` +
      'it takes [rows, classes] with class indices [rows], or logits and 0/1 targets of one shape.',
  );
}

/**
 * The share of rows whose class is right: the largest of [rows, classes] against class indices [rows]; or, for logits and
 * 0/1 targets of one shape, whether the logit is above 0.
 *
 * @example
 * expect(accuracy(tensor([[1, 2], [4, 3]]), tensor([1, 1]))).toBe(0.5);
 */
export function accuracy(output: Tensor, target: Tensor): number {
  const given = classes(output, target);
  const wanted = target.toTypedArray();
  let right = 0;
  for (let i = 0; i < wanted.length; i++) if (given[i] === wanted[i]) right++;
  return right / wanted.length;
}

/**
 * The share of the variance that is explained: 1 - Σ (target - output)² / Σ (target - mean target)². For several columns the
 * mean of theirs. A constant target gives 1 where it is met exactly and 0 elsewhere, as scikit-learn's r2_score does.
 *
 * @example
 * expect(r2(tensor([1, 2, 3]), tensor([1, 2, 3]))).toBe(1);
 */
export function r2(output: Tensor, target: Tensor): number {
  if (!sameShape(output.shape, target.shape)) {
    throw new ShapeError(
      `r2 got an output of shape ${show(output.shape)} and a target of ${show(target.shape)}; they must be equal.`,
    );
  }
  const columns = target.shape.length > 1 ? (target.shape.at(-1) as number) : 1;
  const o = output.toTypedArray();
  const t = target.toTypedArray();
  let sum = 0;
  for (let j = 0; j < columns; j++) sum += explained(o, t, { from: j, step: columns });
  return sum / columns;
}

function explained(o: ArrayLike<number>, t: ArrayLike<number>, { from, step }: { from: number; step: number }): number {
  let mean = 0;
  for (let i = from; i < t.length; i += step) mean += t[i] as number;
  mean /= t.length / step;
  let rest = 0;
  let all = 0;
  for (let i = from; i < t.length; i += step) {
    const [error, deviation] = [(t[i] as number) - (o[i] as number), (t[i] as number) - mean];
    rest += error * error;
    all += deviation * deviation;
  }
  if (all === 0) return rest === 0 ? 1 : 0;
  return 1 - rest / all;
}
