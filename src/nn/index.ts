export { ELU, GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Softplus, Tanh } from './activation';
export {
  BCEWithLogitsLoss,
  type BCEWithLogitsLossOptions,
  CrossEntropyLoss,
  type CrossEntropyLossOptions,
  NLLLoss,
  type NLLLossOptions,
} from './classification';
export type { KaimingOptions, Nonlinearity, XavierOptions } from './init';
/** First values of parameters, put in place: as https://pytorch.org/docs/stable/nn.init.html. */
export * as init from './init';
export { Dropout, Embedding, Flatten, LogSoftmax, Softmax } from './layers';
export { Linear } from './linear';
export { Loss, type LossFunction, type LossOptions } from './loss';
export { Module, type StateDict, type StateEntry } from './module';
export { BatchNorm1d, type BatchNorm1dOptions, LayerNorm, type LayerNormOptions } from './normalization';
export {
  HuberLoss,
  KLDivLoss,
  type KLDivLossOptions,
  L1Loss,
  MSELoss,
  PoissonNLLLoss,
  type PoissonNLLLossOptions,
  SmoothL1Loss,
} from './regression';
export { Sequential } from './sequential';
