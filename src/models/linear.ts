import type { Sequential } from '../nn/sequential';
import type { Data } from '../tensor/literal';
import type { Tensor } from '../tensor/tensor';
import type { History } from '../train/history';
import { canDecorrelate, decorrelate } from './decorrelate';
import { descend, steepnessOf } from './descent';
import type { Job } from './job';
import { type EstimatorOptions, resolved } from './options';
import { Regressor } from './regressor';
import { featuresOf, floats, type Line, scaled } from './table';
import type { Numbers } from './targets';
import { linearsOf } from './training';

/** Weights that predict nothing yet; a convex cost needs no others. */
export function zeroed(network: Sequential): void {
  for (const p of network.parameters()) p.assign(new Float32Array(p.size));
}

/** Weights and biases in the units of features and outputs: y = Σ coef x + intercept. */
export function inUnits(network: Sequential, x: Line, y?: Line): { coef: number[][]; intercept: number[] } {
  const [layer] = linearsOf(network);
  const weight = layer?.weight.toArray() as number[][];
  const bias = layer?.bias?.toTypedArray();
  const coef = weight.map((row, i) => row.map((w, j) => (w * (y?.scale[i] ?? 1)) / (x.scale[j] as number)));
  const intercept = coef.map((row, i) => {
    const atZero = (bias?.[i] ?? 0) * (y?.scale[i] ?? 1) + (y?.shift[i] ?? 0);
    return row.reduce((sum, c, j) => sum - c * (x.shift[j] as number), atZero);
  });
  return { coef, intercept };
}

export const LINEAR_DEFAULTS = {
  fitIntercept: true,
  scale: true,
  maxIter: 1000,
  tol: 1e-5,
  learningRate: 0.01,
};

export interface LinearRegressionOptions extends EstimatorOptions {
  /** Is there an intercept? Default: true. Without one, features and targets are scaled about 0. */
  fitIntercept?: boolean;
}

/**
 * Least squares: the coefficients that minimise Σ (y - X coef - intercept)².
 *
 * The features are scaled and decorrelated inside, so that descent on all rows at once meets a round valley and is done after a
 * few steps, on collinear features too; of several best coefficients it finds the smallest. With a `batchSize` it descends in
 * mini-batches by Adam instead, whose rate falls to 0 over `maxIter` passes.
 *
 * Shapes: X [rows, features], y [rows] or [rows, outputs]; `coef` as a row of X, or [outputs, features].
 * As https://scikit-learn.org/stable/modules/generated/sklearn.linear_model.LinearRegression.html.
 *
 * @param options `fitIntercept` true, `scale` true, `maxIter` 1000, `tol` 1e-5 (done when the coefficients have settled to this
 * share of the largest), `batchSize` all rows (32 in `partialFit`), `learningRate` 0.01 (of Adam), `seed`.
 * @throws OptionError for options that are unknown or out of range.
 * @example
 * const X = [[1000, 1], [2000, 0], [3000, 5], [4000, 2]];
 * const y = [15, 20, 55, 50];
 * const model = await new LinearRegression().fit(X, y);
 * expect(model.coef[0]).toBeCloseTo(0.01, 5);
 * expect(model.predict([[5000, 1]])[0]).toBeCloseTo(55, 3);
 * expect(model.score(X, y)).toBeCloseTo(1);
 */
export class LinearRegression<Y extends number | number[] = number> extends Regressor<
  LinearRegressionOptions & typeof LINEAR_DEFAULTS,
  Y
> {
  protected readonly partialRows = 32;
  protected readonly hidden = [];

  constructor(options: LinearRegressionOptions = {}) {
    super('LinearRegression', resolved('LinearRegression', options, LINEAR_DEFAULTS));
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

  protected decay(): number {
    return 0;
  }

  protected async train({ network, values, columns, x, t, targets, weights, run }: Job<Numbers>): Promise<History> {
    const { options } = this;
    const { loss, sharpness } = targets;
    const cost = { network, t, weights: weights.each, loss, decay: 0 };
    const table = { values, columns, weights: weights.each };
    if (!canDecorrelate(table)) {
      const plain = x();
      const steepest = sharpness * Math.max(1, steepnessOf(plain, weights.each));
      return descend({ ...cost, x: plain, steepest, flattest: 0 }, { options, run });
    }
    const back = await decorrelate(table);
    const z = floats(`${this.owner}: X`, values, columns);
    const history = await descend({ ...cost, x: z, steepest: sharpness, flattest: sharpness }, { options, run });
    for (const { weight } of linearsOf(network)) {
      const rows = (weight.toArray() as number[][]).map((v) => Float64Array.from(v));
      for (const row of rows) back(row);
      weight.assign(rows);
    }
    return history;
  }

  /** In double precision, which costs a linear function little. */
  protected override scaledOutputs(X: Tensor | Data): Float64Array {
    const { network, inputs, line, targets } = this.need('predict');
    const matrix = featuresOf(this.owner, X, inputs.mean?.length);
    const x = scaled(matrix, line);
    const [layer] = linearsOf(network);
    const weight = layer?.weight.toTypedArray() ?? [];
    const bias = layer?.bias?.toTypedArray();
    const { rows, columns } = matrix;
    const n = targets.outputs;
    const out = new Float64Array(rows * n);
    for (let i = 0; i < out.length; i++) {
      const [row, o] = [Math.floor(i / n) * columns, i % n];
      let sum = bias?.[o] ?? 0;
      for (let j = 0; j < columns; j++) sum += (weight[o * columns + j] as number) * (x[row + j] as number);
      out[i] = sum;
    }
    return out;
  }

  private get units(): { coef: number[][]; intercept: number[]; flat: boolean } {
    const { network, line, targets } = this.need('coef');
    return { ...inUnits(network, line, targets.line), flat: targets.flat };
  }

  /** What a unit of each feature adds to y: a list, or a list for each output if y had several. */
  get coef(): Y extends number ? number[] : number[][] {
    const { coef, flat } = this.units;
    return (flat ? coef[0] : coef) as Y extends number ? number[] : number[][];
  }

  /** What is expected where all features are 0. */
  get intercept(): Y {
    const { intercept, flat } = this.units;
    return (flat ? intercept[0] : intercept) as Y;
  }
}
