import { accuracy, evaluate, type FitOptions, fit, OptionError, ShapeError, type Tensor, tensor } from 'downhill';
import { DataLoader, type Dataset, Subset, TensorDataset } from 'downhill/data';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';
import { describe, expect, it } from 'vitest';
import { any, errorOf } from './support/failures';
import { classes, classification, line, regression, rowsOf, settled, stateOf, type Training } from './support/training';

type Options = Partial<FitOptions>;

async function train(training: Training, options: Options = {}): Promise<unknown> {
  const { model, loader, loss, optimizer } = training;
  const history = await fit(model, loader, { loss, optimizer, epochs: 3, ...options });
  return { history: rowsOf(history), state: stateOf(training) };
}

const DRIVERS = [{ compiled: true }, { compiled: false }];

/** What a loss gives as it is taken: half of the squared error of each row. */
const halves = (o: Tensor, t: Tensor) => o.sub(t).square().mul(0.5);

const numbersOfRows = (rows: number) => Float32Array.from({ length: rows }, (_, i) => i + 1);

/** Rows that are numbered by their target, and weighted by the same number. */
function numbered(rows: number): { dataset: TensorDataset; sampleWeight: Float32Array } {
  const sampleWeight = numbersOfRows(rows);
  const x = tensor(sampleWeight, { shape: [rows, 1] });
  return { dataset: new TensorDataset(x, x), sampleWeight };
}

describe('sampleWeight', () => {
  it.each([nn.MSELoss, nn.L1Loss, nn.HuberLoss, nn.BCEWithLogitsLoss])('of 1 gives the bits of none: %o', async (L) => {
    const given = () => ({ ...regression(line(101)), loss: new L() });
    const plain = await train(given());
    for (const driver of DRIVERS) {
      expect(await train(given(), { ...driver, sampleWeight: new Float32Array(101).fill(1) })).toEqual(plain);
    }
  });

  it.each(DRIVERS)('follows the shuffle: $compiled', async (driver) => {
    const { dataset, sampleWeight } = numbered(103);
    const training = regression(dataset, { batchSize: 8 });
    const { epochs } = await fit(training.model, training.loader, {
      loss: (o, t) => o.mul(0).add(t),
      optimizer: training.optimizer,
      epochs: 2,
      sampleWeight,
      ...driver,
    });
    const total = (power: number) => sampleWeight.reduce((sum, n) => sum + n ** power, 0);
    for (const { loss } of epochs) expect(loss).toBeCloseTo(total(2) / total(1), 4);
  });

  it.each(DRIVERS)('belongs to the rows of a Subset, of which some may come twice: $compiled', async (driver) => {
    const { dataset } = numbered(10);
    const training = regression(new Subset(dataset, [7, 3, 3]), { batchSize: 2 });
    const { epochs } = await fit(training.model, training.loader, {
      loss: (o, t) => o.mul(0).add(t),
      optimizer: training.optimizer,
      epochs: 1,
      sampleWeight: [1, 2, 5],
      ...driver,
    });
    expect(epochs[0]?.loss).toBeCloseTo((8 + 2 * 4 + 5 * 4) / 8, 5);
  });

  it.each(DRIVERS)('of 0 leaves a row out: $compiled', async (driver) => {
    const [x, y] = line(40).tensors as [Tensor, Tensor];
    const given = (rows: number) => {
      const dataset = new TensorDataset(x.slice(0, rows), y.slice(0, rows));
      return regression(dataset, { batchSize: rows, shuffle: false });
    };
    const [all, some] = [given(40), given(30)];
    const sampleWeight = Float32Array.from({ length: 40 }, (_, i) => (i < 30 ? 1 : 0));
    await train(all, { ...driver, sampleWeight });
    await train(some, driver);
    expect(stateOf(all)).toEqual(stateOf(some));
  });

  it('is not used for the validation rows, and a loss of single rows is averaged there', async () => {
    const run = async (options: Options) => {
      const training = { ...regression(line(50)), ...(options.loss && { loss: options.loss }) };
      const { model, loader, optimizer, loss } = training;
      const more = { validation: new DataLoader(line(33, 5), { batchSize: 7 }), epochs: 2 };
      return rowsOf(await fit(model, loader, { loss, optimizer, ...more, ...options }));
    };
    const sampleWeight = numbersOfRows(50);
    const own = (await run({ sampleWeight, loss: (o, t) => halves(o, t).mul(2) })) as { rows: object[] };
    const built = (await run({ sampleWeight })) as { rows: object[] };
    expect(own.rows[1]).toHaveProperty('valLoss');
    own.rows.forEach((row, i) => {
      for (const [name, value] of Object.entries(row)) expect(value).toBeCloseTo(any(built.rows[i])[name], 5);
    });
  });
});

describe('classWeight', () => {
  it.each(DRIVERS)('is the sampleWeight of each class: $compiled', async (driver) => {
    const dataset = classes(61);
    const labels = (dataset.tensors[1] as Tensor).toTypedArray();
    const byClass = [0.5, 2, 1];
    const sampleWeight = Float32Array.from(labels, (label) => byClass[label] as number);
    const expected = await train(classification(dataset), { ...driver, sampleWeight });
    expect(await train(classification(dataset), { ...driver, classWeight: byClass })).toEqual(expected);
    const half = { sampleWeight: sampleWeight.map((w) => w / 2), classWeight: tensor([2, 2, 2]) };
    expect(await train(classification(dataset), { ...driver, ...half })).toEqual(expected);
  });

  it('is also of yes and no in a column', async () => {
    const y = [[0], [1], [1], [1]];
    const given = () => regression(new TensorDataset([[1], [2], [3], [4]], y), { batchSize: 4 });
    const loss = new nn.BCEWithLogitsLoss();
    const balanced = await train(given(), { loss, classWeight: 'balanced' });
    expect(balanced).toEqual(await train(given(), { loss, sampleWeight: [2, 2 / 3, 2 / 3, 2 / 3] }));
  });
});

/** Rows that bring their weights. */
function weighing(dataset: Dataset, weights: number[] | Float32Array): TensorDataset {
  return new TensorDataset(...dataset.tensors, weights);
}

describe("sampleWeight: 'last'", () => {
  const weights = Float32Array.from({ length: 103 }, (_, i) => (i * 7) % 5);
  const rows = weighing(classes(103), weights);
  const chosen = Array.from({ length: 60 }, (_, i) => (i * 11) % 103);
  const CASES: { name: string; bring: Dataset; told: Options; plain?: Dataset; options?: Options }[] = [
    { name: 'of all rows', bring: rows, told: { sampleWeight: weights } },
    {
      name: 'of a column of integers',
      bring: new TensorDataset(...classes(103).tensors, tensor([...weights], { shape: [103, 1], dtype: 'int32' })),
      told: { sampleWeight: weights },
    },
    {
      name: 'of a part of the rows',
      bring: new Subset(rows, chosen),
      told: { sampleWeight: chosen.map((i) => weights[i] as number) },
      plain: new Subset(classes(103), chosen),
    },
    { name: 'in batches put together', bring: rows, told: { sampleWeight: weights }, options: { accumulate: 3 } },
    {
      name: 'and classes that count too',
      bring: rows,
      told: { sampleWeight: weights },
      options: { classWeight: 'balanced' },
    },
    {
      name: 'beside metrics',
      bring: rows,
      told: { sampleWeight: weights },
      options: { metrics: { accuracy, all: (o, t) => o.sum().item() + t.to('float32').sum().item() } },
    },
  ];
  const cases = CASES.flatMap((c) => DRIVERS.map((driver) => ({ ...c, driver })));

  it.each(cases)('$name has the bits of a list: $driver', async ({ bring, told, plain, options, driver }) => {
    const list = await train(classification(plain ?? classes(103)), { ...options, ...told, ...driver });
    expect(await train(classification(bring), { ...options, sampleWeight: 'last', ...driver })).toEqual(list);
  });

  it('is what the rows of validation count too, and those of evaluate', async () => {
    const training = classification(rows);
    const held = weighing(classes(40, 5), numbersOfRows(40));
    const validation = new DataLoader(held, { batchSize: 7 });
    const { model, loader, optimizer } = training;
    const loss = new nn.CrossEntropyLoss();
    const options = { loss, optimizer, epochs: 1, sampleWeight: 'last', metrics: { accuracy } } as const;
    const { epochs } = await fit(model, loader, { ...options, validation });
    const [x, y, w] = held.tensors as [Tensor, Tensor, Tensor];
    const each = new nn.CrossEntropyLoss({ reduction: 'none' }).forward(model.forward(x), y).toTypedArray();
    const mean = Array.from(w.toTypedArray(), (n, i) => n * (each[i] as number)).reduce((a, b) => a + b) / 820;
    expect(epochs[0]?.valLoss).toBeCloseTo(mean, 5);
    expect(epochs[0]?.valAccuracy).toBe(accuracy(model.forward(x), y));
    expect(await evaluate(model, validation, { loss, sampleWeight: 'last', metrics: { accuracy } })).toEqual({
      loss: epochs[0]?.valLoss,
      accuracy: epochs[0]?.valAccuracy,
    });
  });

  const two = (weight: number[]) => weighing(new TensorDataset([[1], [2]], [[1], [2]]), weight);
  const REFUSED: [string, Dataset, RegExp, Options?][] = [
    ['rows without weights', classes(16), /fit's loader has 2 tensors; it needs inputs, a target and, last, weights/],
    ['a negative one', two([1, -2]), /sampleWeight has -2 at position 1/],
    ['nothing but 0', two([0, 0]), /sampleWeight give every row the weight 0/],
    [
      'several numbers a row',
      new TensorDataset([[1]], [[1]], [[1, 2]]),
      /sampleWeight has shape \[1, 2\]; it must be \[1\]/,
    ],
    ['a negative one in validation', two([1, 2]), /-3 at position 0/, { validation: new DataLoader(two([-3, 1])) }],
    [
      'validation without weights',
      two([1, 2]),
      /fit's validation has 2 tensors; it needs inputs, a target/,
      { validation: new DataLoader(line(3)) },
    ],
  ];
  it.each(REFUSED)('refuses %s, and changes nothing', async (_, dataset, says, options) => {
    const training = regression(dataset);
    const before = stateOf(training);
    const thrown = await errorOf(() => train(training, { sampleWeight: 'last', ...options }));
    expect((thrown as Error).message).toMatch(says);
    expect(stateOf(training)).toEqual(before);
  });

  it('is all that evaluate takes', async () => {
    const { model, loader, loss } = regression(line(3));
    const call = (sampleWeight: unknown) => evaluate(model, loader, { loss, sampleWeight: sampleWeight as 'last' });
    await expect(call([1, 1, 1])).rejects.toThrow(/sampleWeight of evaluate is an array; it must be 'last'/);
    await expect(call('last')).rejects.toThrow(/evaluate's loader has 2 tensors; it needs inputs, a target and, last/);
  });
});

/** A layer over the whole batch: its statistics are those of all its rows. */
function normalising(options: object): Training {
  const layers = [new nn.Linear(4, 5), new nn.BatchNorm1d(5), new nn.Dropout(0.3), new nn.Linear(5, 3)];
  const model = settled(new nn.Sequential(...layers));
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
  return { ...classification(classes(103), options), model, optimizer };
}

describe('accumulate', () => {
  const trainings = { classification: (o: object) => classification(classes(103), o), normalising };
  const cases = Object.entries(trainings).flatMap(([name, given]) =>
    DRIVERS.map((driver) => ({ name, given, driver })),
  );

  it.each(cases)('of k has the bits of k times the batchSize: $name $driver', async ({ given, driver }) => {
    const [many, large] = [given({ batchSize: 8 }), given({ batchSize: 24 })];
    expect(await train(many, { ...driver, accumulate: 3 })).toEqual(await train(large, driver));
  });

  it('of more than all rows is batch descent', async () => {
    const [many, large] = [regression(line(50), { batchSize: 16 }), regression(line(50), { batchSize: 50 })];
    expect(await train(many, { accumulate: 10 })).toEqual(await train(large));
  });

  it('leaves out what the loader drops, and no more', async () => {
    const training = regression(line(50), { batchSize: 8, dropLast: true });
    const seen: number[] = [];
    const { model, loader, optimizer, loss } = training;
    const onBatchEnd = ({ batch }: { batch: number }) => seen.push(batch);
    await fit(model, loader, { loss, optimizer, epochs: 1, accumulate: 4, onBatchEnd });
    expect(seen).toEqual([1, 2]);
    const rows = regression(line(50), { batchSize: 32, shuffle: false });
    const [x, y] = rows.loader.dataset.tensors as [Tensor, Tensor];
    const first = new TensorDataset(x.slice(0, 48), y.slice(0, 48));
    const dropping = regression(line(50), { batchSize: 8, dropLast: true, shuffle: false });
    expect(await train(dropping, { accumulate: 4 })).toEqual(
      await train(regression(first, { batchSize: 32, shuffle: false })),
    );
  });
});

/** A loss with a forward of its own. */
class Whole extends nn.Loss {
  override forward(output: Tensor, target: Tensor): Tensor {
    return output.sub(target).square().mean();
  }
}

const rows = new Float32Array(16).fill(1);
const bad: { name: string; options: Options; error: new (...args: never[]) => Error; says: RegExp }[] = [
  { name: 'half', options: { accumulate: 1.5 }, error: OptionError, says: /accumulate is 1.5; it must be a whole/ },
  {
    name: 'too few',
    options: { sampleWeight: [1, 2] },
    error: ShapeError,
    says: /sampleWeight has shape \[2\]; it must be \[16\]/,
  },
  {
    name: 'negative',
    options: { sampleWeight: rows.with(3, -1) },
    error: OptionError,
    says: /sampleWeight has -1 at position 3; weights must be finite and not below 0/,
  },
  { name: 'NaN', options: { sampleWeight: rows.with(5, Number.NaN) }, error: OptionError, says: /NaN at position 5/ },
  {
    name: 'all zero',
    options: { sampleWeight: new Float32Array(16) },
    error: OptionError,
    says: /sampleWeight give every row the weight 0/,
  },
  {
    name: 'too few classes',
    options: { classWeight: [1, 2] },
    error: OptionError,
    says: /classWeight has 2 weights and row \d+ is of class 2; give one for each class/,
  },
  { name: 'negative class', options: { classWeight: [1, -2, 1] }, error: OptionError, says: /-2 at position 1/ },
  {
    name: 'a loss of one number',
    options: { sampleWeight: rows, loss: (o) => o.square().mean() },
    error: OptionError,
    says: /gave a tensor of shape \[\]; with sampleWeight or classWeight.*\[8, …\].*Leave out its mean/,
  },
  {
    name: 'a loss that knows no rows',
    options: { sampleWeight: rows, loss: new Whole() },
    error: OptionError,
    says: /Whole does not say what each row loses.*\(output, target\) => tensor of \[rows\]/,
  },
];

describe('fit refuses, and changes nothing, for weights', () => {
  const cases = bad.flatMap((c) => DRIVERS.map((driver) => ({ ...c, ...driver })));
  it.each(cases)('$name, compiled: $compiled', async ({ options, error, says, compiled }) => {
    const training = classification(classes(16), { batchSize: 8 });
    const before = stateOf(training);
    const thrown = await errorOf(() => train(training, { ...options, compiled }));
    expect(thrown).toBeInstanceOf(error);
    expect((thrown as Error).message).toMatch(says);
    expect(stateOf(training)).toEqual(before);
  });

  it('class indices that are none', async () => {
    const given = { ...regression(line(16)), loss: new nn.MSELoss() };
    const thrown = await errorOf(() => train(given, { classWeight: 'balanced' }));
    expect((thrown as Error).message).toMatch(/classWeight needs class indices; the target has [\d.]+ in row 0/);
  });

  it('several numbers a row', async () => {
    const dataset = new TensorDataset(
      [[1], [2]],
      [
        [0, 1],
        [1, 0],
      ],
    );
    const thrown = await errorOf(() => train(regression(dataset), { classWeight: [1, 1] }));
    expect((thrown as Error).message).toMatch(/one class index a row; this one is \[2, 2\]/);
  });
});
