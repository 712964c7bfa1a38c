export {
  type Checkpoint,
  type CheckpointOptions,
  checkpointTo,
  loadCheckpoint,
  saveCheckpoint,
} from './checkpoint';
export { fromSafetensors, type Safetensors, toSafetensors } from './safetensors';
export type { Target } from './storage';
