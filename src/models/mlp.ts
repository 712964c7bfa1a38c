import type { Dataset } from '../data/dataset';
import type { Category } from '../data/encoder';
import { DataLoader } from '../data/loader';
import { randomSplit } from '../data/splits';
import { isCount, OptionError } from '../errors';
import { ReLU, Sigmoid, Tanh } from '../nn/activation';
import type { Module } from '../nn/module';
import type { Sequential } from '../nn/sequential';
import { Adam } from '../optim/adam';
import { uniform } from '../tensor/create';
import type { Tensor } from '../tensor/tensor';
import type { History } from '../train/history';
import { Classifier } from './classifier';
import type { Job } from './job';
import { type ClassWeight, type EstimatorOptions, resolved } from './options';
import { Regressor } from './regressor';
import type { Labels, Numbers, Targets } from './targets';
import { groupsOf, linearsOf, rowsOf, trained } from './training';

type MLPActivation = 'relu' | 'tanh' | 'logistic' | 'identity';

export interface MLPOptions extends EstimatorOptions {
  /** Units of each hidden layer; a number is one layer of them. Default: [100]. */
  hiddenLayerSizes?: number | readonly number[];
  /** What stands after each hidden layer. Default: 'relu'. */
  activation?: MLPActivation;
  /** The penalty on the weights. Default: 1e-4. */
  alpha?: number;
  /** Passes in a row that must not bring the loss down by `tol`. Default: 10. */
  nIterNoChange?: number;
  /** Hold rows back, watch the loss on them instead, and keep the weights that did best. Default: false. */
  earlyStopping?: boolean;
  /** The share of rows that is held back. Default: 0.1. */
  validationFraction?: number;
}

const DEFAULTS = {
  hiddenLayerSizes: [100] as number | readonly number[],
  activation: 'relu' as MLPActivation,
  alpha: 1e-4,
  scale: true,
  maxIter: 200,
  tol: 1e-4,
  nIterNoChange: 10,
  batchSize: 200,
  learningRate: 0.001,
  earlyStopping: false,
  validationFraction: 0.1,
};

export interface MLPClassifierOptions extends MLPOptions {
  /** What the rows of each class count: see `ClassWeight`. Default: 1. */
  classWeight?: ClassWeight;
}

const CLASSIFIER_DEFAULTS = { ...DEFAULTS, classWeight: undefined };

type Options = MLPOptions & typeof DEFAULTS;

const ACTIVATIONS: Record<MLPActivation, (() => Module) | undefined> = {
  relu: () => new ReLU(),
  tanh: () => new Tanh(),
  logistic: () => new Sigmoid(),
  identity: undefined,
};

function checked<O extends MLPOptions, D extends typeof DEFAULTS>(owner: string, options: O, defaults: D): O & D {
  const all = resolved(owner, options, defaults);
  if (!Object.keys(ACTIVATIONS).includes(all.activation))
    throw new OptionError(
      `The activation of ${owner} is ${String(all.activation)}; it must be one of ${Object.keys(ACTIVATIONS).join(', ')}.`,
    );
  const sizes = [all.hiddenLayerSizes].flat() as unknown[];
  if (!sizes.every((n) => typeof n === 'number' && isCount.holds(n)))
    throw new OptionError(
      `The hiddenLayerSizes of ${owner} are ${JSON.stringify(all.hiddenLayerSizes)}; they must be whole numbers of at least 1, such as [100].`,
    );
  return all;
}

/** Glorot and Bengio 2010, as scikit-learn has it: biases too, and less for the logistic function. */
function glorot(network: Sequential, activation: MLPActivation): void {
  for (const { inputs, outputs, weight, bias } of linearsOf(network)) {
    const high = Math.sqrt((activation === 'logistic' ? 2 : 6) / (inputs + outputs));
    for (const p of bias ? [weight, bias] : [weight]) p.assign(uniform(p.shape, { low: -high, high }));
  }
}

interface Learning {
  options: Options;
  decay: number;
  /** Are rows held back of each class? */
  stratify: boolean;
}

/** The rows to train on and, for early stopping, those that are held back. */
function parts(
  owner: string,
  { rows, t }: { rows: Dataset; t: Tensor },
  { options: { earlyStopping, validationFraction, seed }, stratify }: Learning,
): Dataset[] {
  if (!earlyStopping) return [rows];
  const held = Math.ceil(rows.length * validationFraction);
  if (held >= rows.length)
    throw new OptionError(
      `${owner} has ${rows.length} rows and would hold ${held} back for early stopping; give more rows, or a smaller validationFraction.`,
    );
  return randomSplit(rows, [rows.length - held, held], {
    stratify: stratify && t,
    ...(seed !== undefined && { seed }),
  });
}

/** What the rows of a batch count. */
const batchOf = ({ batchSize }: Options, { rows, weights }: Job<Targets>) =>
  (Math.min(batchSize, rows) * weights.total) / rows;

/** Mini-batches by Adam, until the loss has stopped falling. */
function learn(
  owner: string,
  { network, x, t, targets, weights, run }: Job<Targets>,
  learning: Learning,
): Promise<History> {
  const { options, decay } = learning;
  const { batchSize, maxIter, learningRate, seed } = options;
  const given = rowsOf(x(), t, weights.each);
  const [rows, held] = parts(owner, { ...given, t }, learning) as [Dataset, Dataset?];
  return trained(network, {
    ...given,
    rows,
    loss: targets.loss,
    optimizer: new Adam(groupsOf(network, decay), { lr: learningRate }),
    batchSize,
    maxIter,
    seed,
    pass: 0,
    run,
    earlyStopping: { patience: options.nIterNoChange, minDelta: options.tol, restoreBest: options.earlyStopping },
    ...(held && { validation: new DataLoader(held, { batchSize: held.length }) }),
  });
}

/**
 * A network that predicts numbers: linear layers with an activation between, trained on the squared error of the scaled y by
 * Adam in mini-batches, until the loss has stopped falling.
 *
 * Features and targets are scaled inside; scikit-learn's does neither. Initial values are Glorot's.
 *
 * Shapes: X [rows, features], y [rows] or [rows, outputs].
 * As https://scikit-learn.org/stable/modules/generated/sklearn.neural_network.MLPRegressor.html.
 *
 * @param options `hiddenLayerSizes` [100], `activation` 'relu' (or 'tanh', 'logistic', 'identity'), `alpha` 1e-4 (the penalty on
 * the weights), `scale` true, `maxIter` 200 passes, `tol` 1e-4 and `nIterNoChange` 10 (done when as many passes have not brought
 * the loss down by `tol`), `batchSize` 200, `learningRate` 0.001, `earlyStopping` false, `validationFraction` 0.1, `seed`.
 * @throws OptionError for options that are unknown or out of range.
 * @example
 * const X = Array.from({ length: 100 }, (_, i) => [i]);
 * const y = X.map(([x]) => Math.abs(x - 50));
 * const model = await new MLPRegressor({ hiddenLayerSizes: [32], learningRate: 0.01, batchSize: 10, seed: 1 }).fit(X, y);
 * expect(model.score(X, y)).toBeGreaterThan(0.99);
 */
export class MLPRegressor<Y extends number | number[] = number> extends Regressor<Options, Y> {
  protected readonly biased = true;
  protected readonly partialRows = DEFAULTS.batchSize;
  protected override readonly activation = ACTIVATIONS[this.options.activation];

  constructor(options: MLPOptions = {}) {
    super('MLPRegressor', checked('MLPRegressor', options, DEFAULTS));
  }

  protected get centered(): boolean {
    return this.options.scale;
  }

  protected get hidden(): number[] {
    return [this.options.hiddenLayerSizes].flat() as number[];
  }

  protected start(network: Sequential): void {
    glorot(network, this.options.activation);
  }

  /** Twice that of scikit-learn, whose loss is half the squared error. */
  protected decay({ batch }: { batch: number }): number {
    return (2 * this.options.alpha) / batch;
  }

  protected train(job: Job<Numbers>): Promise<History> {
    const { options, owner } = this;
    return learn(owner, job, { options, decay: this.decay({ batch: batchOf(options, job) }), stratify: false });
  }
}

/**
 * A network that tells classes apart: linear layers with an activation between, trained on the cross-entropy by Adam in
 * mini-batches, until the loss has stopped falling.
 *
 * Features are scaled inside; scikit-learn's are not. Initial values are Glorot's.
 *
 * Shapes: X [rows, features], y a label for each row.
 * As https://scikit-learn.org/stable/modules/generated/sklearn.neural_network.MLPClassifier.html.
 *
 * @param options as MLPRegressor's, and `classWeight`: 'balanced', or what the rows of a class count by its label; default 1.
 * @throws OptionError for options that are unknown or out of range.
 * @example
 * const X = Array.from({ length: 200 }, (_, i) => [Math.sin(i), Math.cos(3 * i)]);
 * const y = X.map(([a, b]) => (a * b > 0 ? 'same sign' : 'different'));
 * const model = await new MLPClassifier({ learningRate: 0.01, batchSize: 20, seed: 1 }).fit(X, y);
 * expect(model.predict([[0.8, 0.7], [0.6, -0.9]])).toEqual(['same sign', 'different']);
 * expect(model.predictProba([[0.8, 0.7]])[0][1]).toBeGreaterThan(0.9);
 */
export class MLPClassifier<L extends Category = Category> extends Classifier<
  MLPClassifierOptions & typeof CLASSIFIER_DEFAULTS,
  L
> {
  protected readonly biased = true;
  protected readonly partialRows = DEFAULTS.batchSize;
  protected override readonly activation = ACTIVATIONS[this.options.activation];

  constructor(options: MLPClassifierOptions = {}) {
    super('MLPClassifier', checked('MLPClassifier', options, CLASSIFIER_DEFAULTS));
  }

  protected get centered(): boolean {
    return this.options.scale;
  }

  protected get hidden(): number[] {
    return [this.options.hiddenLayerSizes].flat() as number[];
  }

  protected start(network: Sequential): void {
    glorot(network, this.options.activation);
  }

  protected decay({ batch }: { batch: number }): number {
    return this.options.alpha / batch;
  }

  protected train(job: Job<Labels>): Promise<History> {
    const { options, owner } = this;
    return learn(owner, job, { options, decay: this.decay({ batch: batchOf(options, job) }), stratify: true });
  }
}
