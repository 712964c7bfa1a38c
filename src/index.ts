export * from './data/index';
export {
  DivergenceError,
  DownhillError,
  FormatError,
  MemoryError,
  OptionError,
  ShapeError,
  StateError,
} from './errors';
export * from './models/index';
export * from './nn/index';
export * from './optim/index';
export { ones, parameter, rand, randn, type TensorOptions, tensor, zeros } from './tensor/create';
export { noGrad } from './tensor/driver';
export type { Data, DType } from './tensor/literal';
export type { Shape } from './tensor/shape';
export type { AxisOptions, Nested, ReduceOptions, Tensor, Value } from './tensor/tensor';
export { AveragedModel, type AveragedModelOptions, type AvgFn, getEmaAvgFn, updateBn } from './train/averaging';
export { type EvaluateOptions, evaluate, type Measured, predict } from './train/evaluate';
export { findLearningRate, type LearningRateOptions, type LearningRates } from './train/findLearningRate';
export { fit } from './train/fit';
export { type GradCheckOptions, gradCheck } from './train/gradcheck';
export type { History, HistoryRow } from './train/history';
export type { ScoreOptions } from './train/metrics/classes';
export {
  type AverageOptions,
  accuracy,
  confusionMatrix,
  f1,
  precision,
  recall,
  topK,
} from './train/metrics/classification';
export {
  type Metric,
  type Metrics,
  type MetricWithOptions,
  type Mode,
  type StreamingMetric,
  streamingMetric,
  type Tally,
} from './train/metrics/metric';
export { mae, r2, rmse } from './train/metrics/regression';
export { logLoss, type RocAucOptions, rocAuc } from './train/metrics/scores';
export { type MinimizeOptions, type Minimum, minimize } from './train/minimize';
export type { Averaging, BatchRow, FitOptions } from './train/options';
export type { Part, Parts, States } from './train/parts';
export { Pause } from './train/pause';
export type { Checkpointer, Moment } from './train/progress';
export type { Progress } from './train/report';
export type { EarlyStopping } from './train/stopping';
export { manualSeed } from './wasm/random';
export { type Build, configure, type RuntimeInfo, type RuntimeOptions, runtimeInfo } from './wasm/runtime';
