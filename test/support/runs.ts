import { vi } from 'vitest';
import type { FitOptions } from '../../src/train/options';

type Library = typeof import('downhill');
type Parts = typeof import('../../src/wasm/runtime');

/** A library of its own, with a memory and threads of its own. */
export interface Fresh extends Library {
  runtime: Parts['runtime'];
}

let last: Fresh | undefined;

/** Loads the library anew and sets it up; other threads, if there are to be some, are there. The one before has none any more. */
export async function fresh(settings: Parameters<Library['configure']>[0] = {}): Promise<Fresh> {
  last?.runtime().pool?.close('the test is over');
  vi.resetModules();
  const library = await import('downhill');
  const { runtime } = await import('../../src/wasm/runtime');
  library.configure(settings);
  if (typeof settings.threads === 'number') await allReady(runtime);
  last = { ...library, runtime };
  return last;
}

async function allReady(runtime: Parts['runtime']): Promise<void> {
  const { pool } = runtime();
  pool?.meeting();
  while (pool && !pool.isReady) await new Promise((resolve) => setTimeout(resolve, 1));
}

interface Run {
  sizes: number[];
  rows: number;
  batchSize: number;
  activation?: 'ReLU' | 'Tanh' | 'GELU' | 'Dropout' | 'BatchNorm1d' | 'LayerNorm';
  loss: 'MSELoss' | 'CrossEntropyLoss' | 'BCEWithLogitsLoss' | 'HuberLoss' | 'custom';
  optimizer: 'SGD' | 'Adam' | 'RMSprop' | 'Adadelta' | 'Adamax' | 'Lion' | 'NAdam';
  options?: Partial<FitOptions>;
}

/** Trainings of odd sizes: blocks of rows that are not full, a last batch that is not, layers of few and of many columns. */
export const RUNS: Record<string, Run> = {
  'a line at full batch': { sizes: [1, 1], rows: 1001, batchSize: 1001, loss: 'MSELoss', optimizer: 'SGD' },
  'a line at batch 1': { sizes: [1, 1], rows: 17, batchSize: 1, loss: 'MSELoss', optimizer: 'SGD' },
  'a linear model': { sizes: [33, 1], rows: 1500, batchSize: 700, loss: 'MSELoss', optimizer: 'SGD' },
  'a logistic model': { sizes: [7, 1], rows: 1500, batchSize: 600, loss: 'BCEWithLogitsLoss', optimizer: 'Adam' },
  'a cost of its own': { sizes: [5, 3], rows: 700, batchSize: 300, loss: 'custom', optimizer: 'Adamax' },
  'a classifier': {
    sizes: [30, 65, 10],
    rows: 300,
    batchSize: 64,
    activation: 'ReLU',
    loss: 'CrossEntropyLoss',
    optimizer: 'SGD',
    options: { clipGradNorm: 1 },
  },
  'a wide network': {
    sizes: [100, 530, 270, 3],
    rows: 300,
    batchSize: 257,
    activation: 'Tanh',
    loss: 'HuberLoss',
    optimizer: 'RMSprop',
  },
  'a large batch, block by block': {
    sizes: [40, 200, 10],
    rows: 1600,
    batchSize: 1600,
    activation: 'ReLU',
    loss: 'CrossEntropyLoss',
    optimizer: 'SGD',
  },
  'one with dropout': {
    sizes: [20, 48, 48, 9],
    rows: 200,
    batchSize: 50,
    activation: 'Dropout',
    loss: 'CrossEntropyLoss',
    optimizer: 'NAdam',
  },
  'one with batch norm': {
    sizes: [20, 48, 2],
    rows: 600,
    batchSize: 300,
    activation: 'BatchNorm1d',
    loss: 'MSELoss',
    optimizer: 'Lion',
  },
  'one with layer norm': {
    sizes: [20, 48, 2],
    rows: 90,
    batchSize: 30,
    activation: 'LayerNorm',
    loss: 'custom',
    optimizer: 'Adadelta',
    options: { clipGradValue: 0.1 },
  },
};

function networkOf({ Sequential, ...nn }: Library, { sizes, activation = 'ReLU' }: Run) {
  const made = { ReLU: 0, Tanh: 0, GELU: 0, Dropout: 0.3 };
  const between = (n: number) =>
    activation === 'BatchNorm1d' || activation === 'LayerNorm'
      ? new nn[activation](n)
      : new (nn[activation] as new (p?: number) => InstanceType<Library['Module']>)(made[activation] || undefined);
  const layers = sizes.slice(1).flatMap((n, i) => {
    const linear = new nn.Linear(sizes[i] as number, n);
    return i + 2 < sizes.length ? [linear, between(n)] : [linear];
  });
  return new Sequential(...layers);
}

function targetOf({ rand, tensor }: Library, { rows, sizes, loss }: Run) {
  const n = sizes.at(-1) as number;
  if (loss !== 'CrossEntropyLoss') return rand([rows, n]);
  const labels = Int32Array.from({ length: rows }, (_, i) => (i * 7) % n);
  return tensor(labels);
}

/** Trains and returns the bits of the losses, the parameters and the optimizer's state. */
export async function bitsOf(library: Library, name: string, more: Partial<FitOptions> = {}): Promise<string[]> {
  const run = RUNS[name] as Run;
  library.manualSeed(7);
  const model = networkOf(library, run);
  const data = new library.TensorDataset(library.randn([run.rows, run.sizes[0] as number]), targetOf(library, run));
  const loader = new library.DataLoader(data, { batchSize: run.batchSize, shuffle: true });
  const optimizer = new library[run.optimizer](model.parameters(), { lr: 0.01 });
  const custom: FitOptions['loss'] = (o, t) => o.sub(t).mul(o.tanh()).square().mean();
  const loss = run.loss === 'custom' ? custom : new library[run.loss]();
  const history = await library.fit(model, loader, { loss, optimizer, epochs: 3, ...run.options, ...more });
  const tensors = [
    ...Object.values(model.stateDict()),
    ...Object.values(optimizer.stateDict().state).flatMap((state) => Object.values(state)),
  ];
  const bits = (t: unknown) =>
    typeof t === 'number'
      ? String(t)
      : Buffer.from((t as { toTypedArray(): Float32Array }).toTypedArray().buffer).toString('hex');
  return [...history.epochs.map((row) => String(row.loss)), ...tensors.map(bits)];
}
