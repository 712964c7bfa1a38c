import { configure } from 'downhill';
import { loadCheckpoint } from 'downhill/io';
import { train } from '../../support/kept';

/** Goes on with a training from the bytes of its checkpoint, here, and on so many threads. */
export default async function run({ bytes, threads }: { bytes: number[]; threads?: number }): Promise<string> {
  if (threads !== undefined) configure({ threads });
  const file = { name: 'kept elsewhere', getFile: async () => new Blob([Uint8Array.from(bytes)]) };
  return train({ resume: await loadCheckpoint(file as unknown as FileSystemFileHandle) });
}
