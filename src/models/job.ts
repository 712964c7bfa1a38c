import type { Category } from '../data/encoder';
import type { Matrix } from '../data/preprocessor';
import type { Sequential } from '../nn/sequential';
import type { Tensor } from '../tensor/tensor';
import type { RunOptions } from './options';

/** What a `fit` is made of, once its arguments are known to be good. */
export interface Job<T> {
  network: Sequential;
  /** The features, scaled, row after row. */
  values: Float64Array;
  columns: number;
  rows: number;
  /** The features as a tensor. */
  x: () => Tensor;
  t: Tensor;
  targets: T;
  weights: Weights;
  run: RunOptions;
}

/** What rows count. */
export interface Weights {
  /** Each, in the mean 1; undefined where all count alike. */
  each: Float64Array | undefined;
  /** All of them: the rows, or the sum of what they were told to count. */
  total: number;
}

/** What `take` is told of the rows of y. */
export interface Taken<T> extends Pick<Matrix, 'rows' | 'weights'> {
  before?: T | undefined;
  classes?: readonly Category[] | undefined;
}
