import { loadCheckpoint, saveCheckpoint, type Target } from 'downhill/io';
import { train } from '../../support/kept';

/** Keeps a training in a place of the browser's, goes on from there, and looks at what a damaged one gives. */
async function kept(target: Target, damage: () => Promise<void>) {
  const before = await loadCheckpoint(target);
  await train({ target, batches: 9 });
  const same = (await train({ target })) === (await train());
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
