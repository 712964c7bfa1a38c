import {
  Adam,
  DataLoader,
  Dropout,
  fit,
  Linear,
  MSELoss,
  manualSeed,
  randn,
  Sequential,
  TensorDataset,
} from 'downhill';
import { type Checkpoint, checkpointTo, loadCheckpoint, type Target } from 'downhill/io';

interface Kept {
  /** Where it is kept after each batch, and from where it goes on. */
  target?: Target;
  /** From what it goes on otherwise. */
  resume?: Checkpoint | undefined;
  /** After how many batches it is stopped. */
  batches?: number;
}

/** A training that can be stopped, kept and resumed; what it ends with. */
export async function train({ target, resume, batches = Number.POSITIVE_INFINITY }: Kept = {}): Promise<string> {
  manualSeed(4);
  const x = randn([100, 3]);
  const loader = new DataLoader(new TensorDataset(x, x.square().sum({ axis: 1, keepDims: true })), {
    batchSize: 16,
    shuffle: true,
  });
  const model = new Sequential(new Linear(3, 8), new Dropout(0.2), new Linear(8, 1));
  const optimizer = new Adam(model.parameters());
  const stop = new AbortController();
  let done = 0;
  const { epochs } = await fit(model, loader, {
    loss: new MSELoss(),
    optimizer,
    epochs: 4,
    signal: stop.signal,
    onBatchEnd: () => ++done === batches && stop.abort(),
    ...(target
      ? { checkpoint: checkpointTo(target, { everySeconds: 0 }), resume: await loadCheckpoint(target) }
      : { resume }),
  });
  const rows = epochs.map(({ seconds: _, ...row }) => row);
  return JSON.stringify({ rows, weights: model.parameters().map((p) => p.toArray()) });
}
