export {
  type Checkpoint,
  type CheckpointOptions,
  checkpointTo,
  loadCheckpoint,
  saveCheckpoint,
} from './checkpoint';
export { toFunction } from './javascript';
export { toONNX } from './onnx';
export type { Fitted } from './predictor';
export { type PyTorchOptions, toPyTorch } from './pytorch';
export { fromSafetensors, type Safetensors, toSafetensors } from './safetensors';
export type { Target } from './storage';
