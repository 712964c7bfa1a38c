import { LinearRegression, LogisticRegression, MLPClassifier, MLPRegressor, manualSeed, rand, tensor } from 'downhill';
import { describe, expect, it } from 'vitest';
import { numbers } from './support/numbers';

const next = numbers(3);
/** Sixty rows of three features in units that differ by a factor of 1e12. */
const X = Array.from({ length: 60 }, () => [next() * 1e6, next() * 1e-6, 5 + next()]);
const line = (row: readonly number[]) =>
  3e-6 * (row[0] as number) - 4e6 * (row[1] as number) + 2 * (row[2] as number) + 7;
const y = X.map(line);
const words = X.map((row) => (line(row) > 17 ? 'more' : line(row) > 15 ? 'middle' : 'less'));

const ESTIMATORS = {
  LinearRegression: { make: (options: object = {}) => new LinearRegression(options), y: y as unknown[] },
  LogisticRegression: { make: (options: object = {}) => new LogisticRegression(options), y: words as unknown[] },
  MLPRegressor: { make: (options: object = {}) => new MLPRegressor({ maxIter: 20, ...options }), y: y as unknown[] },
  MLPClassifier: {
    make: (options: object = {}) => new MLPClassifier({ maxIter: 20, ...options }),
    y: words as unknown[],
  },
};
const each = Object.entries(ESTIMATORS).map(([name, row]) => ({ name, ...row }));

type Made = ReturnType<(typeof each)[number]['make']>;
/** What a model says of all rows, to the bit. */
const said = (model: Made) => ({
  labels: model.predict(X),
  probabilities: 'predictProba' in model ? model.predictProba(X) : undefined,
});

describe('LinearRegression', () => {
  it('finds a line whatever the units are', async () => {
    const model = await new LinearRegression().fit(X, y);
    const wanted = [3e-6, -4e6, 2];
    model.coef.forEach((c, j) => void expect(c / (wanted[j] as number)).toBeCloseTo(1, 5));
    expect(model.intercept).toBeCloseTo(7, 4);
    expect(model.history?.stoppedBy).toBe('tolerance');
  });

  it('keeps small differences of large numbers', async () => {
    const days = [0, 1, 2, 3].map((day) => [1.7e12 + day * 86_400_000]);
    const model = await new LinearRegression().fit(days, [1e9, 1e9 + 2, 1e9 + 4, 1e9 + 6]);
    expect((model.coef[0] as number) * 86_400_000).toBeCloseTo(2, 5);
    expect(model.predict([[1.7e12 + 4 * 86_400_000]])[0]).toBeCloseTo(1e9 + 8, 3);
  });

  it('gives a column that is constant, or all columns of one row, no weight', async () => {
    const constant = [[1, 0.1], [2, 0.1], [4, 0.1]]; // biome-ignore format: a row a line says less
    expect((await new LinearRegression().fit(constant, [3, 5, 9])).coef[1]).toBe(0);
    const one = await new LinearRegression().fit([[3, 4]], [5]);
    expect([one.coef, one.intercept, one.predict([[9, 9]])]).toEqual([[0, 0], 5, [5]]);
  });

  it('of many best coefficients of equal columns finds the smallest', async () => {
    const model = await new LinearRegression().fit(
      X.map((row) => [row[2] as number, row[2] as number]),
      X.map((row) => 6 * (row[2] as number)),
    );
    expect(model.coef[0]).toBeCloseTo(3, 3);
    expect(model.coef[1]).toBeCloseTo(3, 3);
  });

  it('tells powers of one feature apart, which are nearly collinear', async () => {
    const powers = Array.from({ length: 50 }, (_, i) => [1, 2, 3, 4, 5, 6, 7].map((p) => (i / 10) ** p));
    const wave = powers.map(([x]) => 3 * Math.sin(x as number) + 1);
    // Least squares in double precision leave 1.9e-8 of the variance (numpy).
    expect(1 - (await new LinearRegression().fit(powers, wave)).score(powers, wave)).toBeLessThan(1e-7);
  });

  it('without an intercept goes through 0', async () => {
    const model = await new LinearRegression({ fitIntercept: false }).fit([[1], [2], [3]], [3, 5, 7]);
    expect(model.coef[0]).toBeCloseTo(34 / 14, 6);
    expect([model.intercept, model.predict([[0]])]).toEqual([0, [0]]);
  });

  it('predicts several numbers a row, each as if it were alone', async () => {
    const model = await new LinearRegression<number[]>().fit(
      X,
      y.map((v, i) => [v, i % 7]),
    );
    const alone = await new LinearRegression().fit(
      X,
      y.map((_, i) => i % 7),
    );
    alone.coef.forEach((c, j) => void expect((model.coef[1]?.[j] as number) / c).toBeCloseTo(1, 3));
    expect(model.intercept).toHaveLength(2);
    expect(model.predict(X.slice(0, 1))[0]?.[0]).toBeCloseTo(y[0] as number, 3);
    expect(
      model.score(
        X,
        y.map((v, i) => [v, i % 7]),
      ),
    ).toBeCloseTo(
      (1 +
        alone.score(
          X,
          y.map((_, i) => i % 7),
        )) /
        2,
      4,
    );
  });

  it('comes to the same line on unscaled features, and in mini-batches', async () => {
    const [x, t] = [X.map((row) => [row[2] as number, (row[1] as number) * 1e6]), y];
    const best = await new LinearRegression().fit(x, t);
    const unscaled = await new LinearRegression({ scale: false }).fit(x, t);
    const batches = await new LinearRegression({ batchSize: 10, maxIter: 300, seed: 1 }).fit(x, t);
    for (const model of [unscaled, batches])
      model.coef.forEach((c, j) => void expect(c).toBeCloseTo(best.coef[j] as number, 2));
    expect(batches.history?.epochs.length).toBe(300);
  });

  it('descends as well where there are too many columns to decorrelate', async () => {
    manualSeed(1);
    const wide = rand([30, 1100]);
    const target = rand([30]);
    const model = await new LinearRegression().fit(wide, target);
    expect(model.score(wide, target)).toBeGreaterThan(0.999);
  });
});

describe('sampleWeight', () => {
  const counts = X.map((_, i) => [1, 2, 0, 3][i % 4] as number);
  const repeated = <T>(rows: readonly T[]) => rows.flatMap((row, i) => new Array<T>(counts[i] as number).fill(row));
  /** All rows at a time: what a batch is made of does not depend on how often a row is there. */
  const whole = (name: string) => (name.startsWith('MLP') ? { batchSize: 500, seed: 1 } : {});
  const close = (a: unknown[], b: unknown[]) =>
    a.forEach((v, i) => void (typeof v === 'number' ? expect(v).toBeCloseTo(b[i] as number, 3) : expect(v).toBe(b[i])));

  it.each(each)(
    'of 2 is a row that is there twice, of 0 one that is not: $name',
    async ({ name, make, y: targets }) => {
      const [weighted, copied] = [make(whole(name)), make(whole(name))];
      await weighted.fit(X, targets as never, { sampleWeight: counts });
      await copied.fit(repeated(X), repeated(targets) as never);
      close(weighted.predict(X), copied.predict(X));
      if ('predictProba' in weighted)
        close(weighted.predictProba(X).flat(), (copied as typeof weighted).predictProba(X).flat());
    },
  );

  it.each(each)('in pieces, too: $name', async ({ make, y: targets }) => {
    const [weighted, copied, plain] = [0, 1, 2].map(() => make({ batchSize: 500, seed: 1 })) as [Made, Made, Made];
    const classes = 'classes' in weighted ? { classes: ['less', 'middle', 'more'] } : {};
    for (const [from, to] of [
      [0, 20],
      [20, 60],
    ] as const) {
      const rows = X.slice(from, to);
      const own = counts.slice(from, to);
      const many = <T>(list: readonly T[]) =>
        list.slice(from, to).flatMap((v, i) => new Array<T>(own[i] as number).fill(v));
      for (let pass = 0; pass < 20; pass++) {
        await weighted.partialFit(rows, targets.slice(from, to) as never, { sampleWeight: own, ...classes });
        await copied.partialFit(many(X), many(targets) as never, classes);
        await plain.partialFit(rows, targets.slice(from, to) as never, classes);
      }
    }
    const seen = (model: Made) => ('predictProba' in model ? model.predictProba(X).flat() : model.predict(X));
    const apart = (model: Made) =>
      seen(model).reduce((sum: number, v, i) => sum + Math.abs(Number(v) - Number(seen(copied)[i])), 0);
    // Where a gradient is 0 but for rounding, Adam's first steps go either way.
    expect(apart(weighted)).toBeLessThan(apart(plain) / 10);
  });

  it.each(each)(
    'of 1 gives the bits of none, and of 7 the same to rounding: $name',
    async ({ name, make, y: targets }) => {
      const ones = X.map(() => 1);
      const all = await Promise.all(
        [{}, { sampleWeight: ones }, { sampleWeight: tensor(ones) }].map((run) =>
          make(whole(name)).fit(X, targets as never, run),
        ),
      );
      const [plain, ...weighted] = all as [Made, ...Made[]];
      for (const model of weighted) close(said(model).labels, said(plain).labels);
    },
  );

  it('counts in what early stopping watches', async () => {
    const options = { earlyStopping: true, validationFraction: 0.5, seed: 3, maxIter: 3 };
    const noisy = y.map((v, i) => (counts[i] === 0 ? 1e3 : v));
    const model = await new MLPRegressor(options).fit(X, noisy, { sampleWeight: counts });
    const plain = await new MLPRegressor(options).fit(X, noisy);
    expect(model.history?.epochs[0]?.valLoss).toBeLessThan(3);
    expect(plain.history?.epochs[0]?.valLoss).not.toBe(model.history?.epochs[0]?.valLoss);
  });
});

describe('classWeight', () => {
  const kinds = { LogisticRegression, MLPClassifier };
  const few = words.map((word, i) => (word === 'more' && i % 3 > 0 ? 'less' : word));
  const often = (label: string) => few.filter((word) => word === label).length;
  const balanced = Object.fromEntries(['less', 'middle', 'more'].map((label) => [label, 60 / (3 * often(label))]));

  it.each(Object.entries(kinds))('is the weight of the rows of a class: %s', async (_, Kind) => {
    // Unscaled, since weights of rows would scale the features otherwise than those of classes.
    const options = { seed: 1, maxIter: 200, scale: false };
    const unscaled = X.map((row) => [row[2] as number]);
    const sampleWeight = few.map((label) => (label === 'more' ? 5 : label === 'middle' ? 0.5 : 1));
    const byRow = await new Kind(options).fit(unscaled, few, { sampleWeight });
    const byClass = await new Kind({ ...options, classWeight: { more: 5, middle: 0.5 } }).fit(unscaled, few);
    const wanted = byRow.predictProba(unscaled).flat();
    byClass
      .predictProba(unscaled)
      .flat()
      .forEach((p, i) => void expect(p).toBeCloseTo(wanted[i] as number, 3));
  });

  it.each(Object.entries(kinds))("'balanced' is rows / (classes x rows of the class): %s", async (_, Kind) => {
    const options = { seed: 1, maxIter: 30 };
    const even = await new Kind({ ...options, classWeight: 'balanced' }).fit(X, few);
    const told = await new Kind({ ...options, classWeight: balanced }).fit(X, few);
    expect(even.predictProba(X)).toEqual(told.predictProba(X));
    expect(even.toJSON().options).toMatchObject({ classWeight: 'balanced' });
  });

  it('of numbers and booleans goes by how they are written', async () => {
    const flags = y.map((v) => v > 16);
    const plain = await new LogisticRegression().fit(X, flags);
    const weighted = await new LogisticRegression({ classWeight: { true: 50 } }).fit(X, flags);
    const sure = (model: typeof plain) => model.predictProba(X).reduce((sum, [, p]) => sum + (p as number), 0);
    expect(sure(weighted)).toBeGreaterThan(sure(plain) + 1);
  });

  it('of 0 forgets a class but keeps its name', async () => {
    const model = await new LogisticRegression<string>({ classWeight: { middle: 0 } }).fit(X, words);
    expect(model.classes).toEqual(['less', 'middle', 'more']);
    expect(model.predict(X)).not.toContain('middle');
    expect(model.predictProba(X).flat().every(Number.isFinite)).toBe(true);
  });
});

describe('LogisticRegression', () => {
  it('gives probabilities that sum to 1, and the likeliest class', async () => {
    const model = await new LogisticRegression<string>().fit(X, words);
    expect(model.classes).toEqual(['less', 'middle', 'more']);
    const likeliest = model.predictProba(X).map((p) => {
      expect(p.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 6);
      return model.classes[p.indexOf(Math.max(...p))];
    });
    expect(model.predict(X)).toEqual(likeliest);
  });

  it.each([
    ['booleans', [true, false]],
    ['numbers', [10, 9]],
    ['words', ['b', 'a']],
  ])('takes %s for labels and gives them back, smallest first', async (_, [high, low]) => {
    const labels = y.map((v) => (v > 16 ? high : low)) as (string | number | boolean)[];
    const model = await new LogisticRegression().fit(X, labels);
    expect(model.classes).toEqual([low, high]);
    expect(model.score(X, labels)).toBeGreaterThan(0.95);
    expect([model.coef.length, model.intercept.length]).toEqual([1, 1]);
    const odds = (model.coef[0] as number[]).reduce(
      (sum, c, j) => sum + c * (X[0]?.[j] as number),
      model.intercept[0] as number,
    );
    expect(model.predictProba(X)[0]?.[1]).toBeCloseTo(1 / (1 + Math.exp(-odds)), 5);
  });

  it.each([1, 0.01, 1e-3, 1e-6])(
    'expects each class as often as it is, however strong the penalty: C %d',
    async (C) => {
      const rare = X.map((_, i) => i % 15 === 0);
      for (const labels of [words, rare]) {
        const model = await new LogisticRegression<string | boolean>({ C }).fit(X, labels);
        const expected = model.predictProba(X);
        model.classes.forEach((label, c) => {
          const shares = [expected.map((p) => p[c] as number), labels.map((own) => Number(own === label))];
          const [sum, count] = shares.map((list) => list.reduce((a, b) => a + b, 0)) as [number, number];
          // An intercept without a penalty makes them equal: the cost's derivative in it is their difference.
          expect(Math.abs(sum - count)).toBeLessThan(0.01);
        });
      }
    },
  );

  it('takes a column of labels, a typed array and a tensor', async () => {
    const places = words.map((word) => word.length);
    const wanted = (await new LogisticRegression().fit(X, places)).predict(X);
    for (const labels of [places.map((p) => [p]), Int32Array.from(places), tensor(places)])
      expect((await new LogisticRegression().fit(X, labels)).predict(X)).toEqual(wanted);
  });

  it('scores a label that it has never seen as wrong', async () => {
    const model = await new LogisticRegression().fit(X, words);
    expect(model.score(X.slice(0, 2), [words[0] as string, 'new'])).toBe(0.5);
  });
});

describe('MLPClassifier', () => {
  it('with earlyStopping keeps the weights that did best on the rows held back', async () => {
    const options = { earlyStopping: true, nIterNoChange: 3, learningRate: 0.05, seed: 2 };
    const noise = words.map((_, i) => `class ${(i * 7) % 3}`);
    const { history } = await new MLPClassifier(options).fit(X, noise);
    expect(history?.stoppedBy).toBe('patience');
    const losses = history?.epochs.map(({ valLoss }) => valLoss as number) ?? [];
    expect(history?.bestEpoch).toBe(losses.indexOf(Math.min(...losses)) + 1);
  });
});

describe.each(each)('$name', ({ make, y: target }) => {
  it('gives the same bits for the same seed, and leaves the numbers that others draw', async () => {
    manualSeed(5);
    const before = rand([4]).toArray();
    manualSeed(5);
    const first = await make({ seed: 1 }).fit(X, target as never);
    expect(rand([4]).toArray()).toEqual(before);
    expect(said(await make({ seed: 1 }).fit(X, target as never))).toEqual(said(first));
  });

  it('takes nested arrays, rows that are typed arrays, and tensors', async () => {
    const small = X.map((row) => row.map((v) => Math.fround(v)));
    const model = make({ seed: 1 });
    const wanted = said(await model.fit(small, target as never));
    for (const same of [small.map((row) => Float64Array.from(row)), tensor(small)])
      expect(said(await model.fit(same, target as never))).toEqual(wanted);
  });

  it('begins from scratch with each fit', async () => {
    const model = await make({ seed: 1 }).fit(X, target as never);
    const wanted = said(model);
    await model.fit(
      X.slice(0, 40).map(([a]) => [a as number]),
      target.slice(0, 40) as never,
    );
    expect(said(await model.fit(X, target as never))).toEqual(wanted);
  });

  it('keeps what it had learned when a fit fails', async () => {
    const model = await make({ seed: 1 }).fit(X, target as never);
    const wanted = said(model);
    await expect(model.fit([[1], [Number.NaN]], target.slice(0, 2) as never)).rejects.toThrow('row 1, column 0');
    await expect(model.fit(X, target.slice(1) as never)).rejects.toThrow('60 rows');
    await expect(model.partialFit([[1]], target.slice(0, 1) as never)).rejects.toThrow('fitted on 3');
    expect(said(model)).toEqual(wanted);
  });

  it('keeps what it had learned when a partialFit fails in the midst of it', async () => {
    const model = await make({ seed: 1, learningRate: 0.01 }).fit(X, target as never);
    for (let calls = 0; calls < 2; calls++) {
      const before = JSON.stringify(model);
      const failing = model.partialFit(X.slice(9), target.slice(9) as never, {
        onEpochEnd: () => {
          throw new Error('enough');
        },
      });
      await expect(failing).rejects.toThrow('enough');
      expect(JSON.stringify(model)).toBe(before);
      await model.partialFit(X, target as never);
    }
  });

  it('is the same to the bit after JSON, and goes on learning to the same bits', async () => {
    const model = await make({ seed: 1, learningRate: 0.01 }).partialFit(X, target as never);
    await model.partialFit(X.slice(5), target.slice(5) as never);
    const text = JSON.stringify(model);
    const { fromJSON } = model.constructor as unknown as { fromJSON(json: unknown): Made };
    const twin = fromJSON.call(model.constructor, text);
    expect(said(twin)).toEqual(said(model));
    expect(twin.options).toEqual(model.options);
    for (const m of [model, twin]) await m.partialFit(X.slice(20), target.slice(20) as never);
    expect(said(twin)).toEqual(said(model));
    expect(JSON.stringify(twin)).toBe(JSON.stringify(model));
  });

  it('learns from one row at a time', async () => {
    const model = make({ seed: 1, learningRate: 0.02, maxIter: 1 });
    const labels = ['less', 'middle', 'more'];
    const all = typeof target[0] === 'string' ? { classes: labels } : {};
    for (let pass = 0; pass < 4; pass++)
      for (let i = 0; i < X.length; i++) await model.partialFit([X[i] as number[]], [target[i]] as never, all);
    expect(model.score(X, target as never)).toBeGreaterThan(0.8);
  });

  it('goes on from a fit where that ended', async () => {
    const model = await make({ seed: 1 }).fit(X, target as never);
    const before = model.score(X, target as never);
    await model.partialFit(X, target as never);
    expect(model.score(X, target as never)).toBeGreaterThan(before - 0.05);
    expect(model.history?.epochs.length).toBe(1);
  });

  it('stops at a signal with what it has learned, and tells of its epochs', async () => {
    const stop = new AbortController();
    const seen: number[] = [];
    const onEpochEnd = ({ epoch }: { epoch: number }) => {
      seen.push(epoch);
      if (epoch === 2) stop.abort();
    };
    const model = await make({ seed: 1 }).fit(X, target as never, { signal: stop.signal, onEpochEnd });
    expect([seen, model.history?.stoppedBy]).toEqual([[1, 2], 'signal']);
    expect(model.predict(X)).toHaveLength(60);
  });
});
