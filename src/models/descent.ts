import type { Loss } from '../nn/loss';
import type { Sequential } from '../nn/sequential';
import { Adam } from '../optim/adam';
import { CosineAnnealingLR } from '../optim/schedules/cosine';
import { SGD } from '../optim/sgd';
import { randn, tensor } from '../tensor/create';
import type { Tensor } from '../tensor/tensor';
import type { History } from '../train/history';
import { withSeed } from '../wasm/random';
import type { EstimatorOptions, RunOptions } from './options';
import { groupsOf, rowsOf, trained } from './training';

/** Enough for the power iteration to come within the margin, whatever the spectrum. */
const POWERS = 30;
const MARGIN = 1.1;

/** The largest eigenvalue of Xᵀ X / rows, from above, by power iteration; of Xᵀ W X / rows, if rows have weights of mean 1. */
export function steepnessOf(given: Tensor, weights?: Float64Array): number {
  const [rows, columns] = given.shape as [number, number];
  const x = weights ? given.mul(tensor(weights, { shape: [rows, 1] }).sqrt()) : given;
  const back = x.transpose();
  let v = withSeed(0, () => randn([columns, 1]));
  let size = 1;
  for (let i = 0; i < POWERS && size > 0; i++) {
    v = back.matmul(x.matmul(v.div(size))).div(rows);
    size = Math.sqrt(v.square().sum().item());
  }
  return size * MARGIN;
}

/** A convex cost: the mean loss of a linear layer's outputs, and decay / 2 Σ weight². */
export interface Cost {
  network: Sequential;
  x: Tensor;
  t: Tensor;
  /** What each row counts, in the mean 1. */
  weights: Float64Array | undefined;
  loss: Loss;
  decay: number;
  /** Bounds on its second derivatives. */
  steepest: number;
  flattest: number;
}

interface Told {
  options: EstimatorOptions & { maxIter: number; tol: number; learningRate: number };
  run: RunOptions;
}

/** Flatter directions than this share of the steepest are not waited for. */
const FLATTEST = 1e-4;
/** Passes in a row that must change next to nothing. */
const STILL = 5;

/** How much the elements of a parameter have changed at the most since the last call, and the size of the largest. */
function moving(p: Tensor): () => { change: number; largest: number } {
  let before = p.toTypedArray();
  return () => {
    const now = p.toTypedArray();
    let [largest, change] = [0, 0];
    for (let i = 0; i < now.length; i++) {
      largest = Math.max(largest, Math.abs(now[i] as number));
      change = Math.max(change, Math.abs((now[i] as number) - (before[i] as number)));
    }
    before = now;
    return { change, largest };
  };
}

/**
 * Says when the largest change of a weight, and all that would follow at this pace, is within `tol` of the largest weight, and
 * that of a bias within `tol`: it is in the units of the outputs, whatever the weights are.
 */
function settling(parameters: readonly Tensor[], { tol, pace }: { tol: number; pace: number }): () => boolean {
  const moves = parameters.map(moving);
  let still = 0;
  return () => {
    const moved = moves.map((move) => move());
    const isStill = moved.every(({ change, largest }, i) => change <= tol * pace * (i === 0 ? largest : 1));
    still = isStill ? still + 1 : 0;
    return still >= STILL;
  };
}

/**
 * Descends a convex cost: all rows at once, with a rate and a momentum from its curvatures (Nesterov 2004, 2.2.22), or in
 * mini-batches by Adam, whose rate falls to 0 along half a cosine.
 */
export function descend(cost: Cost, { options, run }: Told): Promise<History> {
  const { network, x, t, weights, loss, decay, steepest } = cost;
  const { maxIter, tol, learningRate, seed } = options;
  const rows = x.shape[0] as number;
  const batchSize = Math.min(options.batchSize ?? rows, rows);
  const groups = groupsOf(network, decay);
  const plan = { ...rowsOf(x, t, weights), loss, batchSize, maxIter, seed, run };
  if (batchSize < rows) {
    const optimizer = new Adam(groups, { lr: learningRate });
    const scheduler = new CosineAnnealingLR(optimizer, { tMax: maxIter });
    return trained(network, { ...plan, optimizer, scheduler, pass: 0 });
  }
  const root = Math.sqrt(Math.max(cost.flattest / steepest, FLATTEST));
  const momentum = (1 - root) / (1 + root);
  const optimizer = new SGD(groups, { lr: 1 / steepest, momentum, nesterov: momentum > 0 });
  const done = settling(optimizer.params, { tol, pace: 1 - momentum });
  return trained(network, { ...plan, optimizer, done });
}
