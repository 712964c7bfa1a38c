import type { Category } from '../data/encoder';
import type { Matrix } from '../data/preprocessor';
import { StandardScaler } from '../data/scaler';
import { checkOptions, StateError } from '../errors';
import type { Module } from '../nn/module';
import type { Sequential } from '../nn/sequential';
import { Adam } from '../optim/adam';
import { noGrad } from '../tensor/driver';
import type { Data } from '../tensor/literal';
import type { Tensor } from '../tensor/tensor';
import type { History } from '../train/history';
import { restore, statesOf } from '../train/parts';
import { withSeed } from '../wasm/random';
import type { Job, Taken, Weights } from './job';
import {
  adamFrom,
  adamJSON,
  checkCount,
  type EstimatorJSON,
  estimatorJSON,
  type LearnedJSON,
  networkJSON,
  reading,
} from './json';
import { type EstimatorOptions, FITTING_NAMES, type FittingOptions } from './options';
import { featuresOf, floats, type Line, lineOf, scaled, weightsOf } from './table';
import type { Targets } from './targets';
import { groupsOf, layersOf, rowsOf, trained } from './training';

/** All that a training leaves. It is replaced as a whole, so that one that fails changes nothing. */
export interface Learned<T> {
  /** Of the features. */
  inputs: StandardScaler;
  targets: T;
  /** From scaled features to what the targets' loss takes. */
  network: Sequential;
  /** That of `partialFit`, which goes on from call to call. */
  adam?: Adam | undefined;
}

/** A training of a classifier that goes on may be told of classes that come later. */
export type PartialRunOptions = FittingOptions & {
  /** All classes. Default: those of the first rows. */
  classes?: readonly Category[];
};

/** Rows that are predicted at a time. */
const AT_ONCE = 1024;

type Options = EstimatorOptions & { scale: boolean; learningRate: number };

/**
 * What the estimators have in common: arrays in, scaled inside, trained by `fit`, arrays out.
 *
 * @typeParam G what y is given as.
 */
export abstract class Estimator<O extends Options, T extends Targets, G> {
  /** How the last training went. */
  history: History | undefined;
  private learned: Learned<T> | undefined;
  private busy = false;

  /** @internal */
  constructor(
    /** The class's name, which a minifier leaves alone. */
    protected readonly owner: string,
    /** The options, with the defaults of those that were not given. */
    readonly options: Readonly<O>,
  ) {}

  /** Are the features brought to mean 0? */
  protected abstract readonly centered: boolean;
  /** Rows in a batch of `partialFit`, unless the user says. */
  protected abstract readonly partialRows: number;
  /** Do the network's layers have biases? */
  protected abstract readonly biased: boolean;
  /** The sizes between a network's inputs and its outputs. */
  protected abstract readonly hidden: readonly number[];
  /** What stands between two layers. */
  protected readonly activation: (() => Module) | undefined;
  /** Sets the initial values of a network. */
  protected abstract start(network: Sequential): void;
  protected abstract train(job: Job<T>): Promise<History>;
  /** How much the weights are pulled to 0, beside the mean loss of a batch. */
  protected abstract decay(rows: { seen: number; batch: number }, targets: T): number;
  /** Makes targets of y, which go on from those `before`. */
  protected abstract take(y: G, options: Taken<T>): { targets: T; t: Tensor };
  /** What the rows count by their classes, too. */
  protected classed(weights: Float64Array | undefined, _rows: { t: Tensor; targets: T }): Float64Array | undefined {
    return weights;
  }
  /** @internal */
  protected abstract targetsFrom(json: never): T;

  /**
   * Learns from rows, from scratch.
   *
   * @param X features: nested arrays or a tensor of [rows, features].
   * @param y what to predict, one for each row.
   * @param run `sampleWeight`, what each row counts; `onEpochEnd`, `onProgress`, `progressEvery`, `pause` and `signal`, as in the
   * function `fit`.
   * @returns this.
   * @throws ShapeError for ragged rows or lengths that differ; OptionError for NaN, infinities and what is no number, named by
   * row and column, and for weights that are below 0 or all 0: what was learned before stays.
   */
  fit(X: Tensor | Data, y: G, run: FittingOptions = {}): Promise<this> {
    return this.alone(async () => {
      checkOptions(`${this.owner}.fit`, run, FITTING_NAMES);
      const { sampleWeight, ...callbacks } = run;
      const matrix = this.matrixOf(X, { sampleWeight });
      const { targets, t } = this.take(y, matrix);
      const inputs = new StandardScaler().fit(matrix);
      const network = this.build(matrix.columns, targets.outputs);
      const { rows, columns } = matrix;
      const values = scaled(matrix, this.line(inputs));
      const x = () => floats(`${this.owner}: X`, values, columns);
      const weights = this.weigh(matrix, { t, targets });
      this.history = await this.train({ network, values, columns, rows, x, t, targets, weights, run: callbacks });
      this.learned = { inputs, targets, network };
    });
  }

  /**
   * Goes on learning with one pass over more rows, in mini-batches by Adam; the first call begins from scratch. For data that
   * come in pieces, or that change.
   *
   * @param run as in `fit`; for classifiers `classes` too: all that there will be, default those of the first call's y.
   * @returns this.
   */
  partialFit(X: Tensor | Data, y: G, run: PartialRunOptions = {}): Promise<this> {
    return this.alone(async () => {
      checkOptions(`${this.owner}.partialFit`, run, [...FITTING_NAMES, 'classes']);
      const { classes, sampleWeight, ...callbacks } = run;
      const before = this.learned;
      const matrix = this.matrixOf(X, { sampleWeight, known: before?.inputs.mean?.length });
      const { targets, t } = this.take(y, { ...matrix, before: before?.targets, classes });
      const { each, total } = this.weigh(matrix, { t, targets });
      const inputs = before ? StandardScaler.fromJSON(before.inputs.toJSON()) : new StandardScaler();
      const [pass, told] = [Math.ceil(inputs.rows), inputs.rows];
      const x = this.features(matrix, inputs.partialFit(matrix));
      const network = before?.network ?? this.build(matrix.columns, targets.outputs);
      const { seed, batchSize = this.partialRows } = this.options;
      const share = total / (inputs.rows - told);
      const batch = (Math.min(batchSize, matrix.rows) * total) / matrix.rows;
      const decay = this.decay({ seen: inputs.rows * share, batch }, targets);
      const parts = before && { network, ...(before.adam && { adam: before.adam }) };
      const states = parts && statesOf(parts);
      const optimizer = this.adamOf(network, before?.adam, decay);
      const plan = {
        ...rowsOf(x, t, each),
        loss: targets.loss,
        optimizer,
        batchSize,
        maxIter: 1,
        seed,
        pass,
        run: callbacks,
      };
      try {
        this.history = await trained(network, plan);
      } catch (error) {
        if (parts && states) restore(parts, states);
        throw error;
      }
      this.learned = { inputs, targets, network, adam: optimizer };
    });
  }

  /** One training at a time, since each begins where the one before ended. */
  private async alone(work: () => Promise<void>): Promise<this> {
    if (this.busy)
      throw new StateError(`This ${this.owner} is being trained; await that first, or give each training its own.`);
    this.busy = true;
    try {
      await work();
    } finally {
      this.busy = false;
    }
    return this;
  }

  private sizes(inputs: number, outputs: number): number[] {
    return [inputs, ...this.hidden, outputs];
  }

  /** A network that has not learned anything. */
  private build(inputs: number, outputs: number): Sequential {
    const make = () => {
      const network = layersOf(this.sizes(inputs, outputs), { bias: this.biased, activation: this.activation });
      this.start(network);
      return network;
    };
    return this.options.seed === undefined ? make() : withSeed(this.options.seed, make);
  }

  private adamOf(network: Sequential, before: Adam | undefined, decay: number): Adam {
    const adam = before ?? new Adam(groupsOf(network, decay), { lr: this.options.learningRate });
    const [weights] = adam.groups;
    if (weights) weights.options.weightDecay = decay;
    return adam;
  }

  /** The features, and what their rows count. */
  private matrixOf(
    X: Tensor | Data,
    { sampleWeight, known }: { sampleWeight: Tensor | Data | undefined; known?: number | undefined },
  ): Matrix {
    const matrix = featuresOf(this.owner, X, known);
    return { ...matrix, weights: weightsOf(this.owner, sampleWeight, matrix.rows) };
  }

  /** What rows count in training. */
  private weigh({ rows, weights }: Matrix, taken: { t: Tensor; targets: T }): Weights {
    const all = this.classed(weights, taken);
    const total = all?.reduce((sum, w) => sum + w, 0) ?? rows;
    return { each: all?.map((w) => (w / total) * rows), total };
  }

  private line(inputs: StandardScaler): Line {
    return lineOf(inputs, { center: this.centered, scale: this.options.scale });
  }

  private features(matrix: Matrix, inputs: StandardScaler): Tensor {
    return floats(`${this.owner}: X`, scaled(matrix, this.line(inputs)), matrix.columns);
  }

  /** @internal What was learned, for a call that needs it; exporters do too. */
  need(call: string): Learned<T> & { line: Line } {
    const { learned } = this;
    if (!learned) throw new StateError(`${this.owner}.${call} needs a model that was fitted; await fit(X, y) first.`);
    return { ...learned, line: this.line(learned.inputs) };
  }

  /** What the network gives for rows, as [rows, outputs]. */
  protected outputs(call: string, X: Tensor | Data): Tensor {
    const { network, inputs } = this.need(call);
    const x = this.features(featuresOf(this.owner, X, inputs.mean?.length), inputs);
    const [rows] = x.shape as [number];
    const parts = noGrad(() =>
      Array.from({ length: Math.ceil(rows / AT_ONCE) }, (_, i) =>
        network.forward(x.slice(i * AT_ONCE, Math.min(rows, (i + 1) * AT_ONCE))),
      ),
    );
    const [first, ...others] = parts as [Tensor, ...Tensor[]];
    return others.length > 0 ? first.concat(others) : first;
  }

  /**
   * All that was learned and set, as plain JSON: `fromJSON` makes the same model of it, to the bit. After a `partialFit` it
   * holds what its optimizer remembers too.
   */
  toJSON(): EstimatorJSON {
    const { learned } = this;
    return estimatorJSON(
      this.owner,
      this.options,
      learned && {
        inputs: learned.inputs.toJSON(),
        targets: learned.targets.toJSON(),
        network: networkJSON(learned.network),
        ...(learned.adam && { adam: adamJSON(learned.adam) }),
      },
    );
  }

  private learnedFrom(json: LearnedJSON): Learned<T> {
    const inputs = StandardScaler.fromJSON(json.inputs);
    const targets = this.targetsFrom(json.targets as never);
    const sizes = this.sizes(inputs.mean?.length ?? 0, targets.outputs);
    const bias = this.biased ? 1 : 0;
    checkCount(
      json.network,
      sizes.slice(1).reduce((sum, n, i) => sum + n * ((sizes[i] as number) + bias), 0),
    );
    const network = this.build(sizes[0] as number, targets.outputs).loadStateDict(json.network);
    return { inputs, targets, network, ...(json.adam && { adam: adamFrom(json.adam, groupsOf(network, 0)) }) };
  }

  /**
   * The model that `toJSON()` gave, also in another process.
   *
   * @param json the object, or its text.
   * @throws FormatError for what is no such JSON, is damaged, or is of a newer version.
   */
  static fromJSON<E extends Estimator<Options, Targets, never>>(this: new (options?: never) => E, json: unknown): E {
    return reading(new this().owner, json, ({ options, learned }) => {
      const model = new this(options as never);
      model.learned = learned && model.learnedFrom(learned);
      return model;
    });
  }
}
