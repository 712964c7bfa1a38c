import { Loss } from '../../../assembly/kernel';
import { checkValue, isOneOf, OptionError, ShapeError } from '../../errors';
import { checkLabels } from '../../tensor/ops/labels';
import { elementwiseLoss } from '../../tensor/ops/loss';
import { needFloats } from '../../tensor/ops/reduce';
import { show } from '../../tensor/shape';
import type { Tensor } from '../../tensor/tensor';
import { checkScores, formOf, needBinary, needOrdered, type ScoreOptions } from './classes';
import { type MetricWithOptions, metricWithOptions, type Tally } from './metric';

/** The distance of 1 to the next float32: what keeps a probability from 0 and 1. */
const EPSILON = 2 ** -23;

function needProbabilities(owner: string, output: Tensor): void {
  const values = output.toTypedArray();
  const at = values.findIndex((p) => !(p >= 0 && p <= 1));
  if (at < 0) return;
  throw new OptionError(
    `${owner} got the probability ${values[at]} at position ${at}; it must be from 0 to 1. Logits need no option.`,
  );
}

/** The elements of the columns that rows choose. */
function chosen(table: Tensor, columns: ArrayLike<number>): number[] {
  const values = table.toTypedArray();
  const width = table.shape[1] as number;
  return Array.from(columns, (c, i) => values[i * width + c] as number);
}

/** -log of the probability that each row's class was given. */
function surprises(output: Tensor, target: Tensor, probabilities: boolean): ArrayLike<number> {
  const owner = 'logLoss';
  needFloats(owner, output);
  const form = formOf(owner, output, target);
  needOrdered(owner, output);
  if (probabilities) needProbabilities(owner, output);
  if (form === 'scores') {
    const wanted = checkLabels(owner, target, { count: output.shape[1] as number }).toTypedArray();
    const logs = probabilities ? output.clamp(EPSILON, 1 - EPSILON).log() : output.logSoftmax();
    return chosen(logs.neg(), wanted);
  }
  const ones = checkLabels(owner, target, { count: 2 }).reshape(output.shape);
  if (probabilities)
    return ones
      .where(output, output.neg().add(1))
      .clamp(EPSILON, 1 - EPSILON)
      .log()
      .neg()
      .toTypedArray();
  return elementwiseLoss(Loss.logistic, output, { target: ones.to('float32'), reduction: 'none' }).toTypedArray();
}

class Surprise implements Tally {
  private sum = 0;
  private count = 0;

  constructor(private readonly options: ScoreOptions) {}

  add(output: Tensor, target: Tensor): void {
    const found = surprises(output, target, this.options.probabilities ?? false);
    for (let i = 0; i < found.length; i++) this.sum += found[i] as number;
    this.count += found.length;
  }

  value(): number {
    return this.sum / this.count;
  }
}

/**
 * The mean of -log p, p being the probability that a row's class was given, in nats. Outputs are logits: [rows, classes] with
 * class indices [rows], or one for each row with 0/1 targets.
 *
 * @param options `logLoss({ probabilities: true })` takes probabilities, kept from 0 and 1 by 2^-23, as scikit-learn's
 * log_loss does for float32.
 * @throws ShapeError for other shapes; OptionError for NaN, probabilities out of range, or targets that are no classes.
 * @example
 * expect(logLoss(tensor([[0, 0]]), tensor([1]))).toBeCloseTo(Math.log(2));
 * expect(logLoss({ probabilities: true })(tensor([0.25]), tensor([0]))).toBeCloseTo(-Math.log(0.75));
 */
export const logLoss: MetricWithOptions<ScoreOptions> = /* @__PURE__ */ metricWithOptions(
  'logLoss',
  (options: ScoreOptions) => new Surprise(options),
  { mode: 'min', known: ['probabilities'], check: checkScores },
);

/** Numbers one after another, 4 bytes each. */
class List {
  private values = new Float32Array(256);
  private length = 0;

  push(value: number): void {
    if (this.length === this.values.length) {
      const longer = new Float32Array(2 * this.length);
      longer.set(this.values);
      this.values = longer;
    }
    this.values[this.length++] = value;
  }

  get all(): Float32Array {
    return this.values.subarray(0, this.length);
  }
}

/** The share of pairs, one of each side, in which the first is larger; equal ones count half (Mann and Whitney 1947). */
function larger(ones: Float32Array, others: Float32Array): number {
  const [a, b] = [ones.slice().sort(), others.slice().sort()];
  let sum = 0;
  let below = 0;
  let notAbove = 0;
  for (const score of a) {
    while (below < b.length && (b[below] as number) < score) below++;
    while (notAbove < b.length && (b[notAbove] as number) <= score) notAbove++;
    sum += (below + notAbove) / 2;
  }
  return sum / (a.length * b.length);
}

/** The scores that a class got: of the rows that have it, and of the others. */
interface Side {
  own: List;
  others: List;
}

/** What rocAuc takes. */
export interface RocAucOptions extends ScoreOptions {
  /**
   * Of more than two classes, each against the rest: 'macro' is their mean, 'weighted' their mean by how many rows have them,
   * 'micro' takes the scores of all classes together. Default: 'macro'.
   */
  average?: 'macro' | 'micro' | 'weighted';
}

function checkRocAuc(options: RocAucOptions): void {
  checkScores(options);
  if (options.average !== undefined) checkValue('average', options.average, isOneOf('macro', 'micro', 'weighted'));
}

class Ranking implements Tally {
  private readonly sides: Side[] = [];

  constructor(private readonly options: RocAucOptions) {}

  add(output: Tensor, target: Tensor): void {
    const form = formOf('rocAuc', output, target);
    needOrdered('rocAuc', output);
    if (target.size !== output.shape[0])
      throw new ShapeError(
        `rocAuc got scores of shape ${show(output.shape)}; it takes one for each row, or [rows, classes].`,
      );
    if (form !== 'scores') this.note(output, needBinary('rocAuc', target), 1);
    else this.addScores(output, target);
  }

  private addScores(output: Tensor, target: Tensor): void {
    const count = output.shape[1] as number;
    const labels = checkLabels('rocAuc', target, { count }).toTypedArray();
    const { probabilities } = this.options;
    const column = (i: number) => output.slice(i, i + 1, { axis: 1 });
    if (count > 2) this.note(probabilities ? output : output.softmax(), labels, count);
    // The order of the logits' differences is that of the probabilities, without their rounding to 1.
    else this.note(probabilities ? column(1) : column(1).sub(column(0)), labels, 1);
  }

  /** One column is the scores of class 1. */
  private note(scores: Tensor, labels: ArrayLike<number>, columns: number): void {
    const values = scores.toTypedArray();
    for (let i = 0; i < values.length; i++) {
      const column = i % columns;
      this.sides[column] ??= { own: new List(), others: new List() };
      const { own, others } = this.sides[column] as Side;
      const label = labels[(i - column) / columns] as number;
      (label === (columns === 1 ? 1 : column) ? own : others).push(values[i] as number);
    }
  }

  value(): number {
    for (const [i, { own, others }] of this.sides.entries()) {
      if (own.all.length > 0 && others.all.length > 0) continue;
      const name = this.sides.length === 1 ? 1 : i;
      const missing = own.all.length === 0 ? `no row of class ${name}` : `no row that is not of class ${name}`;
      throw new OptionError(`rocAuc got ${missing}; it compares the two, and is not defined without both.`);
    }
    return this.averaged(this.options.average ?? 'macro');
  }

  private averaged(average: string): number {
    const { sides } = this;
    if (average === 'micro') return larger(joined(sides.map((s) => s.own)), joined(sides.map((s) => s.others)));
    const weights = sides.map(({ own }) => (average === 'macro' ? 1 : own.all.length));
    const total = weights.reduce((a, b) => a + b, 0);
    return (
      sides.reduce((sum, { own, others }, i) => sum + (weights[i] as number) * larger(own.all, others.all), 0) / total
    );
  }
}

function joined(lists: readonly List[]): Float32Array {
  return Float32Array.from(lists.flatMap(({ all }) => Array.from(all)));
}

/**
 * The area under the ROC curve: the share of pairs, one row of class 1 and one of class 0, in which the first has the larger
 * score; equal scores count half. Outputs are one score for each row with 0/1 targets, or [rows, classes] with class
 * indices: of more than two classes each is set against the rest, by its probability.
 *
 * It is exact, and so keeps all scores: 4 bytes for each row and class. Other metrics keep nothing of a row.
 *
 * @param options `rocAuc({ average, probabilities })` gives the metric with these options: `average` 'macro',
 * `probabilities` false: [rows, classes] are logits.
 * @throws ShapeError for other shapes; OptionError for NaN, or where a class has no rows, or all.
 * @example
 * expect(rocAuc(tensor([0.1, 0.4, 0.35, 0.8]), tensor([0, 0, 1, 1]))).toBe(0.75);
 */
export const rocAuc: MetricWithOptions<RocAucOptions> = /* @__PURE__ */ metricWithOptions(
  'rocAuc',
  (options: RocAucOptions) => new Ranking(options),
  { mode: 'max', known: ['average', 'probabilities'], check: checkRocAuc },
);
