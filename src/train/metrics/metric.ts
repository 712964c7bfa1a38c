import { checkOptions, OptionError, ShapeError } from '../../errors';
import { show } from '../../tensor/shape';
import { Tensor } from '../../tensor/tensor';

/** What a metric keeps of the batches that it has seen. */
export interface Tally<T = number> {
  /** Takes a batch. */
  add(output: Tensor, target: Tensor): void;
  /** The metric of all rows so far. */
  value(): T;
}

/** A number that says how good outputs are for their targets. */
export interface Metric<T = number> {
  (output: Tensor, target: Tensor): T;
  /** Begins to take batches one by one. A function without it gets all rows at once. */
  start?(): Tally<T>;
  /** Is the largest value the best, or the smallest? */
  readonly mode?: Mode;
}

/** Whether the larger or the smaller value is the better one. */
export type Mode = 'max' | 'min';

/** Metrics by the names that they have in the history. */
export type Metrics<T = number> = Readonly<Record<string, Metric<T>>>;

/** A metric that takes batches one by one: what `start` begins and sums up is all that is kept. */
export interface StreamingMetric<T = number> extends Metric<T> {
  start(): Tally<T>;
}

/** A metric that has options too: called with them alone, it gives the metric with these options. */
export interface MetricWithOptions<O, T = number> extends StreamingMetric<T> {
  (options: O): StreamingMetric<T>;
}

/**
 * A metric of your own that takes batches one by one, so that its memory does not grow with the rows.
 *
 * @param start gives a new `{ add(output, target), value() }`.
 * @param options `mode`: whether 'max' or 'min' is the best, for early stopping.
 * @returns a function `(output, target) => value` that `fit` and `evaluate` know how to feed.
 * @example
 * const largest = streamingMetric(() => {
 *   let most = 0;
 *   return {
 *     add: (output, target) => { most = Math.max(most, output.sub(target).abs().max().item()); },
 *     value: () => most,
 *   };
 * }, { mode: 'min' });
 * expect(largest(tensor([1, 5]), tensor([2, 2]))).toBe(3);
 */
export function streamingMetric<T = number>(start: () => Tally<T>, options: { mode?: Mode } = {}): StreamingMetric<T> {
  checkOptions('streamingMetric', options, ['mode']);
  const metric = (output: Tensor, target: Tensor) => {
    const tally = start();
    tally.add(output, target);
    return tally.value();
  };
  return Object.assign(metric, { start, ...options });
}

/** @internal A metric of this room: `start` gets the options. */
export function metricWithOptions<O extends { ignoreIndex?: number }, T = number>(
  owner: string,
  start: (options: O) => Tally<T>,
  { mode, known, check }: { mode?: Mode; known: readonly (keyof O & string)[]; check?: (options: O) => void },
): MetricWithOptions<O, T> {
  const of = (options: O) => streamingMetric(() => checkedTally(owner, start(options), options), mode && { mode });
  const plain = of({} as O);
  const metric = (first: Tensor | O, target?: Tensor) => {
    if (target !== undefined || first instanceof Tensor) return plain(first as Tensor, target as Tensor);
    checkOptions(owner, first, [...known, 'ignoreIndex']);
    check?.(first);
    return of(first);
  };
  return Object.assign(metric, { start: plain.start, ...(mode && { mode }) }) as MetricWithOptions<O, T>;
}

/** The rows that have another target, or undefined if all have; throws where a row has several. */
function rowsWithout(owner: string, ignored: number, { output, target }: { output: Tensor; target: Tensor }) {
  if (target.size !== output.shape[0])
    throw new ShapeError(
      `${owner} got a target of shape ${show(target.shape)}; ignoreIndex leaves out rows, so each of the ${output.shape[0]} needs one.`,
    );
  const labels = target.toTypedArray();
  const rows: number[] = [];
  for (let i = 0; i < labels.length; i++) if (labels[i] !== ignored) rows.push(i);
  return rows.length < labels.length ? rows : undefined;
}

/** A tally that is given nothing but tensors with rows, and none whose target is `ignoreIndex`. */
export function checkedTally<T>(
  owner: string,
  tally: Tally<T>,
  { ignoreIndex }: { ignoreIndex?: number } = {},
): Tally<T> {
  let isEmpty = ignoreIndex !== undefined;
  const add = (output: Tensor, target: Tensor) => {
    if (!(output instanceof Tensor && target instanceof Tensor) || !output.shape[0]) {
      throw new OptionError(
        `${owner} needs two tensors with rows, as in ${owner}(tensor(outputs), tensor(targets)), or one object of options.`,
      );
    }
    const rows = ignoreIndex === undefined ? undefined : rowsWithout(owner, ignoreIndex, { output, target });
    if (rows?.length === 0) return;
    isEmpty = false;
    if (rows) tally.add(output.gather(rows), target.gather(rows));
    else tally.add(output, target);
  };
  const value = () => {
    if (isEmpty)
      throw new OptionError(`${owner} got no row whose target is other than ${ignoreIndex}, its ignoreIndex.`);
    return tally.value();
  };
  return { add, value };
}

/** What a row of the history has already. */
const TAKEN = ['epoch', 'loss', 'valLoss', 'lr', 'seconds'];

export function checkMetrics(metrics: Metrics<unknown> | undefined): void {
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
