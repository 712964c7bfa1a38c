import { checkNumber, checkOptions, isCount, OptionError } from '../errors';
import { Tensor } from '../tensor/tensor';
import { checkSeed, currentSeed, Draws, Stream } from '../wasm/random';

/** Chooses the rows of a pass and their order, for `new DataLoader(dataset, { sampler })`. */
export interface Sampler {
  /** Rows in a pass. */
  readonly length: number;
  /** The rows that it chooses among, if it must be the dataset's number of rows. */
  readonly rows?: number;
  /** The numbers of a pass's rows in order. It depends on the pass alone, so that a training can be resumed. */
  order(pass: number): ArrayLike<number>;
}

/** How rows are drawn. */
export interface WeightedRandomSamplerOptions {
  /** Rows in a pass. Default: as many as there are weights. */
  count?: number;
  /** May a row be drawn more than once in a pass? Default: true. */
  replacement?: boolean;
  /** The order is a function of this and the number of the pass. Default: that of `manualSeed`. */
  seed?: number;
}

/**
 * Draws rows with probabilities in proportion to their weights: classes that are rare come as often as others if each row
 * weighs 1 / (the rows of its class).
 *
 * As https://pytorch.org/docs/stable/data.html#torch.utils.data.WeightedRandomSampler.
 *
 * @param weights one a row of the dataset, at least 0; they need not sum to 1.
 * @param options `count`: rows in a pass, default as many as weights; `replacement` true; `seed`.
 * @throws OptionError for weights that are negative, not finite or all 0, and for more rows than can be drawn without replacement.
 * @example
 * const data = new TensorDataset([[1], [2], [3]], [0, 0, 1]);
 * const sampler = new WeightedRandomSampler([0.5, 0.5, 1], { count: 1000, seed: 1 });
 * const [[, labels]] = new DataLoader(data, { sampler, batchSize: 1000 });
 * expect(labels.mean().item()).toBeCloseTo(0.5, 1);
 */
export class WeightedRandomSampler implements Sampler {
  readonly length: number;
  readonly rows: number;
  /** May a row be drawn twice in a pass? */
  readonly replacement: boolean;
  private readonly givenSeed: number | undefined;
  /** A binary tree: node i is the sum of nodes 2 i and 2 i + 1; the leaves are the weights. */
  private readonly sums: Float64Array;

  constructor(weights: Tensor | ArrayLike<number>, options: WeightedRandomSamplerOptions = {}) {
    const owner = 'WeightedRandomSampler';
    checkOptions(owner, options, ['count', 'replacement', 'seed']);
    const list = weights instanceof Tensor ? weights.toTypedArray() : weights;
    this.rows = list?.length;
    if (!isCount.holds(this.rows)) throw new OptionError(`${owner} got no weights; give a list of one for each row.`);
    this.length = options.count ?? this.rows;
    checkNumber(`count of ${owner}`, this.length, isCount);
    this.replacement = options.replacement ?? true;
    if (options.seed !== undefined) checkSeed(owner, options.seed);
    this.givenSeed = options.seed;
    let leaves = 1;
    while (leaves < this.rows) leaves *= 2;
    this.sums = new Float64Array(2 * leaves);
    let some = 0;
    for (let i = 0; i < this.rows; i++) {
      const weight = list[i] as number;
      if (!(weight >= 0 && weight < Number.POSITIVE_INFINITY))
        throw new OptionError(`${owner}: weight ${i} is ${weight}; it must be a finite number of at least 0.`);
      if (weight > 0) some++;
      this.sums[leaves + i] = weight;
    }
    for (let node = leaves - 1; node > 0; node--) addUp(this.sums, node);
    const total = this.sums[1] as number;
    if (some === 0 || !Number.isFinite(total))
      throw new OptionError(`${owner}: the weights sum to ${total}; the sum must be finite and above 0.`);
    if (!this.replacement && this.length > some)
      throw new OptionError(
        `${owner} can't draw ${this.length} rows without replacement: ${some} have a weight above 0. Use a smaller count.`,
      );
  }

  /** The rows of a pass: a function of the seed and the pass. */
  order(pass: number): Int32Array {
    const draws = new Draws(this.givenSeed ?? currentSeed(), { stream: Stream.sampler, pass });
    const sums = this.replacement ? this.sums : this.sums.slice();
    const leaves = sums.length / 2;
    return Int32Array.from({ length: this.length }, () => {
      const leaf = leafAt(sums, draws.next() * (sums[1] as number));
      if (!this.replacement) {
        sums[leaf] = 0;
        for (let node = leaf >> 1; node > 0; node >>= 1) addUp(sums, node);
      }
      return leaf - leaves;
    });
  }
}

function addUp(sums: Float64Array, node: number): void {
  sums[node] = (sums[2 * node] as number) + (sums[2 * node + 1] as number);
}

/** The leaf in which the weights before it and its own reach beyond x; rounding never leads to a weight of 0. */
function leafAt(sums: Float64Array, x: number): number {
  let node = 1;
  let rest = x;
  while (2 * node < sums.length) {
    node *= 2;
    const left = sums[node] as number;
    if (rest < left || sums[node + 1] === 0) continue;
    rest -= left;
    node++;
  }
  return node;
}
