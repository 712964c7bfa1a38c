import { now } from './clock.mjs';
import { sink, spread } from './statistics.mjs';

const WARM_MS = 300;

/** Contenders agree if their losses are no further apart than this share of the first one's. */
function agrees(a, b, tolerance) {
  return Number.isFinite(a) && Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b));
}

/** One timed run: microseconds an update, and the peak just before and after. */
async function sample(contender, updates, peak) {
  const before = peak.flops();
  const started = now();
  const { loss, seconds } = await contender.run(updates);
  const elapsed = seconds ?? (now() - started) / 1000;
  const after = peak.flops();
  sink(loss);
  return { micros: (elapsed * 1e6) / updates, gflops: (before + after) / 2 };
}

/** Engines compile what is hot in the background: runs until they had time to. */
async function warmUp(contender, updates) {
  const started = performance.now();
  while (performance.now() - started < WARM_MS) sink((await contender.run(updates)).loss);
}

/**
 * Runs every contender once over the same updates, as many as all of them do, compares what they ended with, and warms them up.
 */
async function check(workload, contenders) {
  const compared = Math.min(workload.updates, ...contenders.map(({ most }) => most ?? workload.updates));
  const losses = [];
  for (const contender of contenders) {
    await contender.prepare();
    losses.push((await contender.run(compared)).loss);
    await warmUp(contender, contender.updates ?? workload.updates);
  }
  const odd = losses.findIndex((loss) => !agrees(loss, losses[0], workload.tolerance));
  return { losses, compared, disagrees: odd < 0 ? undefined : contenders[odd].name };
}

function rowOf(workload, { contender, samples, loss, compared }) {
  const { flops, bytes } = workload;
  const row = {
    workload: workload.name,
    contender: contender.name,
    per: workload.per ?? 'update',
    updates: contender.updates ?? workload.updates,
    compared,
    loss,
    micros: spread(samples.map((s) => s.micros)),
  };
  if (flops) {
    row.gflops = flops / row.micros.median / 1000;
    row.shareOfPeak = spread(samples.map((s) => flops / s.micros / 1000 / s.gflops)).median;
  }
  if (bytes) row.gbytes = bytes / row.micros.median / 1000;
  return row;
}

/**
 * Measures one workload: contenders take turns, `rounds` times, so that a busy neighbour meets them all.
 *
 * @param workload `name`; `updates` of a run, which every contender does once to compare losses; `tolerance` of
 * that comparison; useful `flops` and `bytes` of an update; `per`, if it is not an update that is timed; `spec()`, what is
 * trained on what; `contenders(spec)`; `alone`, if no rival does the like.
 * A contender has a `name`; `prepare()`; `run(updates)`, which starts from the same initial values each time and resolves to
 * `{ loss }`, with `seconds` where another process held the watch; `updates` where a timed run is shorter; `most` updates that it can
 * do; and `release()`.
 */
export async function measure(workload, { rounds, peak, rivals }) {
  const spec = workload.spec();
  const others = rivals && !workload.alone ? rivals.of(spec, workload.updates) : [];
  const contenders = [...workload.contenders(spec), ...others];
  const { losses, compared, disagrees } = await check(workload, contenders);
  const samples = contenders.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < contenders.length; i++) {
      const turn = (i + round) % contenders.length;
      const contender = contenders[turn];
      samples[turn].push(await sample(contender, contender.updates ?? workload.updates, peak));
    }
  }
  for (const contender of contenders) contender.release?.();
  const rows = contenders.map((contender, i) =>
    rowOf(workload, { contender, samples: samples[i], loss: losses[i], compared }),
  );
  return { rows, disagrees };
}
