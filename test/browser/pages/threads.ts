import { configure, runtimeInfo } from 'downhill';
import { perform, type Way } from '../../determinism/perform';

/** Something that threads share. */
const LARGE = 'wide layers';

/** Counts the calls that are handed to a thread that leads others. */
function countLed(): () => number {
  let led = 0;
  const { postMessage } = Worker.prototype;
  Worker.prototype.postMessage = function (this: Worker, message: { pool?: number; count?: number }, ...rest: never[]) {
    if (message.pool && message.count) led++;
    return postMessage.call(this, message, ...rest);
  };
  return () => led;
}

export interface Parameters {
  threads?: number;
  workerUrl?: string;
  way?: Way;
}

/** Performs runs once threads are there, or can not be; says what there is, what was led, and what a page was warned of. */
export default async function run({ threads, workerUrl, way = {} }: Parameters) {
  const warnings: string[] = [];
  console.warn = (text: string) => void warnings.push(text);
  const led = countLed();
  configure({ ...(threads && { threads }), ...(workerUrl && { workerUrl }) });
  const { threads: count } = runtimeInfo();
  // Until they have come up, all runs on one.
  while (count > 1 && runtimeInfo().threads > 1 && led() === 0) await perform({ names: [LARGE] });
  const before = led();
  const hashes = await perform(way);
  const { threads: after, why } = runtimeInfo();
  return { hashes, led: led() > before, threads: after, why, warnings };
}
