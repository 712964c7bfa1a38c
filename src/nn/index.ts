export { ELU, GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Softplus, Tanh } from './activation';
export { Linear } from './linear';
export { BCEWithLogitsLoss, CrossEntropyLoss, Loss, type LossFunction, type LossOptions, MSELoss } from './loss';
export { Module, type StateDict, type StateEntry } from './module';
export { Sequential } from './sequential';
