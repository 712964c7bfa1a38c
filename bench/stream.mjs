/** What memory a training on rows that come one after another holds on to, at each tenth of them: `npm run bench:stream -- 10000000`. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { fit, runtimeInfo } from 'downhill';
import { DataLoader, IterableDataset } from 'downhill/data';
import * as nn from 'downhill/nn';
import { Adam } from 'downhill/optim';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

const COUNT = Number(process.argv[2] ?? 10_000_000);
const FEATURES = 8;
const BLOCK = 1000;
const MIB = 2 ** 20;

/** Row i: numbers in which each feature has a part, and what they come to. */
function rowOf(i) {
  const x = Array.from({ length: FEATURES }, (_, k) => ((i * (2 * k + 1)) % 101) / 50 - 1);
  return [x, [x.reduce((sum, v, k) => sum + v * (k - 3), 0.5)]];
}

const megabytes = (bytes) => (bytes / MIB).toFixed(1);

function note(i) {
  collect();
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  const columns = [i, megabytes(heapUsed + arrayBuffers), megabytes(runtimeInfo().bytes), megabytes(rss)];
  console.log(columns.map((c) => String(c).padStart(12)).join(''));
}

async function* rows() {
  for (let i = 0; i < COUNT; i++) {
    if (i % Math.ceil(COUNT / 10) === 0) note(i);
    yield rowOf(i);
  }
}

async function* blocks() {
  for (let i = 0; i < COUNT; i += BLOCK) {
    if (i % Math.ceil(COUNT / 10) === 0) note(i);
    const part = Array.from({ length: Math.min(BLOCK, COUNT - i) }, (_, k) => rowOf(i + k));
    yield [part.map(([x]) => x), part.map(([, y]) => y)];
  }
}

async function measure(name, source, options) {
  console.log(`\n${name}\n${['rows', 'JS MiB', 'Wasm MiB', 'rss MiB'].map((c) => c.padStart(12)).join('')}`);
  const loader = new DataLoader(new IterableDataset(source, options), { batchSize: 64, seed: 1 });
  const model = new nn.Sequential(new nn.Linear(FEATURES, 16), new nn.ReLU(), new nn.Linear(16, 1));
  const optimizer = new Adam(model.parameters(), { lr: 0.001 });
  const began = process.cpuUsage();
  const { epochs } = await fit(model, loader, { loss: new nn.MSELoss(), optimizer, epochs: 1 });
  const { user, system } = process.cpuUsage(began);
  note(COUNT);
  const rate = Math.round(COUNT / ((user + system) / 1e6));
  console.log(`loss ${epochs[0].loss.toFixed(5)}, ${rate} rows in a second of CPU time, the making of them included`);
}

console.log(`${COUNT} rows of ${FEATURES} features, 8-16-1 under Adam, batches of 64; Node ${process.version}`);
await measure('rows one by one, shuffled through 10,000', rows, { shuffleBuffer: 10_000 });
await measure(`blocks of ${BLOCK}`, blocks, { blocks: true });
