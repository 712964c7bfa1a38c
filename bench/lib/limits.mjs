import { now } from './clock.mjs';
import { sink } from './statistics.mjs';

const PAGE = 65536;
const STREAM_BYTES = 256 * 2 ** 20;
const TURNS = 40_000;
const FLOPS_PER_TURN = 80;

/** The machine's limits, by the binary of peak.ts. `flops()` and `bandwidth()` take a sample each, in GFLOP/s and GB/s. */
export async function peakOf(binary) {
  const memory = new WebAssembly.Memory({ initial: 1 + STREAM_BYTES / PAGE });
  new Float32Array(memory.buffer).fill(1e-6);
  const { instance } = await WebAssembly.instantiate(binary, { env: { memory } });
  const { multiplyAdd, readSum } = instance.exports;
  const timed = (work, run) => {
    const started = now();
    sink(run());
    return work / (now() - started) / 1e6;
  };
  const peak = {
    flops: () => timed(TURNS * FLOPS_PER_TURN, () => multiplyAdd(TURNS)),
    bandwidth: () => timed(STREAM_BYTES, () => readSum(PAGE, STREAM_BYTES)),
  };
  for (let i = 0; i < 200; i++) peak.flops();
  return peak;
}
