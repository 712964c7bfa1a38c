import { OptionError, StateError } from '../errors';

/** Where a checkpoint is: a path in Node; in browsers a key, of IndexedDB, or a handle, such as of a file in OPFS. */
export type Target = string | FileSystemFileHandle;

/** A place for some bytes: they are there whole, or those from before are. */
export interface Place {
  /** For errors. */
  readonly name: string;
  /** What is there, if anything is. */
  read(): Promise<Uint8Array<ArrayBuffer> | undefined>;
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}

type Files = typeof import('node:fs')['promises'];

/** A module of Node's, where there is Node. */
function builtin<T>(name: string): T | undefined {
  return globalThis.process?.getBuiltinModule?.(name) as T | undefined;
}

/** The writes under way, by path: two to one file go one after the other. */
const writing = new Map<string, Promise<void>>();

/** Makes what a folder lists outlast a loss of power. Windows does that by itself, and opens no folders. */
async function syncFolder(files: Files, folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await files.open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Writes beside the file, and puts that in its place once it is on the disk. */
async function replaceFile(files: Files, { path, folder, bytes }: { path: string; folder: string; bytes: Uint8Array }) {
  const beside = `${path}.tmp`;
  try {
    const file = await files.open(beside, 'w');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await files.rename(beside, path);
    await syncFolder(files, folder);
  } catch (error) {
    await files.rm(beside, { force: true }).catch(() => {});
    throw error;
  }
}

function fileAt(given: string, files: Files): Place {
  const { resolve, dirname } = builtin('node:path') as typeof import('node:path');
  const path = resolve(given);
  return {
    name: given,
    async read() {
      try {
        const { buffer, byteOffset, byteLength } = await files.readFile(path);
        return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    async write(bytes) {
      const before = writing.get(path)?.catch(() => {});
      const write = async () => {
        await before;
        await replaceFile(files, { path, folder: dirname(path), bytes });
      };
      const own = write().finally(() => writing.get(path) === own && writing.delete(path));
      writing.set(path, own);
      await own;
    },
  };
}

const STORE = 'checkpoints';

const settled = <T>(request: IDBRequest<T>) =>
  new Promise<T>((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

async function withDatabase<T>(use: (database: IDBDatabase) => Promise<T>): Promise<T> {
  const opening = indexedDB.open('downhill', 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  const database = await settled(opening);
  try {
    return await use(database);
  } finally {
    database.close();
  }
}

function recordOf(key: string): Place {
  return {
    name: key,
    read: () => withDatabase((database) => settled(database.transaction(STORE).objectStore(STORE).get(key))),
    write: (bytes) =>
      withDatabase(async (database) => {
        const transaction = database.transaction(STORE, 'readwrite', { durability: 'strict' });
        transaction.objectStore(STORE).put(bytes, key);
        await new Promise((resolve, reject) => {
          transaction.oncomplete = resolve;
          transaction.onabort = () => reject(transaction.error);
        });
      }),
  };
}

function fileOf(handle: FileSystemFileHandle): Place {
  return {
    name: handle.name,
    async read() {
      const file = await handle.getFile();
      // A file that was only just created.
      return file.size === 0 ? undefined : new Uint8Array(await file.arrayBuffer());
    },
    async write(bytes) {
      if (typeof handle.createWritable !== 'function')
        throw new StateError('This engine replaces no file as a whole; give a key, a string, instead of a handle.');
      // What is written takes the file's place when it is closed.
      const file = await handle.createWritable();
      try {
        await file.write(bytes);
      } catch (error) {
        await file.abort().catch(() => {});
        throw error;
      }
      await file.close();
    },
  };
}

function rawPlaceOf(target: Target): Place {
  if (typeof target === 'string' && target !== '') {
    const files = builtin<typeof import('node:fs')>('node:fs')?.promises;
    if (files) return fileAt(target, files);
    if (globalThis.indexedDB) return recordOf(target);
    throw new StateError(`There are neither files nor IndexedDB here for ${target}; give a FileSystemFileHandle.`);
  }
  if (typeof (target as FileSystemFileHandle | null)?.getFile === 'function')
    return fileOf(target as FileSystemFileHandle);
  throw new OptionError(
    `The target of a checkpoint is ${target === '' ? 'an empty string' : String(target)}; give a path, or in browsers a key or a FileSystemFileHandle.`,
  );
}

/** The place that a target means; what fails there is a StateError that says why. */
export function placeOf(target: Target): Place {
  const place = rawPlaceOf(target);
  const { name } = place;
  const explained = async <T>(what: string, done: Promise<T>): Promise<T> => {
    try {
      return await done;
    } catch (error) {
      if (error instanceof StateError) throw error;
      throw new StateError(`The checkpoint ${name} could not be ${what}: ${(error as Error | null)?.message}`, {
        cause: error,
      });
    }
  };
  return {
    name,
    read: () => explained('read', place.read()),
    write: (bytes) => explained('written; the one before is still there', place.write(bytes)),
  };
}
