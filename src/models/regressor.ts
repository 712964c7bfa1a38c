import type { Data } from '../tensor/literal';
import type { Tensor } from '../tensor/tensor';
import { r2 } from '../train/metrics/regression';
import { Estimator } from './estimator';
import type { Taken } from './job';
import type { EstimatorOptions } from './options';
import { Numbers } from './targets';

/** An estimator of numbers. */
export abstract class Regressor<
  O extends EstimatorOptions & { scale: boolean; learningRate: number },
  Y extends number | number[],
> extends Estimator<O, Numbers, Tensor | Data> {
  protected take(y: Tensor | Data, { rows, weights, before }: Taken<Numbers>): { targets: Numbers; t: Tensor } {
    return Numbers.learn(this.owner, y, { rows, weights, before, center: this.biased });
  }

  /** @internal */
  protected targetsFrom(json: never): Numbers {
    return Numbers.fromJSON(json, this.biased);
  }

  /** What is expected on the line of the targets, row after row. */
  protected scaledOutputs(X: Tensor | Data): ArrayLike<number> {
    return this.outputs('predict', X).toTypedArray();
  }

  /**
   * What the model expects for rows: a number each, or a list of them if y had one.
   *
   * @throws StateError before a fit; ShapeError for another number of features; OptionError for NaN and infinities.
   */
  predict(X: Tensor | Data): Y[] {
    const { targets } = this.need('predict');
    const values = targets.decode(this.scaledOutputs(X));
    if (targets.flat) return values as Y[];
    const n = targets.outputs;
    return Array.from({ length: values.length / n }, (_, i) => values.slice(i * n, (i + 1) * n) as Y);
  }

  /** R² of the predictions: 1 is perfect, 0 is no better than the mean of y. The mean of the outputs', if there are several. */
  score(X: Tensor | Data, y: Tensor | Data): number {
    const outputs = this.outputs('score', X);
    // R² does not depend on units, and on the scaled y float32 loses nothing.
    return r2(outputs, this.need('score').targets.encode(this.owner, y, outputs.shape[0] as number));
  }
}
