import type { Category } from '../data/encoder';
import { OptionError } from '../errors';
import type { Data } from '../tensor/literal';
import type { Tensor } from '../tensor/tensor';
import { Estimator, type PartialRunOptions } from './estimator';
import type { Taken } from './job';
import type { ClassWeight, EstimatorOptions } from './options';
import { type LabelList, Labels } from './targets';

/** An estimator of classes, named by strings, numbers or booleans. */
export abstract class Classifier<
  O extends EstimatorOptions & { scale: boolean; learningRate: number; classWeight?: ClassWeight | undefined },
  L extends Category,
> extends Estimator<O, Labels, LabelList> {
  protected take(y: LabelList, options: Taken<Labels>): { targets: Labels; t: Tensor } {
    return Labels.learn(this.owner, y, options);
  }

  protected override classed(
    weights: Float64Array | undefined,
    { t, targets }: { t: Tensor; targets: Labels },
  ): Float64Array | undefined {
    const { classWeight } = this.options;
    return classWeight === undefined ? weights : targets.weigh(this.owner, t, { weights, classWeight });
  }

  override async partialFit(X: Tensor | Data, y: LabelList, run?: PartialRunOptions): Promise<this> {
    if (this.options.classWeight === 'balanced')
      throw new OptionError(
        `The classWeight of ${this.owner} is 'balanced', and in partialFit more rows may come; give weights by label, such as { yes: 5, no: 1 }.`,
      );
    return super.partialFit(X, y, run);
  }

  /** @internal */
  protected targetsFrom(json: never): Labels {
    return Labels.fromJSON(this.owner, json);
  }

  /** The labels in rising order. */
  get classes(): L[] {
    return [...this.need('classes').targets.classes] as L[];
  }

  /**
   * The likeliest class of each row.
   *
   * @throws StateError before a fit; ShapeError for another number of features; OptionError for NaN and infinities.
   */
  predict(X: Tensor | Data): L[] {
    return this.need('predict').targets.decode(this.outputs('predict', X)) as L[];
  }

  /** The probability of each class for each row: [rows, classes], in the order of `classes`. */
  predictProba(X: Tensor | Data): number[][] {
    return this.need('predictProba').targets.probabilities(this.outputs('predictProba', X));
  }

  /** The share of rows whose class is predicted right. */
  score(X: Tensor | Data, y: LabelList): number {
    return Labels.agreement(this.owner, this.predict(X), y);
  }
}
