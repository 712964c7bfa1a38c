import { checkNumber, checkOptions, checkValue, isCount, isOneOf, OptionError, ShapeError } from '../../errors';
import { checkLabels } from '../../tensor/ops/labels';
import { show } from '../../tensor/shape';
import type { Tensor } from '../../tensor/tensor';
import { type Classes, checkScores, classesOf, formOf, needOrdered, type ScoreOptions } from './classes';
import {
  checkedTally,
  type MetricWithOptions,
  metricWithOptions,
  type StreamingMetric,
  streamingMetric,
  type Tally,
} from './metric';

/** How many of so many rows are right. */
class Share implements Tally {
  private right = 0;
  private rows = 0;

  constructor(private readonly isRight: (output: Tensor, target: Tensor) => ArrayLike<boolean>) {}

  add(output: Tensor, target: Tensor): void {
    const right = this.isRight(output, target);
    for (let i = 0; i < right.length; i++) if (right[i]) this.right++;
    this.rows += right.length;
  }

  value(): number {
    return this.right / this.rows;
  }
}

/**
 * The share of rows whose class is right. Outputs are [rows, classes] with class indices [rows]; or logits and 0/1 targets of
 * one shape, where a logit above 0 means 1; or int32 classes of the target's shape.
 *
 * @param options called with options alone, `accuracy({ probabilities: true })`, it gives the metric for probabilities, where
 * above ½ means 1; `accuracy({ ignoreIndex: -100 })` leaves out rows with that target, as the loss does. All metrics of classes
 * take `ignoreIndex`.
 * @throws ShapeError for other shapes; OptionError for NaN, or for targets that are no classes.
 * @example
 * expect(accuracy(tensor([[1, 2], [4, 3]]), tensor([1, 1]))).toBe(0.5);
 * expect(accuracy({ probabilities: true })(tensor([0.3, 0.9]), tensor([0, 1]))).toBe(1);
 * expect(accuracy({ ignoreIndex: -100 })(tensor([[1, 2], [4, 3]]), tensor([1, -100]))).toBe(1);
 */
export const accuracy: MetricWithOptions<ScoreOptions> = /* @__PURE__ */ metricWithOptions(
  'accuracy',
  (options: ScoreOptions) =>
    new Share((output, target) => {
      const { given, wanted } = classesOf('accuracy', { output, target, ...options });
      return Array.from(wanted, (w, i) => w === given[i]);
    }),
  { mode: 'max', known: ['probabilities'], check: checkScores },
);

/** Is the score of a row's class among its k largest? Of equal scores that of the later class counts as the larger. */
function isAmong(scores: ArrayLike<number>, { from, classes, k }: { from: number; classes: number; k: number }) {
  return (wanted: number) => {
    const own = scores[from + wanted] as number;
    let above = 0;
    for (let j = 0; j < classes; j++) {
      const score = scores[from + j] as number;
      if (score > own || (score === own && j > wanted)) above++;
    }
    return above < k;
  };
}

/**
 * The share of rows whose class is among the k with the largest scores: outputs [rows, classes], class indices [rows]. Of
 * equal scores that of the later class counts as the larger, as in scikit-learn's top_k_accuracy_score.
 *
 * @param k from 1.
 * @param options `ignoreIndex` as for `accuracy`.
 * @returns a metric.
 * @throws OptionError for a k out of range, NaN, or targets that are no classes; ShapeError for other shapes.
 * @example
 * expect(topK(2)(tensor([[1, 2, 3], [3, 2, 1]]), tensor([1, 2]))).toBe(0.5);
 */
export function topK(k: number, options: Pick<ScoreOptions, 'ignoreIndex'> = {}): StreamingMetric {
  checkNumber('The k of topK', k, isCount);
  checkOptions('topK', options, ['ignoreIndex']);
  checkScores(options);
  const owner = `topK(${k})`;
  const isRight = (output: Tensor, target: Tensor) => {
    if (formOf(owner, output, target) !== 'scores')
      throw new ShapeError(`${owner} got an output of shape ${show(output.shape)}; it takes [rows, classes].`);
    needOrdered(owner, output);
    const classes = output.shape[1] as number;
    const wanted = checkLabels(owner, target, { count: classes }).toTypedArray();
    const scores = output.toTypedArray();
    return Array.from(wanted, (w, i) => isAmong(scores, { from: i * classes, classes, k })(w));
  };
  return streamingMetric(() => checkedTally(owner, new Share(isRight), options), { mode: 'max' });
}

/** How the classes come together in one number. */
export interface AverageOptions extends ScoreOptions {
  /**
   * 'binary' is the value of class 1 of two. Of more classes: 'macro' is the mean over the classes that were met, 'weighted'
   * their mean by how many rows have them, 'micro' counts all rows alike. Default: 'binary'.
   */
  average?: 'binary' | 'macro' | 'micro' | 'weighted';
}

function checkAverage(options: AverageOptions): void {
  checkScores(options);
  if (options.average !== undefined)
    checkValue('average', options.average, isOneOf('binary', 'macro', 'micro', 'weighted'));
}

/** What was met of one class. */
interface Counts {
  /** Rows that have it and were given it. */
  hits: number;
  /** Rows that were given it. */
  given: number;
  /** Rows that have it. */
  wanted: number;
}

/** Throws where there are more columns than the one that a class is told by. */
function needOneColumn(owner: string, output: Tensor, { count, wanted }: Classes): void {
  if (wanted.length === output.shape[0]) return;
  throw new ShapeError(
    `${owner} got ${count === 2 ? 'scores' : 'classes'} of shape ${show(output.shape)}; it takes one for each row.`,
  );
}

/** How right the rows of each class are, averaged. */
class Averaged implements Tally {
  private readonly classes = new Map<number, Counts>();
  private count = 0;

  constructor(
    private readonly owner: string,
    private readonly options: AverageOptions,
    private readonly ratio: (counts: Counts) => number,
  ) {}

  add(output: Tensor, target: Tensor): void {
    const found = classesOf(this.owner, { output, target, ...this.options });
    needOneColumn(this.owner, output, found);
    for (let i = 0; i < found.wanted.length; i++) {
      const [given, wanted] = [this.of(found.given[i] as number), this.of(found.wanted[i] as number)];
      given.given++;
      wanted.wanted++;
      if (given === wanted) wanted.hits++;
    }
    this.needTwo(found.count ?? this.count);
  }

  private of(label: number): Counts {
    const counts = this.classes.get(label) ?? { hits: 0, given: 0, wanted: 0 };
    this.classes.set(label, counts);
    this.count = Math.max(this.count, label + 1);
    return counts;
  }

  private needTwo(count: number): void {
    if ((this.options.average ?? 'binary') !== 'binary' || count <= 2) return;
    throw new OptionError(
      `${this.owner} of ${count} classes needs an average: ${this.owner}({ average: 'macro' }), or 'micro' or 'weighted'.`,
    );
  }

  value(): number {
    const { average = 'binary' } = this.options;
    const met = [...this.classes.values()];
    const sum = (of: (counts: Counts) => number) => met.reduce((total, counts) => total + of(counts), 0);
    if (average === 'binary') return this.ratio(this.of(1));
    if (average === 'macro') return sum(this.ratio) / met.length;
    if (average === 'weighted') return sum((c) => this.ratio(c) * c.wanted) / sum((c) => c.wanted);
    return this.ratio({ hits: sum((c) => c.hits), given: sum((c) => c.given), wanted: sum((c) => c.wanted) });
  }
}

/** 0 where there is nothing to divide by, as in scikit-learn. */
const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);

function averaged(owner: string, ratio: (counts: Counts) => number): MetricWithOptions<AverageOptions> {
  return metricWithOptions(owner, (options: AverageOptions) => new Averaged(owner, options, ratio), {
    mode: 'max',
    known: ['average', 'probabilities'],
    check: checkAverage,
  });
}

/**
 * Of the rows that were given a class, the share that has it; 0 where none was given it. Outputs as in `accuracy`, one
 * column of logits or several of scores.
 *
 * @param options `precision({ average, probabilities })` gives the metric with these options: `average` 'binary',
 * `probabilities` false.
 * @throws ShapeError for other shapes; OptionError for more than two classes without an average, NaN, or no classes.
 * @example
 * expect(precision(tensor([2, 1, -1]), tensor([1, 0, 1]))).toBe(0.5);
 * const scores = tensor([[3, 1, 2], [1, 2, 0], [0, 5, 1]]);
 * expect(precision({ average: 'macro' })(scores, tensor([0, 1, 2]))).toBe(0.5);
 */
export const precision = /* @__PURE__ */ averaged('precision', (c) => share(c.hits, c.given));

/**
 * Of the rows that have a class, the share that was given it; 0 where none has it.
 *
 * @param options `recall({ average, probabilities })` gives the metric with these options, as for `precision`.
 * @throws as `precision`.
 * @example
 * expect(recall(tensor([2, 1, -1]), tensor([1, 0, 1]))).toBe(0.5);
 */
export const recall = /* @__PURE__ */ averaged('recall', (c) => share(c.hits, c.wanted));

/**
 * The harmonic mean of precision and recall, 2 hits / (given + wanted); 0 where a class is neither given nor wanted.
 *
 * @param options `f1({ average, probabilities })` gives the metric with these options, as for `precision`.
 * @throws as `precision`.
 * @example
 * expect(f1(tensor([2, 1, -1, -2]), tensor([1, 0, 1, 0]))).toBe(0.5);
 */
export const f1 = /* @__PURE__ */ averaged('f1', (c) => share(2 * c.hits, c.given + c.wanted));

/** A matrix of more classes than this nobody looks at, and it would take all memory. */
const MOST_CLASSES = 4096;

/** How many rows of each class were given which. */
class Confusion implements Tally<number[][]> {
  private readonly counts = new Map<number, Map<number, number>>();
  private classes = 0;

  constructor(private readonly options: ScoreOptions) {}

  add(output: Tensor, target: Tensor): void {
    const found = classesOf('confusionMatrix', { output, target, ...this.options });
    needOneColumn('confusionMatrix', output, found);
    this.classes = Math.max(this.classes, found.count ?? 0);
    for (let i = 0; i < found.wanted.length; i++) this.note(found.wanted[i] as number, found.given[i] as number);
  }

  private note(wanted: number, given: number): void {
    const row = this.counts.get(wanted) ?? new Map<number, number>();
    this.counts.set(wanted, row.set(given, (row.get(given) ?? 0) + 1));
    this.classes = Math.max(this.classes, wanted + 1, given + 1);
  }

  value(): number[][] {
    if (this.classes > MOST_CLASSES)
      throw new OptionError(`confusionMatrix got ${this.classes} classes; it has room for ${MOST_CLASSES}.`);
    const all = Array.from({ length: this.classes }, (_, i) => i);
    return all.map((wanted) => all.map((given) => this.counts.get(wanted)?.get(given) ?? 0));
  }
}

/**
 * How many rows of each class were given which: row i, column j counts those of class i that were given j. Outputs as in
 * `accuracy`. There is a row for each column of the scores; for int32 classes, up to the largest that was met.
 *
 * @param options `confusionMatrix({ probabilities })` gives the metric for probabilities.
 * @returns a list of rows; in `evaluate({ metrics })` as well.
 * @throws as `precision`.
 * @example
 * expect(confusionMatrix(tensor([2, 1, -1]), tensor([1, 0, 1]))).toEqual([[0, 1], [1, 1]]);
 */
export const confusionMatrix: MetricWithOptions<ScoreOptions, number[][]> = /* @__PURE__ */ metricWithOptions(
  'confusionMatrix',
  (options: ScoreOptions) => new Confusion(options),
  { known: ['probabilities'], check: checkScores },
);
