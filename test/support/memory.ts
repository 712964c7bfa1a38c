import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { runtimeInfo, zeros } from 'downhill';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

export const MIB = 2 ** 20;

export interface Held {
  /** Bytes of the runtime's memory. */
  wasm: number;
  /** Bytes of JavaScript objects and of ArrayBuffers, after a collection. */
  heap: number;
}

/** Makes tensors that nobody holds, four times as many as memory keeps: everything else that is cold moves out. */
function churn(): void {
  for (let i = 0; i < 512; i++) zeros([2 ** 16]);
}

/** What the process holds on to. */
export function held(): Held {
  churn();
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { wasm: runtimeInfo().bytes, heap: heapUsed + arrayBuffers };
}
