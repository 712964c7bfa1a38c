import { checkOptions, isCount, isFlag, OptionError, quoted, type Rules, StateError } from '../errors';
import type { Data } from '../tensor/literal';
import type { Tensor } from '../tensor/tensor';
import type { Dataset } from './dataset';
import { Pass, type PassOptions, type PassPlan } from './pass';

/** What an iterable gives: a row or a block, as a list of what each column has; inputs first, the target last. */
export type Row = readonly (Tensor | Data)[];

/** Gives the rows of a pass anew; it is told the number of the pass. */
export type RowSource = (
  pass: number,
) => Iterable<Row> | AsyncIterable<Row> | PromiseLike<Iterable<Row> | AsyncIterable<Row>>;

/** How rows are read and shuffled. */
export interface IterableDatasetOptions {
  /** Each item is a block of rows: what `TensorDataset` takes, with rows as the first dimension. Default: false, one row. */
  blocks?: boolean;
  /** A shuffled pass draws each row at random from as many that it holds. Default: 1024. */
  shuffleBuffer?: number;
  /** At most so many rows are read before they are asked for; a block counts as long as a row of it is left. Default: 1024. */
  prefetch?: number;
  /** Milliseconds in which the next row must come. Default: no limit. */
  timeout?: number;
}

const RULES: Rules<keyof IterableDatasetOptions> = {
  blocks: isFlag,
  shuffleBuffer: isCount,
  prefetch: isCount,
  timeout: { needed: 'a number of milliseconds above 0', holds: (n) => n > 0 },
};

/**
 * Rows that come one after another, from a file, a network or a generator: data larger than memory.
 *
 * Each pass calls `source` for a new iterable, sync or async, or the promise of one, of rows: lists of what each column has,
 * inputs first, the target last (with `fit({ sampleWeight: 'last' })` before the row's weight). It is read ahead while the model
 * trains, and asked for no more than `prefetch` rows before they are needed. With `shuffle` in the loader, or a `shuffleBuffer`
 * here, each row is drawn at random from a buffer: a function of the seed and the pass. Such a loader is read by `for await`, and its `length` is Infinity.
 * As https://pytorch.org/docs/stable/data.html#torch.utils.data.IterableDataset and tf.data's shuffle and prefetch.
 *
 * @param source called with the number of the pass.
 * @param options `blocks` false: items are rows, not blocks of them; `shuffleBuffer` 1024 rows; `prefetch` 1024 rows;
 * `timeout`: milliseconds to wait for a row, default no limit.
 * @throws OptionError for options that are unknown or out of range. While it is read: StateError with the row, for an iterable
 * that throws (its error is the `cause`) or stalls; ShapeError and OptionError for rows unlike the first, NaN and infinities.
 * @example
 * async function* rows() {
 *   for (let i = 0; i < 10; i++) yield [[i, i * i], 2 * i];
 * }
 * const loader = new DataLoader(new IterableDataset(rows), { batchSize: 4 });
 * const sizes = [];
 * for await (const [x, y] of loader) sizes.push(x.shape[0]);
 * expect(sizes).toEqual([4, 4, 2]);
 */
export class IterableDataset implements Dataset {
  /** Not known before a pass has ended. */
  readonly length = Number.POSITIVE_INFINITY;
  /** @internal */
  readonly shuffles: boolean;
  private readonly options: PassPlan;

  constructor(
    private readonly source: RowSource,
    options: IterableDatasetOptions = {},
  ) {
    checkOptions('IterableDataset', options, RULES);
    if (typeof source !== 'function')
      throw new OptionError(
        `IterableDataset got ${quoted(source)}; give a function that makes the rows anew for each pass: new IterableDataset(() => rows).`,
      );
    const { blocks = false, shuffleBuffer = 1024, prefetch = 1024, timeout } = options;
    this.options = { blocks, shuffleBuffer, prefetch, timeout };
    this.shuffles = options.shuffleBuffer !== undefined;
  }

  /** Not there: a StateError says so. */
  get tensors(): readonly Tensor[] {
    throw new StateError(
      'An IterableDataset has no rows to choose from: they come one after another. Use a TensorDataset here.',
    );
  }

  /** @internal Begins a pass. */
  begin(how: PassOptions): Pass {
    return new Pass(this.options, { source: this.source, how });
  }
}
