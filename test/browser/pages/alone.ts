import { configure, runtimeInfo } from 'downhill';
import train from './blocked';

/** Asks for threads and a worker, and returns what there is and what is said. */
export default async function run() {
  const warnings: string[] = [];
  console.warn = (text: string) => warnings.push(text);
  configure({ threads: 4 });
  const { threads, why, build } = runtimeInfo();
  return { threads, why, build, warnings, trained: await train() };
}
