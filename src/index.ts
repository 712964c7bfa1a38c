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
export * from './nn/index';
export * from './optim/index';
export { ones, parameter, rand, randn, type TensorOptions, tensor, zeros } from './tensor/create';
export { noGrad } from './tensor/driver';
export type { Data, DType } from './tensor/literal';
export type { Shape } from './tensor/shape';
export type { AxisOptions, Nested, ReduceOptions, Tensor, Value } from './tensor/tensor';
export { AveragedModel, type AveragedModelOptions, type AvgFn, getEmaAvgFn, updateBn } from './train/averaging';
export { type EvaluateOptions, evaluate, predict } from './train/evaluate';
export { fit } from './train/fit';
export { type GradCheckOptions, gradCheck } from './train/gradcheck';
export type { History, HistoryRow } from './train/history';
export { accuracy, type Metric, type Metrics, r2 } from './train/metrics';
export { type MinimizeOptions, type Minimum, minimize } from './train/minimize';
export type { Averaging, BatchRow, EarlyStopping, FitOptions } from './train/options';
export type { Part, Parts, States } from './train/parts';
export type { Checkpointer, Moment } from './train/progress';
export { manualSeed } from './wasm/random';
export { configure, type RuntimeInfo, type RuntimeOptions, runtimeInfo } from './wasm/runtime';
