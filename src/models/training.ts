import { type Dataset, TensorDataset } from '../data/dataset';
import { DataLoader } from '../data/loader';
import { Linear } from '../nn/linear';
import type { Module } from '../nn/module';
import { Sequential } from '../nn/sequential';
import { tensor } from '../tensor/create';
import type { Tensor } from '../tensor/tensor';
import { fit } from '../train/fit';
import type { History, HistoryRow } from '../train/history';
import type { FitOptions } from '../train/options';
import type { RunOptions } from './options';

/** Linear layers of these sizes, with an activation between two. */
export function layersOf(
  sizes: readonly number[],
  { bias, activation }: { bias: boolean; activation?: (() => Module) | undefined },
): Sequential {
  const linears = sizes.slice(1).map((n, i) => new Linear(sizes[i] as number, n, { bias }));
  return new Sequential(...linears.flatMap((layer, i) => (i > 0 && activation ? [activation(), layer] : [layer])));
}

export function linearsOf(network: Sequential): Linear[] {
  return network.layers.filter((layer) => layer instanceof Linear);
}

/** Parameter groups: the weights, which are pulled to 0, and the biases, which are not. */
export function groupsOf(network: Sequential, weightDecay: number): { params: Tensor[]; weightDecay: number }[] {
  const linears = linearsOf(network);
  const biases = linears.flatMap(({ bias }) => bias ?? []);
  const weights = { params: linears.map(({ weight }) => weight), weightDecay };
  return biases.length > 0 ? [weights, { params: biases, weightDecay: 0 }] : [weights];
}

/** Rows to train on, with what each counts if they do not count alike. */
export interface Rows {
  rows: Dataset;
  sampleWeight?: 'last';
}

export function rowsOf(x: Tensor, t: Tensor, weights: Float64Array | undefined): Rows {
  if (!weights) return { rows: new TensorDataset(x, t) };
  return { rows: new TensorDataset(x, t, tensor(weights)), sampleWeight: 'last' };
}

interface Plan extends Rows, Omit<FitOptions, 'epochs' | 'sampleWeight'> {
  batchSize: number;
  maxIter: number;
  /** Passes begun before, or undefined to leave the rows in their order. */
  pass?: number | undefined;
  seed: number | undefined;
  /** Called after each pass: is it done? */
  done?: () => boolean;
  run: RunOptions;
}

/** Trains a network until `done` says so. */
export async function trained(network: Sequential, plan: Plan): Promise<History> {
  const { rows, batchSize, maxIter, pass, seed, done, run, ...options } = plan;
  const loader = new DataLoader(rows, {
    batchSize: Math.min(batchSize, rows.length),
    shuffle: pass !== undefined,
    ...(seed !== undefined && { seed }),
  });
  loader.epoch = pass ?? 0;
  const plain = { ...options, ...run, epochs: maxIter };
  if (!done) return fit(network, loader, plain);
  const stop = new AbortController();
  const abort = () => stop.abort();
  if (run.signal?.aborted) abort();
  run.signal?.addEventListener('abort', abort);
  let isDone = false;
  const onEpochEnd = async (row: HistoryRow) => {
    await run.onEpochEnd?.(row);
    isDone = done();
    if (isDone) abort();
  };
  try {
    const history = await fit(network, loader, { ...plain, signal: stop.signal, onEpochEnd });
    return isDone ? { ...history, stoppedBy: 'tolerance' } : history;
  } finally {
    run.signal?.removeEventListener('abort', abort);
  }
}
