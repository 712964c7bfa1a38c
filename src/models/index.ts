export type { EstimatorJSON } from './json';
export { LinearRegression, type LinearRegressionOptions } from './linear';
export { LogisticRegression, type LogisticRegressionOptions } from './logistic';
export { MLPClassifier, type MLPClassifierOptions, type MLPOptions, MLPRegressor } from './mlp';
export type { ClassWeight, EstimatorOptions, FittingOptions, RunOptions } from './options';
