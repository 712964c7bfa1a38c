import { readFileSync } from 'node:fs';
import { predict } from 'downhill';
import { fromSafetensors, type Safetensors, toSafetensors } from 'downhill/io';
import { describe, expect, it } from 'vitest';
import { data, network, trained } from './golden/interchange.mjs';
import { expectClose, readGolden } from './golden/read.js';

/** What PyTorch predicts with each file's weights. */
const predictions = readGolden<Record<'here' | 'torch', number[]>>('interchange');

function bytesOf(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`golden/interchange-${name}.safetensors`, import.meta.url)));
}

function load(file: Safetensors) {
  const model = network();
  model.loadStateDict(file.tensors);
  return model;
}

describe('weights that are trained here for two epochs', () => {
  it('are the file that PyTorch has read', async () => {
    const model = await trained();
    expect(toSafetensors(model.stateDict(), { metadata: { format: 'pt' } })).toEqual(bytesOf('here'));
  });

  it.each(['here', 'torch'] as const)('predict what PyTorch does with them (trained on: %s)', async (name) => {
    const y = await predict(load(fromSafetensors(bytesOf(name))), data().x);
    expectClose(name, y.toTypedArray(), predictions[name]);
  });

  it('come back from PyTorch, which trained on, with its whole numbers and without a hole', () => {
    const [here, there] = [fromSafetensors(bytesOf('here')), fromSafetensors(bytesOf('torch'))];
    expect(Object.keys(there.tensors)).toEqual(Object.keys(here.tensors));
    const batches = [here, there].map(({ tensors }) => tensors['1.num_batches_tracked']?.item());
    expect(batches).toEqual([8, 16]);
    expect(there.tensors['0.weight']?.toArray()).not.toEqual(here.tensors['0.weight']?.toArray());
  });
});
