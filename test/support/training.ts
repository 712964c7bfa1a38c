import { type FitOptions, type History, tensor } from 'downhill';
import { DataLoader, type DataLoaderOptions, type Dataset, TensorDataset } from 'downhill/data';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';
import { Tensor } from '../../src/tensor/tensor';
import { bitsOf } from '../golden/bits.js';
import { numbers } from './numbers';

/** Points on y = 3.5 x + 1.2 with noise, as the README's line has them. */
export function line(rows: number, seed = 1): TensorDataset {
  const next = numbers(seed);
  const x = Float32Array.from({ length: rows }, () => next() * 2);
  const y = x.map((v) => 3.5 * v + 1.2 + (next() - 0.5));
  return new TensorDataset(tensor(x, { shape: [rows, 1] }), tensor(y, { shape: [rows, 1] }));
}

/** Rows of four features and one of three classes each. */
export function classes(rows: number, seed = 1): TensorDataset {
  const next = numbers(seed);
  const x = Float32Array.from({ length: rows * 4 }, () => next() * 2 - 1);
  const labels = Int32Array.from({ length: rows }, () => Math.floor(next() * 3));
  return new TensorDataset(tensor(x, { shape: [rows, 4] }), labels);
}

/** Parameters that are the same in every run, whatever was drawn before. */
export function settled<M extends nn.Module>(model: M, seed = 7): M {
  const next = numbers(seed);
  for (const p of model.parameters())
    p.assign(tensor(Array.from({ length: p.size }, () => next() - 0.5)).reshape(p.shape));
  return model;
}

export interface Training {
  model: nn.Module;
  optimizer: optim.SGD | optim.Adam;
  loader: DataLoader;
  loss: FitOptions['loss'];
}

/** The README's line: one weight, one bias, descent. */
export function regression(dataset: Dataset = line(1000), options: DataLoaderOptions = {}): Training {
  const model = settled(new nn.Linear(1, 1));
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.01 });
  const loader = new DataLoader(dataset, { batchSize: 64, shuffle: true, seed: 42, ...options });
  return { model, optimizer, loader, loss: new nn.MSELoss() };
}

/** A small network of two layers under Adam. */
export function classification(dataset: Dataset = classes(103), options: DataLoaderOptions = {}): Training {
  const model = settled(new nn.Sequential(new nn.Linear(4, 9), new nn.ReLU(), new nn.Linear(9, 3)));
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
  const loader = new DataLoader(dataset, { batchSize: 16, shuffle: true, seed: 42, ...options });
  return { model, optimizer, loader, loss: new nn.CrossEntropyLoss() };
}

/** A network whose BatchNorm has statistics. */
export function normalised(): Training {
  const model = settled(new nn.Sequential(new nn.Linear(4, 9), new nn.BatchNorm1d(9), new nn.Linear(9, 3)));
  return { ...classification(), model, optimizer: new optim.Adam(model.parameters(), { lr: 0.05 }) };
}

/** Everything that a training has changed, to the bit: parameters, other tensors that modules keep, what the optimizer remembers. */
export function stateOf({ model, optimizer, loader }: Training): unknown {
  const kept = model.modules().map((m) => Object.values(m).filter((v) => v instanceof Tensor));
  return bitsOf({ kept, optimizer: optimizer.stateDict(), passes: loader.epoch });
}

/** What a history says beside the time it took. */
export function rowsOf(history: History): unknown {
  return { stoppedBy: history.stoppedBy, rows: history.epochs.map(({ seconds: _, ...row }) => row) };
}
