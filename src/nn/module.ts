import { OptionError, quoted, StateError } from '../errors';
import { entryValue, needShape, type StateEntry } from '../tensor/entry';
import { Tensor } from '../tensor/tensor';

export type { StateEntry };

/** The values of a module's parameters and buffers, by name. */
export type StateDict = Record<string, StateEntry>;

/** What PyTorch's older files do not hold. */
const OPTIONAL = /(^|\.)num_batches_tracked$/;

/**
 * A model, or a part of one: parameters, and a function of tensors that `forward` computes from them.
 *
 * A module of your own extends this class, keeps tensors made by `parameter` and other modules in its fields, and has a
 * `forward`. Its fields' names are the names in `stateDict`, joined by dots, as in PyTorch.
 *
 * @example
 * class Scale extends nn.Module {
 *   factor = parameter([2]);
 *   forward(x) {
 *     return x.mul(this.factor);
 *   }
 * }
 * expect(new Scale().forward(tensor([3])).toArray()).toEqual([6]);
 */
export abstract class Module {
  /** Set by `train()` and `eval()`: some modules compute otherwise while they are trained. */
  training = true;

  /** What comes out for what goes in. */
  abstract forward(...inputs: Tensor[]): Tensor;

  /** @internal The modules in this one, by the names of their fields. */
  children(): [string, Module][] {
    const found: [string, Module][] = [];
    for (const [name, value] of Object.entries(this)) {
      if (value instanceof Module) found.push([name, value]);
      else if (Array.isArray(value)) {
        value.forEach((v, i) => {
          if (v instanceof Module) found.push([`${name}.${i}`, v]);
        });
      }
    }
    return found;
  }

  /** The module whose field this is. */
  #holder: Module | undefined;

  /** This module and all in it, outermost first. */
  modules(): Module[] {
    const found = new Set<Module>();
    this.#visit('', found, () => {});
    return [...found];
  }

  /** Calls `enter` for this module and all in it, each once, with the prefix of its names. They learn where they are. */
  #visit(prefix: string, found: Set<Module>, enter: (module: Module, prefix: string) => void): void {
    found.add(this);
    enter(this, prefix);
    for (const [name, child] of this.children()) {
      if (found.has(child)) continue;
      child.#holder = this;
      child.#visit(`${prefix}${name}.`, found, enter);
    }
  }

  /** @internal The position in the modules() of the outermost module that this is known to be in: who asks a model for its
   * parameters or modules, or trains it, makes it known. */
  place(): number {
    const outwards = new Set<Module>([this]);
    let root: Module = this;
    while (root.#holder && !outwards.has(root.#holder)) {
      root = root.#holder;
      outwards.add(root);
    }
    return root.modules().indexOf(this);
  }

  /** The parameters by name; one that is used in two places is named once. */
  namedParameters(): [string, Tensor][] {
    return this.#named((module) => module.#own());
  }

  /** The tensors that `forward` changes and that belong to the state, by name, such as running statistics. */
  namedBuffers(): [string, Tensor][] {
    return this.#named((module) => Object.entries(module.buffers()));
  }

  /** The buffers of this module alone, by PyTorch's names: what `stateDict` holds beside its parameters. */
  protected buffers(): Record<string, Tensor> {
    return {};
  }

  #own(): [string, Tensor][] {
    const isParameter = (v: unknown) => v instanceof Tensor && (v.isParameter || v.requiresGrad) && !v.node;
    return Object.entries(this).filter(([, value]) => isParameter(value));
  }

  /** What `of` names in each module, joined by dots; a tensor that is named twice keeps its first name. */
  #named(of: (module: Module) => [string, Tensor][]): [string, Tensor][] {
    const found = new Map<Tensor, string>();
    this.#visit('', new Set(), (module, prefix) => {
      for (const [name, t] of of(module)) if (!found.has(t)) found.set(t, prefix + name);
    });
    return [...found].map(([t, name]) => [name, t]);
  }

  #state(): [string, Tensor][] {
    return this.#named((module) => [...module.#own(), ...Object.entries(module.buffers())]);
  }

  /** What an optimizer is given. */
  parameters(): Tensor[] {
    return this.namedParameters().map(([, tensor]) => tensor);
  }

  /**
   * Copies of all parameters and buffers by name; names, shapes and layouts are PyTorch's.
   *
   * @example
   * expect(Object.keys(new nn.Linear(3, 2).stateDict())).toEqual(['weight', 'bias']);
   */
  stateDict(): Record<string, Tensor> {
    return Object.fromEntries(this.#state().map(([name, tensor]) => [name, tensor.clone()]));
  }

  /**
   * Puts values in the place of parameters and buffers. Nothing is changed unless all fit.
   *
   * @param dict an entry for each name of `stateDict()`: a tensor, or `{ shape, data }`. `num_batches_tracked` may be missing.
   * @throws StateError for a missing or an extra name; ShapeError for another shape; OptionError for what is no record.
   * @example
   * const model = new nn.Linear(1, 1);
   * model.loadStateDict({ weight: { shape: [1, 1], data: [3] }, bias: { shape: [1], data: [1] } });
   * expect(model.forward(tensor([[2]])).toArray()).toEqual([[7]]);
   */
  loadStateDict(dict: StateDict): this {
    if (typeof dict !== 'object' || dict === null)
      throw new OptionError(`loadStateDict got ${quoted(dict)}; give what stateDict() returned.`);
    const own = this.#state();
    const names = own.map(([name]) => name);
    const missing = names.filter((name) => !Object.keys(dict).includes(name) && !OPTIONAL.test(name));
    const extra = Object.keys(dict).filter((name) => !names.includes(name));
    if (missing.length > 0 || extra.length > 0) {
      throw new StateError(
        `loadStateDict: ${[
          missing.length > 0 && `missing ${missing.join(', ')}`,
          extra.length > 0 && `unknown ${extra.join(', ')}`,
        ]
          .filter(Boolean)
          .join('; ')}. This module has ${names.join(', ') || 'no parameters'}.`,
      );
    }
    const values = own
      .filter(([name]) => Object.keys(dict).includes(name))
      .map(([name, tensor]) => ({
        tensor,
        value: entryValue(`loadStateDict: ${name}`, tensor, dict[name] as StateEntry),
      }));
    for (const { tensor, value } of values) tensor.assign(value);
    return this;
  }

  /** The tensors in this module's own fields, by name, that `stateDict` does not hold and that have values. */
  #others(): [string, Tensor][] {
    const held = new Set([...this.#own().map(([, t]) => t), ...Object.values(this.buffers())]);
    const isOther = (v: unknown): v is Tensor => v instanceof Tensor && !v.node && !held.has(v) && v.hasValues;
    return Object.entries(this).filter((entry): entry is [string, Tensor] => isOther(entry[1]));
  }

  /**
   * What this module alone remembers beside its parameters and buffers: checkpoints hold it, so that a training goes on as if
   * it had not stopped. By default copies of the other tensors in its fields, by name; override it, and `setExtraState`, for
   * what is no tensor: numbers, strings, lists and records.
   *
   * As https://pytorch.org/docs/stable/generated/torch.nn.Module.html, but not a part of `stateDict`.
   *
   * @example
   * class Average extends nn.Module {
   *   mean = zeros([1]);
   *   forward(x) {
   *     this.mean.assign(this.mean.mul(0.9).add(x.mean().mul(0.1)));
   *     return x;
   *   }
   * }
   * const model = new Average();
   * model.forward(tensor([[5]]));
   * expect(model.getExtraState().mean.toArray()).toEqual([0.5]);
   */
  getExtraState(): Record<string, unknown> {
    return Object.fromEntries(this.#others().map(([name, t]) => [name, t.clone()]));
  }

  /**
   * Puts in place what `getExtraState` gave; a field that is not there yet is made. Nothing is changed unless all tensors fit.
   *
   * @throws StateError for a missing tensor or an unknown name; ShapeError for another shape.
   * @example
   * const [a, b] = [new nn.Dropout(0.5), new nn.Dropout(0.5)];
   * a.forward(ones([4]));
   * b.setExtraState(a.getExtraState());
   * expect(b.forward(ones([9])).toArray()).toEqual(a.forward(ones([9])).toArray());
   */
  setExtraState(state: Record<string, unknown>): void {
    const own = new Map(this.#others());
    const known = Object.keys(this.getExtraState());
    const given = Object.entries(state ?? {});
    const name = this.constructor.name;
    const missing = [...own.keys()].find((key) => !given.some(([k]) => k === key));
    if (missing) throw new StateError(`setExtraState: missing ${missing}; ${name} has ${known.join(', ')}.`);
    for (const [key, value] of given) {
      const here = own.get(key);
      const isNew = value instanceof Tensor && (this as Record<string, unknown>)[key] === undefined;
      if (here) needShape(`setExtraState: ${key}`, { given: (value as Tensor | undefined)?.shape, needed: here.shape });
      else if (!isNew && (value instanceof Tensor || !known.includes(key)))
        throw new StateError(`setExtraState: unknown ${key}; ${name} has ${known.join(', ') || 'no extra state'}.`);
    }
    for (const [key, value] of given) {
      if (!(value instanceof Tensor)) continue;
      const here = own.get(key);
      if (here) here.assign(value);
      else (this as Record<string, unknown>)[key] = value.clone();
    }
  }

  /** Sets `training` for this module and all in it. */
  train(training = true): this {
    for (const module of this.modules()) module.training = training;
    return this;
  }

  /** The same as `train(false)`. */
  eval(): this {
    return this.train(false);
  }

  /** What stands between the brackets in `toString()`. */
  protected describe(): string {
    return '';
  }

  /** The class, its sizes and the modules in it. */
  toString(): string {
    const lines = this.children().map(([name, child]) => `(${name}): ${child.toString().replaceAll('\n', '\n  ')}`);
    const name = this.constructor.name;
    return lines.length > 0 ? `${name}(\n  ${lines.join('\n  ')}\n)` : `${name}(${this.describe()})`;
  }
}
