// Trainings that toPyTorch hands over after two epochs. Writes their folders for pytorch.py, which goes on with them:
//
//     npm run build && node test/golden/pytorch.mjs folder

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fit, manualSeed, tensor } from 'downhill';
import { DataLoader, Subset, TensorDataset } from 'downhill/data';
import { toPyTorch } from 'downhill/io';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';

const ROWS = 41;
const COLUMNS = 4;

/** Multiples of 1/8 from -1 to 1. */
const eighths = (/** @type {number} */ i, /** @type {number} */ j) => (((7 * i + 5 * j + i * j) % 17) - 8) / 8;

const rows = Array.from({ length: ROWS }, (_, i) => Array.from({ length: COLUMNS }, (_, j) => eighths(i, j)));
const x = () => tensor(rows);
const numbers = () => tensor(rows.map(([a = 0, b = 0, c = 0, d = 0]) => [a * b - c / 2, c * d]));
const counts = () =>
  tensor(rows.map(([a = 0, b = 0, c = 0, d = 0]) => [Math.round(4 * a * b + 4), Math.round(3 * c * d + 3)]));
const shares = () =>
  tensor(rows.map(([a = 0, b = 0, c = 0]) => [(a + 2) / 16, (b + 2) / 16, (c + 2) / 16, 1 - (a + b + c + 6) / 16]));
const signs = () => tensor(rows.map(([a = 0, b = 0, c = 0, d = 0]) => [Number(a * b > c), Number(c > d)]));
const labels = () => tensor(Int32Array.from(rows, ([a = 0, b = 0, c = 0]) => (a > b ? 0 : b > c ? 1 : 2)));
const indices = () =>
  tensor(
    Int32Array.from({ length: 2 * ROWS }, (_, i) => (i * 3 + (i % 7)) % 6),
    { shape: [ROWS, 2] },
  );

const network = (outputs = 2) => new nn.Sequential(new nn.Linear(COLUMNS, 7), new nn.Tanh(), new nn.Linear(7, outputs));
const shuffled = { batchSize: 8, shuffle: true, seed: 12_345_678_901 };

/**
 * @typedef {object} Training
 * @property {nn.Module} model
 * @property {DataLoader} loader
 * @property {import('downhill/io').PyTorchOptions} options
 */

/** The epochs that come in PyTorch. */
const epochs = 3;

/** @type {Record<string, () => Training>} */
const CASES = {
  'SGD, MSELoss, StepLR'() {
    const model = network();
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01 });
    const scheduler = new optim.StepLR(optimizer, { stepSize: 3, gamma: 0.5 });
    const loader = new DataLoader(new TensorDataset(x(), numbers()), shuffled);
    return { model, loader, options: { loss: new nn.MSELoss(), optimizer, epochs, scheduler } };
  },
  'Adam, CrossEntropyLoss, OneCycleLR, clipped'() {
    const model = new nn.Sequential(
      new nn.Sequential(new nn.Linear(COLUMNS, 7, { bias: false }), new nn.BatchNorm1d(7), new nn.GELU()),
      new nn.LayerNorm(7),
      new nn.Linear(7, 3),
    );
    const optimizer = new optim.Adam(model.parameters(), { lr: 0.01, amsgrad: true });
    const scheduler = new optim.OneCycleLR(optimizer, { maxLr: 0.02, totalSteps: 40 });
    const loss = new nn.CrossEntropyLoss({ weight: [1, 2, 0.3], labelSmoothing: 0.1, ignoreIndex: -1 });
    const loader = new DataLoader(new TensorDataset(x(), labels()), { ...shuffled, dropLast: true });
    return { model, loader, options: { loss, optimizer, epochs, scheduler, clipGradNorm: 0.1, clipGradValue: 0.05 } };
  },
  'AdamW, BCEWithLogitsLoss, CosineAnnealingLR, groups'() {
    const model = network();
    const [w, b, ...others] = model.parameters();
    const groups = [{ params: [w, b], lr: 0.02, weightDecay: 0.1 }, { params: others }];
    const optimizer = new optim.AdamW(/** @type {any} */ (groups), { lr: 0.01 });
    const scheduler = new optim.CosineAnnealingLR(optimizer, { tMax: 30, etaMin: 0.001, per: 'step' });
    const loss = new nn.BCEWithLogitsLoss({ posWeight: [0.5, 3] });
    const loader = new DataLoader(new TensorDataset(x(), signs()), shuffled);
    return { model, loader, options: { loss, optimizer, epochs, scheduler } };
  },
  'Adagrad, NLLLoss, Embedding, a part of the rows'() {
    const model = new nn.Sequential(
      new nn.Embedding(6, 3, { paddingIdx: 0 }),
      new nn.Flatten(),
      new nn.Linear(6, 3),
      new nn.LogSoftmax(),
    );
    const optimizer = new optim.Adagrad(model.parameters(), { lr: 0.1, lrDecay: 0.01, initialAccumulatorValue: 0.1 });
    const scheduler = new optim.ReduceLROnPlateau(optimizer, { patience: 0, threshold: 0.5, factor: 0.5 });
    const part = new Subset(new TensorDataset(indices(), labels()), [3, 1, 4, 15, 9, 2, 6, 5, 35, 8, 40]);
    const loader = new DataLoader(part, { batchSize: 4, shuffle: true, seed: 3 });
    return { model, loader, options: { loss: new nn.NLLLoss({ weight: [2, 1, 1] }), optimizer, epochs, scheduler } };
  },
  'NAdam, KLDivLoss, SequentialLR'() {
    const model = new nn.Sequential(network(4), new nn.LogSoftmax());
    const optimizer = new optim.NAdam(model.parameters(), { lr: 0.01 });
    const schedulers = [
      new optim.LinearLR(optimizer, { startFactor: 0.5, totalIters: 3 }),
      new optim.ExponentialLR(optimizer, { gamma: 0.8 }),
    ];
    const scheduler = new optim.SequentialLR(optimizer, { schedulers, milestones: [3] });
    const loader = new DataLoader(new TensorDataset(x(), shares()), { batchSize: 8 });
    return {
      model,
      loader,
      options: { loss: new nn.KLDivLoss({ reduction: 'batchmean' }), optimizer, epochs, scheduler },
    };
  },
  'RMSprop, HuberLoss, MultiStepLR, all rows'() {
    const model = new nn.Sequential(new nn.Linear(COLUMNS, 6), new nn.ELU({ alpha: 0.5 }), new nn.Linear(6, 2));
    const optimizer = new optim.RMSprop(model.parameters(), { lr: 0.01, momentum: 0.5, centered: true });
    const scheduler = new optim.MultiStepLR(optimizer, { milestones: [1, 3], gamma: 0.3 });
    const loader = new DataLoader(new TensorDataset(x(), numbers()), { batchSize: ROWS });
    return { model, loader, options: { loss: new nn.HuberLoss({ delta: 0.5 }), optimizer, epochs, scheduler } };
  },
  'RAdam, PoissonNLLLoss, CosineAnnealingWarmRestarts'() {
    const model = new nn.Sequential(new nn.Linear(COLUMNS, 6), new nn.SiLU(), new nn.Linear(6, 2));
    const optimizer = new optim.RAdam(model.parameters(), { lr: 0.01, weightDecay: 0.01 });
    const scheduler = new optim.CosineAnnealingWarmRestarts(optimizer, { t0: 2, tMult: 2 });
    const loader = new DataLoader(new TensorDataset(x(), counts()), shuffled);
    return { model, loader, options: { loss: new nn.PoissonNLLLoss({ full: true }), optimizer, epochs, scheduler } };
  },
  'Adamax, SmoothL1Loss'() {
    const model = new nn.Sequential(
      new nn.Linear(COLUMNS, 6),
      new nn.LeakyReLU(),
      new nn.Linear(6, 2),
      new nn.Softplus(),
    );
    const optimizer = new optim.Adamax(model.parameters(), { lr: 0.01 });
    const loader = new DataLoader(new TensorDataset(x(), numbers()), shuffled);
    return {
      model,
      loader,
      options: { loss: new nn.SmoothL1Loss({ beta: 0.5, reduction: 'sum' }), optimizer, epochs },
    };
  },
  'Adadelta, CrossEntropyLoss of shares, a frozen layer'() {
    const model = network(4);
    const optimizer = new optim.Adadelta(model.parameters(), { lr: 0.5 });
    for (const p of model.parameters().slice(0, 2)) p.requiresGrad = false;
    const loader = new DataLoader(new TensorDataset(x(), shares()), shuffled);
    return { model, loader, options: { loss: new nn.CrossEntropyLoss(), optimizer, epochs } };
  },
  'Adam, L1Loss, from the start'() {
    const model = new nn.Linear(COLUMNS, 2);
    const optimizer = new optim.Adam(model.parameters());
    const loader = new DataLoader(new TensorDataset(x(), numbers()), shuffled);
    return { model, loader, options: { loss: new nn.L1Loss(), optimizer, epochs } };
  },
};

export const NAMES = Object.keys(CASES);

/** A training that has come to where PyTorch goes on. */
export async function training(/** @type {string} */ name) {
  manualSeed(11);
  const made = /** @type {() => Training} */ (CASES[name])();
  const { model, loader, options } = made;
  if (!name.endsWith('from the start')) await fit(model, loader, { ...options, epochs: 2 });
  return made;
}

if (process.argv[1] === import.meta.filename) {
  for (const name of NAMES) {
    const { model, loader, options } = await training(name);
    const folder = join(/** @type {string} */ (process.argv[2]), name);
    mkdirSync(folder, { recursive: true });
    for (const [file, content] of Object.entries(toPyTorch(model, loader, options)))
      writeFileSync(join(folder, file), content);
  }
}
