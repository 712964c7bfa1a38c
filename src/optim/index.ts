export { Adam, type AdamOptions } from './adam';
export { clipGradNorm } from './clip';
export { Optimizer, type OptimizerState, type ParameterGroup, type ParameterState, type Parameters } from './optimizer';
export { SGD, type SGDOptions } from './sgd';
