import { setTimeout as sleep } from 'node:timers/promises';
import {
  AveragedModel,
  accuracy,
  evaluate,
  type FitOptions,
  fit,
  getEmaAvgFn,
  type Metric,
  StateError,
  type States,
} from 'downhill';
import {
  DataLoader,
  type DataLoaderOptions,
  type Dataset,
  IterableDataset,
  type IterableDatasetOptions,
  type Row,
  Subset,
  TensorDataset,
} from 'downhill/data';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';
import { describe, expect, it } from 'vitest';
import { errorOf } from './support/failures';
import { held, MIB } from './support/memory';
import { upTo } from './support/numbers';
import { classes, line, regression, rowsOf, settled, stateOf, type Training } from './support/training';

const EPOCHS = 3;

/** The rows of a dataset as lists of numbers, its labels as they are. */
function rowsIn({ tensors, length }: Dataset): Row[] {
  const lists = tensors.map((t) => t.toArray() as number[][]);
  return upTo(length).map((i) => lists.map((list) => list[i] as number[]));
}

const slowly = async function* (rows: Row[]): AsyncGenerator<Row> {
  for (const [i, row] of rows.entries()) {
    if (i % 11 === 4) await sleep(0);
    yield row;
  }
};

function* inBlocks(rows: Row[]): Generator<Row> {
  for (let i = 0; i < rows.length; i += 13) {
    const part = rows.slice(i, i + 13);
    yield [part.map(([x]) => x as number[]), part.map(([, y]) => y as number)];
  }
}

interface Case {
  dataset?: Dataset;
  model?: () => nn.Module;
  loss?: FitOptions['loss'];
  loader?: DataLoaderOptions;
  stream?: IterableDatasetOptions;
  source?: (rows: Row[]) => Iterable<Row> | AsyncIterable<Row>;
  options?: (training: Training) => Partial<FitOptions>;
}

const network = (...between: nn.Module[]) =>
  settled(new nn.Sequential(new nn.Linear(4, 9), ...between, new nn.Linear(9, 3)));

const CASES: Record<string, Case> = {
  'classes in batches of which the last is not full': {},
  'batches that are all full': { dataset: classes(96) },
  'one batch that is not full': { loader: { batchSize: 200 } },
  'single rows': { loader: { batchSize: 1 } },
  'single rows, eight ahead': { loader: { batchSize: 1 }, stream: { prefetch: 8 } },
  'fewer rows ahead than a batch has': { stream: { prefetch: 5 } },
  'rows that come one by one': { source: slowly, stream: { prefetch: 40 } },
  'blocks of rows': { source: inBlocks, stream: { blocks: true, prefetch: 7 } },
  'no last batch': { loader: { dropLast: true } },
  'batches put together': { options: () => ({ accumulate: 3 }) },
  'batches put together, and no last one': {
    loader: { dropLast: true, batchSize: 10 },
    options: () => ({ accumulate: 4 }),
  },
  'a single batch, and calls after each': { options: () => ({ onBatchEnd: () => {} }) },
  'dropout and running statistics': { model: () => network(new nn.BatchNorm1d(9), new nn.ReLU(), new nn.Dropout(0.4)) },
  'a schedule of steps, and clipping': {
    options: ({ optimizer }) => ({
      scheduler: new optim.OneCycleLR(optimizer, { maxLr: 0.05, totalSteps: 40, per: 'step' }),
      clipGradNorm: 0.5,
    }),
  },
  'averages of weights after each step': {
    options: ({ model }) => ({ averaging: new AveragedModel(model, { avgFn: getEmaAvgFn(0.9) }) }),
  },
  'batches so large that they are run in blocks of rows': {
    dataset: classes(7000),
    loader: { batchSize: 3000 },
    model: () => settled(new nn.Sequential(new nn.Linear(4, 64), new nn.Tanh(), new nn.Linear(64, 3))),
  },
  'rows that bring their weights': {
    dataset: new TensorDataset(
      ...classes(103).tensors,
      Float32Array.from({ length: 103 }, (_, i) => (i * 7) % 5),
    ),
    stream: { prefetch: 20 },
    options: () => ({ sampleWeight: 'last' }),
  },
  'a line': { dataset: line(150), model: () => settled(new nn.Linear(1, 1)), loss: new nn.MSELoss() },
};

function trainingOf({ model, loss, loader }: Case, dataset: Dataset, more: DataLoaderOptions = {}): Training {
  const own = model?.() ?? network(new nn.ReLU());
  return {
    model: own,
    optimizer: new optim.Adam(own.parameters(), { lr: 0.02 }),
    loss: loss ?? new nn.CrossEntropyLoss(),
    loader: new DataLoader(dataset, { batchSize: 16, seed: 3, ...loader, ...more }),
  };
}

async function trained(training: Training, options: Partial<FitOptions>): Promise<unknown> {
  const { model, loader, optimizer, loss } = training;
  return rowsOf(await fit(model, loader, { loss, optimizer, epochs: EPOCHS, ...options }));
}

describe('a stream trains to the bits of the same rows in memory', () => {
  it.each(Object.entries(CASES))('%s', async (_, given) => {
    const { dataset = classes(103), source, stream, options } = given;
    const inMemory = trainingOf(given, dataset);
    const wanted = await trained(inMemory, options?.(inMemory) ?? {});
    const rows = rowsIn(dataset);
    for (const compiled of [true, false]) {
      const streamed = trainingOf(given, new IterableDataset(() => source?.(rows) ?? rows, stream));
      expect(await trained(streamed, { ...options?.(streamed), compiled })).toEqual(wanted);
      expect(stateOf(streamed)).toEqual(stateOf(inMemory));
    }
  });

  it.each([true, false])('shuffled, in the order of the stream (compiled: %s)', async (compiled) => {
    const dataset = classes(103);
    const rows = rowsIn(dataset);
    const stream = new IterableDataset(() => rows, { shuffleBuffer: 30 });
    const numbers = new IterableDataset(() => upTo(103).map((i) => [[i], i]), { shuffleBuffer: 30 });
    const orders: number[][] = [];
    for (let pass = 0; pass < EPOCHS; pass++) orders.push([]);
    const numbering = new DataLoader(numbers, { seed: 3 });
    for (const order of orders) for await (const [, id] of numbering) order.push(id.item());
    const sampler = { length: 103, order: (pass: number) => orders[pass] as number[] };
    const { model, optimizer, loss } = trainingOf({}, dataset);
    const inMemory = { model, optimizer, loss, loader: new DataLoader(dataset, { batchSize: 16, sampler }) };
    const wanted = await trained(inMemory, { compiled });
    const streamed = trainingOf({}, stream);
    expect(await trained(streamed, { compiled })).toEqual(wanted);
    expect(stateOf(streamed)).toEqual(stateOf(inMemory));
  });

  it.each([true, false])('whose number of rows is another in each pass (compiled: %s)', async (compiled) => {
    const rows = rowsIn(classes(103));
    const counts = [50, 71, 50, 64, 3];
    const streamed = trainingOf({}, new IterableDataset((pass) => rows.slice(0, counts[pass])));
    await trained(streamed, { compiled, epochs: counts.length });
    const inMemory = trainingOf({}, classes(103));
    for (const count of counts) {
      const part = new TensorDataset(
        rows.slice(0, count).map(([x]) => x as number[]),
        rows.slice(0, count).map(([, y]) => y as number),
      );
      await trained({ ...inMemory, loader: new DataLoader(part, { batchSize: 16 }) }, { epochs: 1 });
    }
    expect(stateOf({ ...streamed, loader: inMemory.loader })).toEqual(stateOf(inMemory));
  });
});

describe('a stream measures as the same rows in memory', () => {
  const untold: Metric = (output, target) =>
    output.argMax({ axis: 1 }).to('float32').sub(target.to('float32')).abs().mean().item();

  it('in evaluate, and as validation', async () => {
    const dataset = classes(103);
    const stream = new IterableDataset(() => slowly(rowsIn(dataset)), { shuffleBuffer: 10 });
    const { model, loss, loader } = trainingOf({}, dataset);
    const options = { loss, metrics: { accuracy, untold } };
    const wanted = await evaluate(model, loader, options);
    expect(await evaluate(model, new DataLoader(stream, { batchSize: 16 }), options)).toEqual(wanted);
    const runs = [dataset, stream].map((validation) =>
      trained(trainingOf({}, dataset), {
        validation: new DataLoader(validation, { batchSize: 16 }),
        metrics: { accuracy, untold },
      }),
    );
    expect(await runs[1]).toEqual(await runs[0]);
  });
});

/** Rows of which one is another, or makes trouble. */
function* broken(at: number, trouble: () => Row): Generator<Row> {
  const rows = rowsIn(line(300));
  for (const [i, row] of rows.entries()) yield i === at ? trouble() : row;
}

const fail = (): never => {
  throw new RangeError('the disk is gone');
};

const TROUBLES: [string, number, () => Row, RegExp][] = [
  ['throws', 100, fail, /^StateError: The iterable of IterableDataset threw at row 100 of pass 0: the disk is gone$/],
  ['gives NaN', 100, () => [[Number.NaN], [1]], /^OptionError: IterableDataset: tensor 0 has NaN in row 100, column 0/],
  ['gives what float32 can not hold', 100, () => [[1], [1e39]], /tensor 1 has 1e\+39 in row 100, column 0/],
  [
    'gives another shape',
    100,
    () => [[1, 2], [1]],
    /^ShapeError: .*row 100 has the shape \[2\] in tensor 0; it must be \[1\]/,
  ],
  ['gives ragged lists', 100, () => [[[1, 2], [3]], [1]], /^ShapeError: IterableDataset, row 100, tensor 0/],
  ['gives more columns', 100, () => [[1], [1], [1]], /row 100 has 3 tensors; it must have 2/],
  ['gives a word', 100, () => ['word' as never, [1]], /row 100, tensor 0/],
  ['gives null', 100, () => null as never, /row 100 is null; the iterable must give lists, as \[x, y\]/],
];

describe.each([true, false])('a stream that fails (compiled: %s)', (compiled) => {
  it.each(TROUBLES)('and %s: the model keeps what it learned before', async (_, at, trouble, says) => {
    const streamed = regression(new IterableDataset(() => broken(at, trouble)), { shuffle: false, batchSize: 8 });
    const error = (await errorOf(() => trained(streamed, { compiled }))) as Error;
    expect(`${error.name}: ${error.message}`).toMatch(says);
    if (trouble === fail) expect(error.cause).toEqual(new RangeError('the disk is gone'));
    const rows = rowsIn(line(300)).slice(0, 96);
    const before = new TensorDataset(
      rows.map(([x]) => x as number[]),
      rows.map(([, y]) => y as number[]),
    );
    const inMemory = regression(before, { shuffle: false, batchSize: 8 });
    await trained(inMemory, { epochs: 1 });
    expect(stateOf(streamed)).toEqual(stateOf(inMemory));
  });

  it('and gives a label that is none', async () => {
    const rows = rowsIn(classes(60));
    const bad = rows.map(([x, y], i): Row => [x as number[], i === 50 ? 3 : (y as number)]);
    const training = trainingOf({}, new IterableDataset(() => bad));
    const error = (await errorOf(() => trained(training, { compiled }))) as Error;
    expect(error.message).toMatch(/CrossEntropyLoss got the index 3 at position 2; with 3 to choose from/);
    const inMemory = trainingOf({}, classes(60), { dropLast: true });
    const step = new DataLoader(
      new TensorDataset(
        rows.slice(0, 48).map(([x]) => x as number[]),
        rows.slice(0, 48).map(([, y]) => y as number),
      ),
      { batchSize: 16 },
    );
    await trained({ ...inMemory, loader: step }, { epochs: 1 });
    expect(stateOf(training)).toEqual(stateOf({ ...inMemory, loader: step }));
  });

  const weighed = (bad: Row[number]) =>
    trainingOf({}, new IterableDataset(() => rowsIn(classes(60)).map((row, i) => [...row, i === 50 ? bad : 1])));

  it('and gives a negative weight: the model keeps what it learned before', async () => {
    const training = weighed(-3);
    const error = await errorOf(() => trained(training, { compiled, sampleWeight: 'last' }));
    expect((error as Error).message).toMatch(/A row has the weight -3; weights must be finite and not below 0/);
    const inMemory = trainingOf({}, classes(60));
    const first = new DataLoader(new Subset(classes(60), upTo(48)), { batchSize: 16 });
    await trained({ ...inMemory, loader: first }, { epochs: 1, compiled, sampleWeight: new Float32Array(48).fill(1) });
    expect(stateOf({ ...training, loader: first })).toEqual(stateOf({ ...inMemory, loader: first }));
  });

  it.each<[string, Dataset, RegExp]>([
    ['no weights', new IterableDataset(() => rowsIn(line(30))), /lists of 2; fit needs inputs.*\[x, y, weight\]/],
    [
      'two weights a row',
      new IterableDataset(() => rowsIn(classes(60)).map((row) => [...row, [1, 1]])),
      /The weights of 16 rows have shape \[16, 2\]; each row has one, a number/,
    ],
  ])('and has %s changes nothing', async (_, dataset, says) => {
    const training = trainingOf({}, dataset);
    const before = stateOf(training);
    const error = await errorOf(() => trained(training, { compiled, sampleWeight: 'last' }));
    expect((error as Error).message).toMatch(says);
    expect(stateOf(training)).toEqual(before);
  });

  it('at its first row changes nothing', async () => {
    const training = trainingOf({}, new IterableDataset(() => broken(0, fail)));
    const before = stateOf(training);
    await expect(trained(training, { compiled })).rejects.toThrow(/row 0 of pass 0/);
    expect(stateOf(training)).toEqual(before);
    await expect(trained(trainingOf({}, new IterableDataset(fail)), { compiled })).rejects.toThrow(/the disk is gone/);
  });

  it.each([0, 1])('and does not fit the model in its layer %d changes nothing', async (at) => {
    const layers = [new nn.BatchNorm1d(1), new nn.Linear(4, 9)];
    const model = () => new nn.Sequential(...layers.slice(1 - at));
    const training = trainingOf({ model }, new IterableDataset(() => rowsIn(line(30))));
    const before = stateOf(training);
    await expect(trained(training, { compiled })).rejects.toThrow(/Linear\(4 -> 9\) got x of shape \[16, 1\]/);
    expect(stateOf(training)).toEqual(before);
  });

  it('and stalls is answered after its timeout, with the row', async () => {
    async function* stalls() {
      yield* rowsIn(line(40));
      await new Promise(() => {});
    }
    const training = regression(new IterableDataset(stalls, { timeout: 30 }), { shuffle: false, batchSize: 8 });
    const error = await errorOf(() => trained(training, { compiled }));
    expect(error).toBeInstanceOf(StateError);
    expect((error as Error).message).toMatch(/waited 30 ms for row 40 of pass 0, and nothing came/);
    expect(training.loader.epoch).toBe(1);
  });

  it.each([2 ** 31, Number.POSITIVE_INFINITY])('has time where its timeout is %d ms', async (timeout) => {
    const rows = slowly(rowsIn(line(40)));
    const training = regression(new IterableDataset(() => rows, { timeout }), { shuffle: false, batchSize: 8 });
    expect(await trained(training, { compiled, epochs: 1 })).toMatchObject({ stoppedBy: 'epochs' });
  });

  it.each([0, 40])('and stalls at row %d is stopped by a signal', async (at) => {
    async function* stalls() {
      yield* rowsIn(line(40)).slice(0, at);
      await new Promise(() => {});
    }
    const training = regression(new IterableDataset(stalls), { shuffle: false, batchSize: 8 });
    const controller = new AbortController();
    const running = trained(training, { compiled, signal: controller.signal });
    await sleep(20);
    controller.abort();
    expect(await running).toEqual({ stoppedBy: 'signal', rows: [] });
  });

  it('and has no rows in its second pass says so', async () => {
    const once = rowsIn(line(40))[Symbol.iterator]();
    const training = regression(new IterableDataset(() => ({ [Symbol.iterator]: () => once })), { shuffle: false });
    await expect(trained(training, { compiled })).rejects.toThrow(/no batch in pass 1\. .* rows for each pass anew/);
  });
});

describe('a training on a stream', () => {
  it.each([
    [true, undefined],
    [false, undefined],
    [true, 20],
    [false, 20],
  ])('is resumed to the same bits (compiled: %s, buffer: %s)', async (compiled, shuffleBuffer) => {
    const stream = () =>
      new IterableDataset(() => slowly(rowsIn(classes(103))), {
        prefetch: 40,
        ...(shuffleBuffer && { shuffleBuffer }),
      });
    const whole = trainingOf({}, stream());
    const taken: States[] = [];
    const rows = await trained(whole, {
      compiled,
      checkpoint: { visit: async (take) => void taken.push(await take()) },
    });
    expect(taken.length).toBeGreaterThanOrEqual(EPOCHS + 3);
    for (const resume of taken) {
      const again = trainingOf({}, stream());
      expect(await trained(again, { compiled, resume })).toEqual(rows);
      expect(stateOf(again)).toEqual(stateOf(whole));
    }
  });

  it('takes no more memory for ten times the rows', async () => {
    async function* source(count: number): AsyncGenerator<Row> {
      const x = new Float32Array(8);
      for (let i = 0; i < count; i++) yield [x.fill(i % 7), [i % 3]];
    }
    const train = async (count: number) => {
      const model = new nn.Linear(8, 1);
      const loader = new DataLoader(new IterableDataset(() => source(count)), { batchSize: 32 });
      const optimizer = new optim.SGD(model.parameters(), { lr: 1e-4 });
      await fit(model, loader, { loss: new nn.MSELoss(), optimizer, epochs: 1 });
    };
    await train(20_000);
    const before = held();
    await train(200_000);
    const after = held();
    expect(after.wasm).toBe(before.wasm);
    expect((after.heap - before.heap) / MIB).toBeLessThan(1);
  });

  it('refuses a list of weights, and is no dataset to choose rows from', async () => {
    const stream = new IterableDataset(() => rowsIn(line(8)));
    await expect(trained(regression(stream, { shuffle: false }), { sampleWeight: [1] })).rejects.toThrow(
      /need all rows beforehand/,
    );
    expect(() => stream.tensors).toThrow(/no rows to choose from: they come one after another/);
    expect(() => [...new DataLoader(stream)]).toThrow(/awaited: for await/);
  });
});
