import { growthWorkloads } from './growth.mjs';
import { linearWorkloads } from './linear.mjs';
import { networkWorkloads } from './networks.mjs';

/** Everything that `npm run bench` knows, in the order of its table. With `quick`, fewer updates. */
export function workloads(options) {
  return [...linearWorkloads(options), ...networkWorkloads(options), ...growthWorkloads()];
}
