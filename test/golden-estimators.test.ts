import { LinearRegression, LogisticRegression, MLPClassifier, MLPRegressor } from 'downhill';
import { describe, expect, it } from 'vitest';
import { expectClose, readGolden } from './golden/read.js';
import { TABLES, type Table } from './support/tables';

interface Case {
  estimator: keyof typeof ESTIMATORS;
  data: string;
  options: Record<string, unknown>;
  score: number;
  spread?: number;
  coef?: number[] | number[][];
  intercept?: number | number[];
  weights?: number[];
}

const ESTIMATORS = {
  LinearRegression: (options: object) => new LinearRegression(options),
  LogisticRegression: (options: object) => new LogisticRegression(options),
  MLPClassifier: (options: object) => new MLPClassifier(options),
  MLPRegressor: (options: object) => new MLPRegressor(options),
};
const golden = readGolden<{
  tables: Record<string, { rows: number; mean: number; test: number[] }>;
  cases: Case[];
  weighted: Case[];
}>('estimators');

/** The rows to train on and those to score, as scikit-learn had them. */
async function split(name: string): Promise<{ train: Table; test: Table; all: Table }> {
  const all = await (TABLES[name] as () => Table | Promise<Table>)();
  const held = new Set(golden.tables[name]?.test);
  const part = (isHeld: boolean): Table => {
    const chosen = (_: unknown, i: number) => held.has(i) === isHeld;
    return { X: all.X.filter(chosen), y: all.y.filter(chosen) };
  };
  return { train: part(false), test: part(true), all };
}

const meanOf = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

describe('the tables', () => {
  it.each(Object.entries(golden.tables))('%s are what scikit-learn was given', async (name, { rows, mean, test }) => {
    const { all, test: held } = await split(name);
    expect([all.X.length, held.X.length]).toEqual([rows, test.length]);
    expect(meanOf(all.X.flat())).toBeCloseTo(mean, 4);
  });
});

const deviationOf = (values: readonly number[]) => Math.sqrt(meanOf(values.map((v) => (v - meanOf(values)) ** 2)));

/** Coefficients times the deviations of their features: what each of them matters, in the units of y. */
function effects(coef: number[] | number[][], X: number[][]): number[] {
  const deviations = X[0]?.map((_, j) => deviationOf(X.map((row) => row[j] as number))) ?? [];
  return coef.flat().map((c, i) => c * (deviations[i % deviations.length] as number));
}

describe('on unscaled real data, at the first try', () => {
  const told = (row: Case) => ({
    ...row,
    told: JSON.stringify({ ...row.options, ...(row.weights && { sampleWeight: row.weights }) }),
  });
  const titled = golden.cases.map(told);
  it.each(titled)('$estimator $told scores on $data as scikit-learn does', async (row) => {
    const { train, test } = await split(row.data);
    const scores: number[] = [];
    for (const seed of row.spread === undefined ? [0] : [0, 1, 2]) {
      const model = ESTIMATORS[row.estimator]({ ...row.options, seed });
      await model.fit(train.X, train.y as never);
      scores.push(model.score(test.X, test.y as never));
    }
    expect(Math.abs(meanOf(scores) - row.score)).toBeLessThan(0.01);
  });

  const linear = [...titled.filter(({ coef }) => coef), ...golden.weighted.map(told)];
  it.each(linear)("$estimator $told has scikit-learn's coefficients on $data, in its units", async (row) => {
    const { train } = await split(row.data);
    const model = ESTIMATORS[row.estimator as 'LinearRegression' | 'LogisticRegression'](row.options);
    const { weights } = row;
    const sampleWeight = weights && train.X.map((_, i) => weights[i % weights.length] as number);
    await model.fit(train.X, train.y as never, sampleWeight && { sampleWeight });
    // The columns of the cars' three origins sum to 1: of the many coefficients that fit as well, scikit-learn has others.
    const known = row.data === 'cars' ? 6 : undefined;
    const [got, wanted] = [model.coef, row.coef ?? []].map((coef) => effects(coef, train.X).slice(0, known));
    const largest = Math.max(...(wanted ?? []).map(Math.abs));
    const allowed = (b: number) =>
      known || row.estimator === 'LinearRegression' ? 1e-4 * Math.abs(b) : 1e-3 * largest;
    expectClose('coef', got ?? [], wanted ?? [], allowed);
    if (!known)
      expectClose('intercept', [model.intercept].flat(), [row.intercept ?? 0].flat(), (b) => 1e-3 * (1 + Math.abs(b)));
  });
});
