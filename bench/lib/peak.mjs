import { fileURLToPath } from 'node:url';
import { now } from './clock.mjs';
import { compiled } from './compile.mjs';
import { sink, spread } from './statistics.mjs';

const SOURCE = fileURLToPath(new URL('../peak.ts', import.meta.url));
const BINARY = fileURLToPath(new URL('../build/peak.wasm', import.meta.url));
const PAGE = 65536;
const STREAM_BYTES = 256 * 2 ** 20;
const TURNS = 40_000;
const FLOPS_PER_TURN = 80;

/** The machine's limits. `flops()` and `bandwidth()` take a sample each, in GFLOP/s and GB/s. */
export async function startPeak() {
  const memory = new WebAssembly.Memory({ initial: 1 + STREAM_BYTES / PAGE });
  new Float32Array(memory.buffer).fill(1e-6);
  const { instance } = await WebAssembly.instantiate(await compiled(BINARY, [SOURCE]), { env: { memory } });
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

/** How fast the machine is at the start: many short samples of its arithmetic, some passes over memory. */
export function measurePeak(peak) {
  const samples = (count, take) => spread(Array.from({ length: count }, take));
  return { gflops: samples(400, peak.flops), gbytes: samples(9, peak.bandwidth) };
}
