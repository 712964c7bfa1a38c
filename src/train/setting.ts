import { StateError } from '../errors';
import type { Module } from '../nn/module';
import type { Tensor } from '../tensor/tensor';

/** Sets a flag of each, and returns the flags that they had. */
function put<K extends string, T extends Record<K, boolean>>(key: K, flags: ReadonlyMap<T, boolean>): Map<T, boolean> {
  const before = new Map<T, boolean>();
  for (const [thing, flag] of flags) {
    before.set(thing, thing[key]);
    thing[key] = flag as T[K];
  }
  return before;
}

const modesOf = (model: Module) => new Map(model.modules().map((m) => [m, m.training]));

/** A mode of a model, and which parameters are trained: as they are when this is made, whatever is said of them later. */
export class Setting {
  private readonly modes: ReadonlyMap<Module, boolean>;
  private readonly trained: ReadonlyMap<Tensor, boolean>;

  constructor(model: Module, { training, params = [] }: { training: boolean; params?: readonly Tensor[] }) {
    const before = modesOf(model);
    model.train(training);
    this.modes = put('training', before);
    this.trained = new Map(params.map((p) => [p, p.requiresGrad]));
  }

  /** Runs `fn` so, and leaves all as it was found. */
  run<T>(fn: () => T): T {
    const modes = put('training', this.modes);
    const trained = put('requiresGrad', this.trained);
    try {
      return fn();
    } finally {
      put('training', modes);
      put('requiresGrad', trained);
    }
  }
}

/** The modules of trainings that are not done. */
const busy = new WeakSet<Module>();

/** Trains a model in train mode, by nobody else meanwhile, and leaves each module in the mode that it had. */
export async function inTraining<T>(model: Module, fn: () => Promise<T>): Promise<T> {
  const modes = modesOf(model);
  const modules = [...modes.keys()];
  if (modules.some((m) => busy.has(m)))
    throw new StateError('This model, or a part of it, is in a training that is not done; await that one first.');
  for (const m of modules) busy.add(m);
  try {
    model.train();
    return await fn();
  } finally {
    put('training', modes);
    for (const m of modules) busy.delete(m);
  }
}
