import module from 'downhill/kernels.wasm';
import { loadKernels } from 'downhill/slim';
import { perform, type Way } from '../../determinism/perform';

/** Performs runs with kernels that are imported as a module. */
export default async function run(way: Way) {
  await loadKernels(module);
  return perform(way);
}
