import { checkOptions, checkValue, isCount, isFlag, isFraction, isPositive, isRate, type Rules } from '../errors';
import type { FitOptions } from '../train/options';
import { checkSeed } from '../wasm/random';

/** What all estimators can be told. */
export interface EstimatorOptions {
  /** Bring the features to mean 0 and deviation 1 inside, as a StandardScaler does. Default: true. */
  scale?: boolean;
  /** The most passes over the rows. */
  maxIter?: number;
  /** When `fit` is done. */
  tol?: number;
  /** Rows in a batch. */
  batchSize?: number;
  /** Adam's. */
  learningRate?: number;
  /** Of initial values and the order of rows: the same seed gives the same bits. Default: that of `manualSeed`. */
  seed?: number;
}

/** What a training can be told besides: see `FitOptions`. */
export type RunOptions = Pick<FitOptions, 'onEpochEnd' | 'onProgress' | 'progressEvery' | 'pause' | 'signal'>;

export const RUN_NAMES = ['onEpochEnd', 'onProgress', 'progressEvery', 'pause', 'signal'];

const RULES: Rules = {
  maxIter: isCount,
  nIterNoChange: isCount,
  batchSize: isCount,
  tol: isRate,
  alpha: isRate,
  C: isPositive,
  learningRate: isPositive,
  validationFraction: { needed: 'above 0 and less than 1', holds: (n: number) => n > 0 && isFraction.holds(n) },
  scale: isFlag,
  fitIntercept: isFlag,
  earlyStopping: isFlag,
};

/** The options, with defaults in the place of those that are not given. Those without a default may be left out. */
export function resolved<O extends EstimatorOptions, D extends object>(owner: string, given: O, defaults: D): O & D {
  checkOptions(owner, given, [...new Set([...Object.keys(defaults), 'batchSize', 'seed'])]);
  const all: Record<string, unknown> = Object.fromEntries(Object.entries(defaults));
  for (const [name, value] of Object.entries(given)) if (value !== undefined) all[name] = value;
  for (const [name, value] of Object.entries(all)) {
    const rule = RULES[name];
    if (rule && value !== undefined) checkValue(`The ${name} of ${owner}`, value, rule);
  }
  if (all.seed !== undefined) checkSeed(owner, all.seed);
  return all as O & D;
}
