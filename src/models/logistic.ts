import type { Category } from '../data/encoder';
import type { Sequential } from '../nn/sequential';
import { tensor } from '../tensor/create';
import type { Tensor } from '../tensor/tensor';
import type { History } from '../train/history';
import { Classifier } from './classifier';
import { descend, steepnessOf } from './descent';
import type { Job } from './estimator';
import { inUnits, LINEAR_DEFAULTS, zeroed } from './linear';
import { type EstimatorOptions, resolved } from './options';
import type { Labels } from './targets';
import { linearsOf } from './training';

export interface LogisticRegressionOptions extends EstimatorOptions {
  /** Is there an intercept? Default: true. */
  fitIntercept?: boolean;
  /** The inverse of the penalty on the coefficients, which are those of the scaled features. Default: 1. */
  C?: number;
}

const DEFAULTS = { ...LINEAR_DEFAULTS, C: 1, tol: 1e-4 };

/** The biases where no feature says anything: the logarithms of how often classes are met, or of the second's odds. */
function oddsOf(classes: number, places: Tensor): Tensor {
  const counts = new Float32Array(classes);
  for (const c of places.toTypedArray()) counts[c] = (counts[c] as number) + 1;
  const logs = tensor(counts).log();
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
 * this share of the largest), `batchSize` all rows (32 in `partialFit`), `learningRate` 0.01 (of Adam), `seed`.
 * @throws OptionError for options that are unknown or out of range.
 * @example
 * const X = [[180, 80], [160, 50], [175, 77], [158, 52]];
 * const model = await new LogisticRegression().fit(X, ['cat', 'mouse', 'cat', 'mouse']);
 * expect(model.predict([[170, 75]])).toEqual(['cat']);
 * expect(model.classes).toEqual(['cat', 'mouse']);
 * expect(model.predictProba([[170, 75]])[0][0]).toBeGreaterThan(0.5);
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

  protected train({ network, rows, x: scaled, t, targets, run }: Job<Labels>): Promise<History> {
    const { loss, sharpness } = targets;
    const x = scaled();
    const [bias] = linearsOf(network).map((layer) => layer.bias);
    bias?.assign(oddsOf(targets.classes.length, t));
    const decay = this.decay({ seen: rows });
    const steepest = sharpness * Math.max(1, steepnessOf(x)) + decay;
    return descend({ network, x, t, loss, decay, steepest, flattest: decay }, { options: this.options, run });
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
