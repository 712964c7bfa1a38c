import type { Category } from '../data/encoder';
import type { Sequential } from '../nn/sequential';
import { tensor } from '../tensor/create';
import type { Tensor } from '../tensor/tensor';
import type { History } from '../train/history';
import { Classifier } from './classifier';
import { descend, steepnessOf } from './descent';
import type { Job } from './job';
import { inUnits, LINEAR_DEFAULTS, zeroed } from './linear';
import { type ClassWeight, type EstimatorOptions, resolved } from './options';
import type { Labels } from './targets';
import { linearsOf } from './training';

export interface LogisticRegressionOptions extends EstimatorOptions {
  /** Is there an intercept? Default: true. */
  fitIntercept?: boolean;
  /** The inverse of the penalty on the coefficients, which are those of the scaled features. Default: 1. */
  C?: number;
  /** What the rows of each class count: see `ClassWeight`. Default: 1. */
  classWeight?: ClassWeight;
}

const DEFAULTS = { ...LINEAR_DEFAULTS, C: 1, tol: 1e-4, classWeight: undefined };

/** A class whose rows count nothing begins as one of so many. */
const RARE = 1e6;

/** The biases where no feature says anything: the logarithms of how often classes are met, or of the second's odds. */
function oddsOf(counts: Float64Array): Tensor {
  const { length: classes } = counts;
  const rare = counts.reduce((a, b) => a + b) / RARE;
  const logs = tensor(counts.map((count) => count || rare)).log();
  return classes > 2 ? logs.sub(logs.mean()) : logs.slice(1, 2).sub(logs.slice(0, 1));
}

/**
 * Classes by linear functions of the features, whose softmax (for two classes, the sigmoid of one) is their probabilities:
 * minimises the sum of the rows' cross-entropies + Σ coef² / (2 C), with the coefficients of the scaled features.
 *
 * All rows descend at once, with Nesterov's momentum and a rate that follows from the curvature, until the coefficients have
 * settled. With a `batchSize` it descends in mini-batches by Adam instead, whose rate falls to 0 over `maxIter` passes.
 *
 * Shapes: X [rows, features], y a label for each row; `coef` [classes, features], `intercept` [classes], of one row for the
 * second of two classes.
 * As https://scikit-learn.org/stable/modules/generated/sklearn.linear_model.LogisticRegression.html after a StandardScaler.
 *
 * @param options `C` 1, `fitIntercept` true, `scale` true, `maxIter` 1000, `tol` 1e-4 (done when the coefficients have settled to
 * this share of the largest), `batchSize` all rows (32 in `partialFit`), `learningRate` 0.01 (of Adam), `seed`; `classWeight`,
 * 'balanced' or what the rows of a class count by its label, as { spam: 5 }, default 1.
 * @throws OptionError for options that are unknown or out of range.
 * @example
 * const X = [[180, 80], [160, 50], [175, 77], [158, 52]];
 * const model = await new LogisticRegression().fit(X, ['cat', 'mouse', 'cat', 'mouse']);
 * expect(model.predict([[170, 75]])).toEqual(['cat']);
 * expect(model.classes).toEqual(['cat', 'mouse']);
 * expect(model.predictProba([[170, 75]])[0][0]).toBeGreaterThan(0.5);
 * const careful = new LogisticRegression({ classWeight: { mouse: 100 } });
 * await careful.fit(X, ['cat', 'mouse', 'cat', 'mouse'], { sampleWeight: [1, 2, 1, 2] });
 * expect(careful.predictProba([[170, 75]])[0][0]).toBeLessThan(0.5);
 */
export class LogisticRegression<L extends Category = Category> extends Classifier<
  LogisticRegressionOptions & typeof DEFAULTS,
  L
> {
  protected readonly partialRows = 32;
  protected readonly hidden = [];

  constructor(options: LogisticRegressionOptions = {}) {
    super('LogisticRegression', resolved('LogisticRegression', options, DEFAULTS));
  }

  protected get biased(): boolean {
    return this.options.fitIntercept;
  }

  protected get centered(): boolean {
    return this.options.fitIntercept;
  }

  protected start(network: Sequential): void {
    zeroed(network);
  }

  protected decay({ seen }: { seen: number }): number {
    return 1 / (this.options.C * seen);
  }

  protected train({ network, x: scaled, t, targets, weights, run }: Job<Labels>): Promise<History> {
    const { loss, sharpness } = targets;
    const x = scaled();
    const [bias] = linearsOf(network).map((layer) => layer.bias);
    const { each, total } = weights;
    bias?.assign(oddsOf(targets.counts(t, each)));
    const decay = this.decay({ seen: total });
    const steepest = sharpness * Math.max(1, steepnessOf(x, each)) + decay;
    const cost = { network, x, t, weights: each, loss, decay, steepest, flattest: decay };
    return descend(cost, { options: this.options, run });
  }

  /** What a unit of each feature adds to the logarithm of a class's odds, or of the second class's if there are two. */
  get coef(): number[][] {
    const { network, line } = this.need('coef');
    return inUnits(network, line).coef;
  }

  /** The logarithms of the odds where all features are 0. */
  get intercept(): number[] {
    const { network, line } = this.need('intercept');
    return inUnits(network, line).intercept;
  }
}
