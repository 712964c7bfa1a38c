import {
  checkOptions,
  checkValue,
  isCount,
  isFlag,
  isFraction,
  isPositive,
  isRate,
  OptionError,
  quoted,
  type Rules,
} from '../errors';
import type { Data } from '../tensor/literal';
import type { Tensor } from '../tensor/tensor';
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

/** What `fit` and `partialFit` can be told of their rows, too. */
export type FittingOptions = RunOptions & {
  /** What each row counts, none below 0: [rows]. A row of weight 2 is one that is there twice. Default: 1. */
  sampleWeight?: Tensor | Data;
};

/** What the rows of a class count, by its label, others 1; or 'balanced': rows / (classes × rows of the class). */
export type ClassWeight = 'balanced' | Readonly<Record<string, number>>;

/** Throws for what is no `classWeight`. */
function checkClassWeight(owner: string, given: unknown): void {
  if (given === undefined || given === 'balanced') return;
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new OptionError(
      `The classWeight of ${owner} is ${quoted(given)}; it must be 'balanced', or weights by label, such as { yes: 5, no: 1 }.`,
    );
  for (const [label, weight] of Object.entries(given))
    checkValue(`The classWeight of ${owner} for ${quoted(label)}`, weight, isRate);
}

export const FITTING_NAMES = ['sampleWeight', 'onEpochEnd', 'onProgress', 'progressEvery', 'pause', 'signal'];

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
  checkClassWeight(owner, all.classWeight);
  return all as O & D;
}
