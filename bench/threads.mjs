import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { configure, fit, manualSeed, rand, randn, tensor } from 'downhill';
import { DataLoader, TensorDataset } from 'downhill/data';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';

/** Beside a process that takes a core for itself. */
const BUSY = '--busy';
/** One thread, two for all that can be divided, and what the library chooses. */
const KINDS = ['1', '2', 'auto'];
const ROUNDS = 11;

/** Networks: sizes of the layers, rows, batch, and epochs of a timed run. Those of n inputs show from where on 'auto' should divide. */
const WORK = {
  W1: [[1, 1], 1000, 64, 200],
  W3: [[16, 64, 64, 1], 1024, 32, 10],
  'W2-b64': [[784, 128, 10], 2048, 64, 2],
  'W2-b512': [[784, 128, 10], 2048, 512, 2],
  W5: [[512, 1024, 1024, 10], 512, 256, 1],
  W6: [[64, 1], 100_000, 100_000, 10],
  ...Object.fromEntries([16, 32, 48, 64, 96, 128, 256].map((n) => [`n=${n}`, [[n, n, n], 1024, 32, 8]])),
};

/** A run of epochs of some work, which goes on from where the last one ended. */
function trainer([sizes, rows, batchSize, epochs]) {
  manualSeed(1);
  const outputs = sizes.at(-1);
  const labels = Int32Array.from({ length: rows }, (_, i) => i % outputs);
  const target = outputs > 1 ? tensor(labels) : rand([rows, 1]);
  const layers = sizes.slice(1).flatMap((n, i) => [new nn.Linear(sizes[i], n), new nn.ReLU()]);
  const model = new nn.Sequential(...layers.slice(0, -1));
  const loader = new DataLoader(new TensorDataset(randn([rows, sizes[0]]), target), { batchSize });
  const optimizer = new optim.SGD(model.parameters(), { lr: 1e-4 });
  const loss = outputs > 1 ? new nn.CrossEntropyLoss() : new nn.MSELoss();
  return () => fit(model, loader, { loss, optimizer, epochs });
}

/** What a process with its own number of threads does: it times the work that it is told the name of. */
function serve(threads) {
  configure({ threads: threads === 'auto' ? threads : Number(threads) });
  const trainers = new Map();
  process.on('message', async (name) => {
    if (!trainers.has(name)) trainers.set(name, trainer(WORK[name]));
    const started = performance.now();
    await trainers.get(name)();
    process.send(performance.now() - started);
  });
}

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

function ask(child, name) {
  return new Promise((resolve) => {
    child.once('message', resolve);
    child.send(name);
  });
}

async function compare(children, name) {
  const [, rows, batchSize, epochs] = WORK[name];
  const times = children.map(() => []);
  for (let round = -3; round < ROUNDS; round++) {
    for (const [i, child] of children.entries()) {
      const time = await ask(child, name);
      if (round >= 0) times[i].push(time);
    }
  }
  const steps = epochs * Math.ceil(rows / batchSize);
  const micros = times.map((list) => (median(list) / steps) * 1000);
  const cells = micros.map(
    (t, i) => `${KINDS[i]}: ${t.toFixed(1)} µs${i > 0 ? ` (x${(micros[0] / t).toFixed(2)})` : ''}`,
  );
  console.log(name.padEnd(8), cells.join('   '));
}

const [own, ...others] = process.argv.slice(2);
const start = (kind) => fork(fileURLToPath(import.meta.url), [kind]);
if (own === BUSY && process.send) for (;;);
else if (process.send) serve(own);
else {
  const neighbours = own === BUSY ? [start(BUSY)] : [];
  const children = KINDS.map(start);
  const wanted = own === BUSY ? others : process.argv.slice(2);
  for (const name of wanted.length > 0 ? wanted : Object.keys(WORK)) await compare(children, name);
  for (const child of [...children, ...neighbours]) child.kill();
}
