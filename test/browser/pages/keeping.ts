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
import { checkpointTo, loadCheckpoint, saveCheckpoint, type Target } from 'downhill/io';

/** A training that is stopped after some batches, if that is said; what it ends with. */
async function train(target?: Target, batches = Number.POSITIVE_INFINITY) {
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
    ...(target && { checkpoint: checkpointTo(target, { everySeconds: 0 }), resume: await loadCheckpoint(target) }),
  });
  const rows = epochs.map(({ seconds: _, ...row }) => row);
  return JSON.stringify({ rows, weights: model.parameters().map((p) => p.toArray()) });
}

/** Keeps a training in a place of the browser's, goes on from there, and looks at what a damaged one gives. */
async function kept(target: Target, damage: () => Promise<void>) {
  const before = await loadCheckpoint(target);
  await train(target, 9);
  const same = (await train(target)) === (await train());
  await saveCheckpoint(target, { epoch: 7 });
  const epoch = (await loadCheckpoint(target))?.epoch;
  await damage();
  const error = await loadCheckpoint(target).catch((e: Error) => e.name);
  return { before: before ?? 'nothing', same, epoch, error };
}

/** Puts bytes into IndexedDB as anybody can. */
async function put(key: string, bytes: Uint8Array): Promise<void> {
  const opening = indexedDB.open('downhill');
  await new Promise((resolve) => {
    opening.onsuccess = resolve;
  });
  const transaction = opening.result.transaction('checkpoints', 'readwrite');
  transaction.objectStore('checkpoints').put(bytes, key);
  await new Promise((resolve) => {
    transaction.oncomplete = resolve;
  });
  opening.result.close();
}

/** Checkpoints in IndexedDB, and in a file of OPFS where its handles replace files as a whole. */
export default async function run() {
  const key = `run ${crypto.randomUUID()}`;
  const database = await kept(key, () => put(key, new Uint8Array(300)));
  if (!('createWritable' in (globalThis.FileSystemFileHandle?.prototype ?? {}))) return { database };
  const folder = await navigator.storage.getDirectory();
  const handle = await folder.getFileHandle(key, { create: true });
  const file = await kept(handle, async () => {
    const writable = await handle.createWritable();
    await writable.write(new Uint8Array(300));
    await writable.close();
  });
  await folder.removeEntry(key);
  return { database, file };
}
