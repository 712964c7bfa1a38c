export {
  type AnnealStrategy,
  CosineAnnealingLR,
  type CosineAnnealingLROptions,
  CosineAnnealingWarmRestarts,
  type CosineAnnealingWarmRestartsOptions,
} from './cosine';
export { OneCycleLR, type OneCycleLROptions } from './oneCycle';
export { type PlateauState, ReduceLROnPlateau, type ReduceLROnPlateauOptions } from './plateau';
export type { AnyOptimizer, AnySchedule, Schedule, ScheduleOptions, ScheduleState } from './schedule';
export { SequentialLR, type SequentialLROptions } from './sequential';
export {
  ExponentialLR,
  type ExponentialLROptions,
  LambdaLR,
  type LambdaLROptions,
  LinearLR,
  type LinearLROptions,
  MultiStepLR,
  type MultiStepLROptions,
  StepLR,
  type StepLROptions,
} from './steps';
export { SWALR, type SWALROptions } from './swa';
