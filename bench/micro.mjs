import { writeFile } from 'node:fs/promises';
import { configure } from 'downhill';
import { now, useProcessorTime } from './lib/clock.mjs';
import { kernels } from './lib/kernels.mjs';
import { header, signature } from './lib/machine.mjs';
import { chosen, command, readOptions } from './lib/options.mjs';
import { measurePeak, startPeak } from './lib/peak.mjs';
import { figure, line, percent } from './lib/report.mjs';
import { sink, spread, sum } from './lib/statistics.mjs';

const SAMPLE_MS = 4;
const WIDTHS = [14, 14, 11, 22, 9, 7, 9, 7];

/** Microseconds of one of so many calls. */
function repeat(call, times) {
  const started = now();
  sink(call(times));
  return ((now() - started) * 1000) / times;
}

/** Calls a kernel until it is warm, and says how many calls make a sample. */
function warmUp(call) {
  let times = 1;
  for (let micros = repeat(call, 1); micros * times < SAMPLE_MS * 1000; micros = repeat(call, times)) times *= 2;
  repeat(call, times);
  return times;
}

function measureKernel({ name, size, flops, bytes, make }, { rounds, peak }) {
  const call = make();
  const times = warmUp(call);
  const samples = Array.from({ length: rounds }, () => {
    const before = peak.flops();
    const micros = repeat(call, times);
    return { micros, gflops: (before + peak.flops()) / 2 };
  });
  const micros = spread(samples.map((s) => s.micros));
  const row = { name, size, micros };
  if (bytes) return { ...row, gbytes: bytes / micros.median / 1000 };
  const shareOfPeak = spread(samples.map((s) => flops / s.micros / 1000 / s.gflops)).median;
  return { ...row, gflops: flops / micros.median / 1000, shareOfPeak };
}

function rowText({ name, size, micros, gflops, gbytes, shareOfPeak }, memory) {
  const quartiles = `${figure(micros.lower)} - ${figure(micros.upper)}`;
  const cells = [name, size, figure(micros.median), quartiles, figure(gflops), percent(shareOfPeak)];
  return line([...cells, figure(gbytes), percent(gbytes && gbytes / memory)], WIDTHS);
}

await command(async () => {
  const options = readOptions(process.argv.slice(2));
  configure({ threads: options.threads });
  if (options.cpu) useProcessorTime();
  const list = chosen(kernels(), options.names);
  const peak = await startPeak();
  const limits = measurePeak(peak);
  const machine = signature();
  const head = line(['kernel', 'size', 'µs', 'quartiles', 'GFLOP/s', 'peak', 'GB/s', 'memory'], WIDTHS);
  console.log(`${header(machine, limits)}\n\n${head}\n${'-'.repeat(head.length)}`);
  const rounds = options.rounds * 3;
  const rows = list.map((kernel) => {
    const row = measureKernel(kernel, { rounds, peak });
    console.log(rowText(row, limits.gbytes.median));
    return row;
  });
  console.log(
    `\n${rounds} samples each; products are calls of the library, the rest records of their own; results sunk: ${sum().toExponential(3)}`,
  );
  if (options.json) await writeFile(options.json, `${JSON.stringify({ machine, limits, rows }, null, 2)}\n`);
});
