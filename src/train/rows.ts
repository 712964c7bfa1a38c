import type { Dataset } from '../data/dataset';
import { DataLoader } from '../data/loader';
import type { Tensor } from '../tensor/tensor';

interface Rows {
  dataset: Dataset;
  batchSize: number;
}

/** The passes of a loader over the same rows, in other batches or with other columns. */
class Regrouped extends DataLoader {
  private readonly origin: DataLoader | undefined;

  constructor(origin: DataLoader, { dataset, batchSize }: Rows) {
    const { shuffle, givenSeed, sampler } = origin;
    super(dataset, {
      batchSize,
      shuffle,
      ...(givenSeed !== undefined && { seed: givenSeed }),
      ...(sampler && { sampler }),
    });
    this.origin = origin;
  }

  override get rows(): number {
    return this.origin?.rows ?? this.dataset.length;
  }

  override get unit(): number {
    return (this.origin as DataLoader).unit;
  }

  override get epoch(): number {
    return (this.origin as DataLoader).epoch;
  }

  override set epoch(value: number) {
    (this.origin as DataLoader).epoch = value;
  }
}

interface Regrouping {
  accumulate?: number | undefined;
  /** What the rows count, and how many of their tensors come before it. */
  weights?: Tensor | undefined;
  before?: number | undefined;
}

/** What fit trains on: its loader, or the same passes in batches `accumulate` times as large, with a last column of weights. */
export function regrouped(loader: DataLoader, { accumulate = 1, weights, before }: Regrouping): DataLoader {
  if (accumulate === 1 && !weights) return loader;
  const { dataset } = loader;
  return new Regrouped(loader, {
    dataset: weights ? { length: dataset.length, tensors: [...dataset.tensors.slice(0, before), weights] } : dataset,
    batchSize: loader.batchSize * accumulate,
  });
}
