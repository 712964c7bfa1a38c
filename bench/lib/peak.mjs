import { fileURLToPath } from 'node:url';
import { compiled } from './compile.mjs';
import { peakOf } from './limits.mjs';
import { spread } from './statistics.mjs';

const SOURCE = fileURLToPath(new URL('../peak.ts', import.meta.url));
const BINARY = fileURLToPath(new URL('../build/peak.wasm', import.meta.url));

/** The binary that measures the machine's limits. */
export const peakBinary = () => compiled(BINARY, [SOURCE]);

export const startPeak = async () => peakOf(await peakBinary());

/** How fast the machine is at the start: many short samples of its arithmetic, some passes over memory. */
export function measurePeak(peak) {
  const samples = (count, take) => spread(Array.from({ length: count }, take));
  return { gflops: samples(400, peak.flops), gbytes: samples(9, peak.bandwidth) };
}
