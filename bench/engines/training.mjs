import { configure } from 'downhill';
import { peakOf } from '../lib/limits.mjs';
import { measure } from '../lib/rounds.mjs';
import { workloads } from '../workloads/index.mjs';

/** The rows of the named workloads on one thread, without rivals; `peak` is the binary of peak.ts in base64. */
export async function training({ names, rounds, peak }) {
  configure({ threads: 1 });
  const limits = await peakOf(Uint8Array.from(atob(peak), (c) => c.charCodeAt(0)));
  const rows = [];
  for (const workload of workloads({}).filter(({ name }) => names.includes(name))) {
    rows.push(...(await measure(workload, { rounds, peak: limits })).rows);
  }
  return rows;
}
