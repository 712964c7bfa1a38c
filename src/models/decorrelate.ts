import { Pacer } from '../train/pause';

/** Added to each column's own variance: what is smaller beside it is taken for rounding. */
const RIDGE = 1e-12;
/** Multiplications between two looks at the clock. */
const BETWEEN_LOOKS = 1e6;
/** Beyond as many multiplications, or columns, it takes longer than it saves. */
const MOST_WORK = 4e9;
const MOST_COLUMNS = 1024;

/** Columns of `values`, row after row. */
interface Table {
  values: Float64Array;
  columns: number;
  /** What each row counts, in the mean 1. Default: 1. */
  weights?: Float64Array | undefined;
}

export function canDecorrelate({ values, columns }: Table): boolean {
  return columns <= MOST_COLUMNS && values.length * columns <= MOST_WORK;
}

async function eachRow({ values, columns: k }: Table, visit: (row: Float64Array) => void): Promise<void> {
  const pacer = new Pacer();
  const every = Math.ceil(BETWEEN_LOOKS / (k * k));
  for (let at = 0, i = 1; at < values.length; at += k, i++) {
    visit(values.subarray(at, at + k));
    if (i % every === 0) await pacer.tick();
  }
}

/** The lower triangle of Xᵀ W X / rows. */
async function gramOf(table: Table): Promise<Float64Array> {
  const { columns: k, weights } = table;
  const gram = new Float64Array(k * k);
  let at = 0;
  await eachRow(table, (row) => {
    const weight = weights ? (weights[at++] as number) : 1;
    for (let i = 0; i < k; i++) {
      const x = (row[i] as number) * weight;
      for (let j = 0, at = i * k; j <= i; j++, at++) gram[at] = (gram[at] as number) + x * (row[j] as number);
    }
  });
  return gram.map((sum) => sum / (table.values.length / k));
}

/** The lower triangle L with L Lᵀ = G, in the place of G's. */
function cholesky(g: Float64Array, k: number): void {
  for (let i = 0; i < k; i++) {
    const least = RIDGE * (g[i * k + i] as number);
    for (let j = 0; j <= i; j++) {
      let sum = g[i * k + j] as number;
      for (let p = 0; p < j; p++) sum -= (g[i * k + p] as number) * (g[j * k + p] as number);
      g[i * k + j] = i === j ? Math.sqrt(Math.max(sum, least)) : sum / (g[j * k + j] as number);
    }
  }
}

/**
 * Turns the rows x of a table into z = L⁻¹ x, where L Lᵀ is the covariance of the columns: those of z are uncorrelated and
 * of variance 1, so that squared errors have the same curvature in every direction.
 *
 * @returns what turns weights v of z into the weights L⁻ᵀ v of x, in place. A direction in which x does not vary gets no weight.
 */
export async function decorrelate(table: Table): Promise<(v: Float64Array) => void> {
  const { columns: k } = table;
  const l = await gramOf(table);
  for (let i = 0; i < k; i++) l[i * k + i] = (l[i * k + i] as number) * (1 + RIDGE) || 1;
  cholesky(l, k);
  await eachRow(table, (x) => {
    for (let i = 0; i < k; i++) {
      let sum = x[i] as number;
      for (let j = 0, at = i * k; j < i; j++, at++) sum -= (l[at] as number) * (x[j] as number);
      x[i] = sum / (l[i * k + i] as number);
    }
  });
  return (v) => {
    for (let i = k - 1; i >= 0; i--) {
      let sum = v[i] as number;
      for (let j = i + 1; j < k; j++) sum -= (l[j * k + i] as number) * (v[j] as number);
      v[i] = sum / (l[i * k + i] as number);
    }
  };
}
