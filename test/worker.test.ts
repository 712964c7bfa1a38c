import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { HistoryRow } from '../src/train/history';
import type { FitOptions } from '../src/train/options';
import type { Part } from '../src/train/parts';
import type { Elsewhere } from '../src/wasm/place';
import { bitsOf, type Fresh, fresh, RUNS } from './support/runs';

type Library = Fresh & { worker: Elsewhere };
type Own = Omit<Library, 'worker'>;

/** Threads, and what a worker has then: this memory or a copy. */
const MEMORIES = [
  [1, 'copied'],
  [2, 'shared'],
  [3, 'shared'],
] as const;

async function library(threads: number): Promise<Library> {
  const own = await fresh({ threads });
  const { worker } = await import('downhill/worker');
  return { ...own, worker };
}

const textOf = (value: unknown) => JSON.stringify(value, (_, v) => (v?.toTypedArray ? [...v.toTypedArray()] : v));

/** Of the data. */
interface Shape {
  sampler?: boolean;
  stream?: boolean;
}

interface Training {
  model: InstanceType<Library['Sequential']>;
  optimizer: InstanceType<Library['Adam']>;
  loader: InstanceType<Library['DataLoader']>;
}

/** A small classifier, its optimizer and its data. */
function training(own: Own, { sampler = false, stream = false }: Shape): Training {
  const rows = 90;
  const { Adam, BatchNorm1d, DataLoader, Dropout, IterableDataset, Linear, manualSeed, randn, Sequential } = own;
  manualSeed(3);
  const model = new Sequential(new Linear(4, 9), new BatchNorm1d(9), new Dropout(0.2), new Linear(9, 3));
  const labels = Int32Array.from({ length: rows }, (_, i) => i % 3);
  const [x, y] = [randn([rows, 4]), own.tensor(labels)];
  const data = stream
    ? new IterableDataset(() => (x.toArray() as number[][]).map((row, i) => [row, i % 3]))
    : new own.TensorDataset(x, y);
  const weights = Float32Array.from({ length: rows }, (_, i) => 1 + (i % 5));
  const order = sampler
    ? { sampler: new own.WeightedRandomSampler([...weights], { count: rows, seed: 5 }) }
    : { shuffle: !stream };
  const loader = new DataLoader(data, { batchSize: 20, ...order });
  return { model, optimizer: new Adam(model.parameters(), { lr: 0.01 }), loader };
}

type Options = (own: Own, training: Training) => Partial<FitOptions>;

/** What goes along with a training, each on this thread. */
const ASIDE: Record<string, Options> = {
  nothing: () => ({}),
  metrics: ({ accuracy }) => ({ metrics: { accuracy, mine: (output) => output.sum().item() } }),
  'a validation set': ({ accuracy }, { loader }) => ({ validation: loader, metrics: { accuracy } }),
  'a schedule of steps': ({ OneCycleLR }, { optimizer }) => ({
    scheduler: new OneCycleLR(optimizer, { maxLr: 0.1, totalSteps: 30 }),
  }),
  'a schedule of epochs': ({ StepLR }, { optimizer }) => ({
    scheduler: new StepLR(optimizer, { stepSize: 2, gamma: 0.5 }),
  }),
  'a schedule that watches': ({ ReduceLROnPlateau }, { optimizer, loader }) => ({
    validation: loader,
    scheduler: new ReduceLROnPlateau(optimizer, { patience: 1, threshold: 0.5 }),
  }),
  'averages of each step': ({ AveragedModel, getEmaAvgFn }, { model }) => ({
    averaging: new AveragedModel(model, { avgFn: getEmaAvgFn(0.9) }),
  }),
  'averages of each epoch': ({ AveragedModel }, { model }) => ({ averaging: new AveragedModel(model) }),
  'early stopping': () => ({ earlyStopping: { targetLoss: 1.1, restoreBest: true } }),
  'clipped gradients': () => ({ clipGradNorm: 0.1, clipGradValue: 0.05 }),
  'weights of rows': (_, { loader }) => ({
    sampleWeight: Float32Array.from({ length: loader.rows }, (_, i) => 1 + (i % 3)),
  }),
  'weights of classes': () => ({ classWeight: 'balanced' }),
  'a loss of its own': () => ({ loss: (o, t) => o.logSoftmax().square().mean().add(t.to('float32').mean()) }),
  'a look at each batch': (_, { model }) => {
    const seen: number[] = [];
    const look = () => void seen.push(model.parameters()[0]?.toTypedArray()[0] as number);
    const sum = () => seen.reduce((a, b) => a + b, 0);
    return { onBatchEnd: look, metrics: { seen: sum } };
  },
  'a hand at the parameters': (_, { model }) => ({
    onEpochEnd() {
      for (const p of model.parameters()) p.assign(p.mul(0.5));
    },
  }),
  'short slices': () => ({ yieldEvery: 0.001 }),
};

const SHAPES: Record<string, Shape> = {
  'a loader': {},
  'a sampler': { sampler: true },
  'a stream': { stream: true },
};

interface Way {
  options: Options;
  worker?: Elsewhere;
  /** What the history says of the worker. */
  memory?: 'shared' | 'copied';
}

/** Trains, and returns all that can be told from it afterwards. */
async function traced(own: Own, shape: Shape, { options, worker, memory }: Way) {
  const made = training(own, shape);
  const { model, optimizer, loader } = made;
  const more = options(own, made);
  const shown: string[] = [];
  const onEpochEnd = (row: HistoryRow) => {
    shown.push(textOf(model.stateDict()));
    return more.onEpochEnd?.(row);
  };
  const loss = new own.CrossEntropyLoss();
  const all = { loss, optimizer, epochs: 6, ...more, onEpochEnd, ...(worker && { worker }) };
  const { epochs, ...history } = await own.fit(model, loader, all);
  expect(history.worker).toBe(memory);
  const rows = epochs.map(({ seconds: _, ...row }) => row);
  const parts = [model, optimizer, more.scheduler, more.averaging as Part | undefined];
  const states = parts.map((part) => part?.stateDict());
  return textOf([rows, history.stoppedBy, history.bestEpoch, shown, states, loader.epoch, own.rand([2])]);
}

const alone = new Map<string, string[]>();

beforeAll(async () => {
  const own = await fresh({ threads: 1 });
  for (const name of Object.keys(RUNS)) alone.set(name, await bitsOf(own, name));
});

afterEach(() => void vi.restoreAllMocks());

describe.each(MEMORIES)('with %i threads, memory is %s, and a worker', (threads, memory) => {
  it.each(Object.keys(RUNS))('trains %s to the same bits', async (name) => {
    const { worker, ...own } = await library(threads);
    expect(await bitsOf(own, name, { worker })).toEqual(alone.get(name));
  });

  it.each(Object.entries(ASIDE))('trains to the same bits with %s', async (_, options) => {
    const { worker, ...own } = await library(threads);
    const expected = await traced(own, {}, { options });
    expect(await traced(own, {}, { options, worker, memory })).toBe(expected);
  });

  it.each(Object.entries(SHAPES))('trains on %s to the same bits', async (_, shape) => {
    const { worker, ...own } = await library(threads);
    const options = () => ({ accumulate: 2 });
    const expected = await traced(own, shape, { options });
    expect(await traced(own, shape, { options, worker, memory })).toBe(expected);
  });
});
