import { ShapeError, StateError } from '../errors';
import type { Storage } from '../wasm/heap';
import { runtime } from '../wasm/runtime';
import { atNode, gradientsOn, isTracing, noGrad } from './driver';
import { show } from './shape';
import type { Tensor } from './tensor';

/** How an output came about: its inputs and, for each, the gradient of the inputs given that of the output. */
export interface Node {
  /** Nodes are numbered in the order of their making; gradients run backwards through it. */
  readonly id: number;
  readonly inputs: readonly Tensor[];
  readonly gradients: readonly ((dy: Tensor) => Tensor)[];
}

let made = 0;

/** Notes that a tensor is changed in place: graphs that were made before may not read it any more. */
export function noteChange({ storage }: Tensor): void {
  storage.changed = made;
}

/** Notes how y came about, if a gradient will be wanted. */
export function record(y: Tensor, inputs: readonly Tensor[], gradients: readonly ((dy: Tensor) => Tensor)[]): Tensor {
  if (gradientsOn() && inputs.some((x) => x.requiresGrad)) {
    y.requiresGrad = true;
    y.node = { id: made++, inputs, gradients };
  }
  return y;
}

/** The tensors that have a node, the latest first. */
function latestFirst(root: Tensor): Tensor[] {
  const seen = new Map<Node, Tensor>();
  const open = [root];
  for (let t = open.pop(); t; t = open.pop()) {
    if (!t.node || seen.has(t.node)) continue;
    seen.set(t.node, t);
    open.push(...t.node.inputs);
  }
  return [...seen.values()].sort((a, b) => (b.node as Node).id - (a.node as Node).id);
}

/** The sum of the gradients of one tensor so far; the first is stored, not added. */
function added(sums: Map<Tensor, Tensor>, x: Tensor, dx: Tensor): void {
  const sum = sums.get(x);
  sums.set(x, sum ? sum.add(dx) : dx);
}

/** Hands a parameter its gradient. Two parameters never share one, so that each can be changed in place. */
function keep(x: Tensor, dx: Tensor, kept: Set<Storage>): void {
  let grad = x.gradient ? x.gradient.add(dx) : dx.contiguous();
  if (kept.has(grad.storage) || grad.isView) grad = grad.clone();
  kept.add(grad.storage);
  x.dropGradient();
  x.gradient = grad;
}

function walk(root: Tensor, order: readonly Tensor[], first: Tensor): Set<Storage> {
  const sums = new Map<Tensor, Tensor>([[root, first]]);
  const kept = new Set<Storage>();
  for (const y of order) {
    const { id, inputs, gradients } = y.node as Node;
    const dy = sums.get(y);
    sums.delete(y);
    if (!dy) continue;
    atNode(id);
    inputs.forEach((x, i) => {
      if (x.requiresGrad) added(sums, x, (gradients[i] as (dy: Tensor) => Tensor)(dy));
    });
  }
  atNode();
  for (const [x, dx] of sums) if (!x.node) keep(x, dx, kept);
  return kept;
}

/** Frees what the walk made and nobody keeps. */
function freeRest(made: readonly Storage[], kept: ReadonlySet<Storage>): void {
  const { heap } = runtime();
  for (const storage of made) if (!kept.has(storage)) heap.free(storage);
}

/** d(root) / d(root). */
function oneLike(root: Tensor): Tensor {
  const one = root.onesLike();
  one.isOne = true;
  return one;
}

/** See `Tensor.backward`. */
export function backward(root: Tensor, retain: boolean): void {
  if (root.size !== 1)
    throw new ShapeError(
      `backward() needs a tensor of one element, such as a loss; this one is ${show(root.shape)}. Take its sum() or mean().`,
    );
  if (!root.node) {
    throw new StateError(
      'backward() found no graph: nothing that this tensor came from requires a gradient, or backward() has already used its graph. ' +
        'Run the forward pass again, or keep the graph with backward({ retainGraph: true }).',
    );
  }
  const order = latestFirst(root);
  const { heap } = runtime();
  const outer = heap.scope;
  const made: Storage[] = [];
  heap.scope = made;
  try {
    const kept = noGrad(() => walk(root, order, oneLike(root)));
    if (!isTracing()) freeRest(made, kept);
  } finally {
    atNode();
    heap.scope = outer;
  }
  if (!retain) root.node = undefined;
}
