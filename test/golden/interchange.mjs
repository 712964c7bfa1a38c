// Trains two epochs and writes the weights that interchange.py goes on with:
//
//     npm run build && node test/golden/interchange.mjs

import { writeFileSync } from 'node:fs';
import { fit, manualSeed, tensor } from 'downhill';
import { DataLoader, TensorDataset } from 'downhill/data';
import { toSafetensors } from 'downhill/io';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';

const ROWS = 64;
const COLUMNS = 3;

/** Multiples of 1/8, which both sides compute alike; interchange.py has the same. */
export function data() {
  const x = Array.from({ length: ROWS }, (_, i) =>
    Array.from({ length: COLUMNS }, (_, j) => (((7 * i + 5 * j + i * j) % 17) - 8) / 8),
  );
  const y = x.map(([a = 0, b = 0, c = 0]) => [a * b - c / 2]);
  return { x: tensor(x), y: tensor(y) };
}

export function network() {
  return new nn.Sequential(new nn.Linear(COLUMNS, 8), new nn.BatchNorm1d(8), new nn.Tanh(), new nn.Linear(8, 1));
}

/** A network after two epochs. */
export async function trained() {
  manualSeed(9);
  const { x, y } = data();
  const model = network();
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.02 });
  const loader = new DataLoader(new TensorDataset(x, y), { batchSize: 16, shuffle: true });
  await fit(model, loader, { loss: new nn.MSELoss(), optimizer, epochs: 2 });
  return model;
}

if (process.argv[1] === import.meta.filename) {
  const model = await trained();
  writeFileSync(
    new URL('interchange-here.safetensors', import.meta.url),
    toSafetensors(model.stateDict(), { metadata: { format: 'pt' } }),
  );
}
