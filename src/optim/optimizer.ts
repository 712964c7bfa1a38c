import { checkNumber, checkOptions, isRate, OptionError, quoted, StateError } from '../errors';
import { noteChange } from '../tensor/autograd';
import { zeros } from '../tensor/create';
import { isTracing, newStorage, outsideTrace } from '../tensor/driver';
import { Tensor } from '../tensor/tensor';
import type { Storage } from '../wasm/heap';
import type { Operand } from '../wasm/record';
import { runtime } from '../wasm/runtime';
import { copied, type ParameterState } from './state';

export type { ParameterState };

/** Parameters with options of their own; what is left out comes from the optimizer's options. */
export type ParameterGroup<O> = { params: readonly Tensor[] } & Partial<O>;

/** What an optimizer trains: `model.parameters()`, or groups of them with options of their own. */
export type Parameters<O> = readonly Tensor[] | readonly ParameterGroup<O>[];

interface Group<O> {
  params: readonly Tensor[];
  options: O;
}

/** What `stateDict()` gives. */
export interface OptimizerState<O> {
  /** By the parameter's position in the order in which the optimizer got them. */
  state: Record<number, ParameterState>;
  /** The options of each group, and which parameters are in it. */
  groups: (O & { params: number[] })[];
}

/** Parameters that share their hyperparameters of each step, because they have had as many: one row of the table. */
interface Slot<O> {
  group: Group<O>;
  params: [Tensor, ...Tensor[]];
}

/** What keeps something from being a parameter, if anything does. */
function whyNot(p: unknown): string | undefined {
  if (!(p instanceof Tensor)) return quoted(p);
  if (!(p.isParameter || p.requiresGrad) || p.node) return 'a tensor that is no parameter';
  if (p.dtype !== 'float32') return `an ${p.dtype} tensor`;
  return p.isContiguous ? undefined : 'a transposed view of a tensor';
}

/** The hyperparameters of the steps to come, a row each, in memory. */
interface Table<O> {
  storage: Storage;
  steps: number;
  slots: Slot<O>[];
  updated: Set<Tensor>;
}

interface Rows {
  first: number;
  count: number;
  before?: ((i: number) => void) | undefined;
}

/**
 * What all optimizers have in common. A rule of its own says which tensors it remembers, which numbers a step needs, and
 * which kernel applies it.
 */
export abstract class Optimizer<O extends { lr: number } = { lr: number }> {
  /** The parameters, with the options that they share. */
  readonly groups: readonly Group<O>[];
  /** @internal All parameters in order. */
  readonly params: readonly Tensor[];
  private readonly states = new Map<Tensor, ParameterState>();
  private table: Table<O> | undefined;
  private eagerTable: Storage | undefined;
  /** The options of the groups when a training began: it keeps to what they say beside a step's numbers. */
  private begun: Map<Group<O>, O> | undefined;

  constructor(parameters: Parameters<O>, options: Partial<O>, defaults: O) {
    const owner = this.constructor.name;
    const names = Object.keys(defaults);
    checkOptions(owner, options, names);
    const list = Array.isArray(parameters) ? parameters : [];
    if (list.length === 0) throw new OptionError(`${owner} got no parameters; give it model.parameters().`);
    const grouped = list.every((p) => p instanceof Tensor)
      ? [{ params: list as Tensor[] }]
      : (list as ParameterGroup<O>[]);
    this.groups = grouped.map((group) => {
      if (!Array.isArray(group?.params)) {
        throw new OptionError(
          `${owner} got ${quoted(group)} among its parameters; give model.parameters(), or groups { params, lr, … }.`,
        );
      }
      const { params, ...own } = group;
      checkOptions(`A parameter group of ${owner}`, own, names);
      const merged = { ...defaults, ...options, ...own };
      this.check(merged);
      return { params: [...params], options: merged };
    });
    this.params = this.groups.flatMap((group) => group.params);
    this.checkParameters(owner);
  }

  private checkParameters(owner: string): void {
    const seen = new Set<Tensor>();
    for (const p of this.params) {
      const wrong = whyNot(p);
      if (wrong) {
        throw new OptionError(`${owner} got ${wrong}; give tensors made by parameter(), such as model.parameters().`);
      }
      if (seen.has(p)) throw new OptionError(`${owner} got the same parameter twice; each belongs to one group.`);
      seen.add(p);
    }
  }

  /** Throws for options that are out of range. */
  protected abstract check(options: O): void;
  /** The names of the tensors that the rule remembers for each parameter. */
  protected abstract remembers(options: O): readonly string[];
  /** What those begin with. */
  protected initial(p: Tensor, _options: O): Tensor {
    return zeros(p.shape);
  }
  /** The floats in a row of hyperparameters. */
  protected abstract readonly rowLength: number;
  /** The row for update number `step`, counted from 1. */
  protected abstract row(options: O, step: number): readonly number[];
  /** Is that row the same for every update? */
  protected isConstant(_options: O): boolean {
    return false;
  }
  /** @internal Emits the update of one parameter. */
  protected abstract update(
    p: Tensor,
    grad: Tensor,
    { state, row, options }: { state: ParameterState; row: Operand; options: O },
  ): void;

  /** The learning rate; setting it sets that of every group. */
  get lr(): number {
    return (this.groups[0] as Group<O>).options.lr;
  }

  set lr(value: number) {
    checkNumber('lr', value, isRate);
    for (const group of this.groups) group.options.lr = value;
  }

  /** Forgets the gradients, so that the next `backward()` starts anew. */
  zeroGrad(): void {
    for (const p of this.params) p.dropGradient();
  }

  /** Applies the rule once to every parameter that has a gradient. */
  step(): void {
    if (isTracing()) this.emitUpdates(this.tableOf());
    else this.stepNow();
  }

  /** @internal What is remembered of a parameter; made on first use. */
  stateOf(p: Tensor, options: O): ParameterState {
    const state = this.states.get(p) ?? { step: 0 };
    for (const name of this.remembers(options)) state[name] ??= outsideTrace(() => this.initial(p, options));
    this.states.set(p, state);
    return state;
  }

  private each(visit: (p: Tensor, group: Group<O>) => void): void {
    for (const group of this.groups) for (const p of group.params) visit(p, group);
  }

  /** Updates of a parameter so far. */
  private stepsOf(p: Tensor): number {
    return this.states.get(p)?.step ?? 0;
  }

  private slots(): Slot<O>[] {
    const slots: Slot<O>[] = [];
    this.each((p, group) => {
      const slot = slots.find((s) => s.group === group && this.stepsOf(s.params[0]) === this.stepsOf(p));
      if (slot) slot.params.push(p);
      else slots.push({ group, params: [p] });
    });
    return slots;
  }

  private emitUpdates({ storage, steps, slots, updated }: Table<O>): void {
    const rowBytes = this.rowLength * 4;
    this.each((p, group) => {
      if (!p.gradient) return;
      const options = this.begun?.get(group) ?? group.options;
      const state = this.stateOf(p, options);
      const slot = slots.findIndex(({ params }) => params.includes(p));
      const row = { storage, offset: slot * rowBytes, stride: slots.length * rowBytes, mask: steps - 1 };
      this.update(p, p.gradient.contiguous(), { state, row, options });
      noteChange(p);
      updated.add(p);
    });
  }

  private stepNow(): void {
    const slots = this.slots();
    const bytes = slots.length * this.rowLength * 4;
    if (!this.eagerTable || this.eagerTable.bytes < bytes) this.eagerTable = newStorage(bytes);
    const table: Table<O> = { storage: this.eagerTable, steps: 1, slots, updated: new Set() };
    this.writeRows(table, { first: 0, count: 1 });
    this.emitUpdates(table);
    for (const p of table.updated) (this.states.get(p) as ParameterState).step++;
  }

  private writeRows(table: Table<O>, { first, count, before }: Rows): void {
    const { heap } = runtime();
    heap.clock++;
    const at = heap.address(table.storage) / 4;
    heap.wrote(table.storage);
    const floats = heap.f32;
    const { slots, steps, updated } = table;
    const done = slots.map(({ params }) => this.stepsOf(params.find((p) => updated.has(p)) ?? params[0]));
    for (let i = 0; i < Math.min(count, steps); i++) {
      before?.(i);
      let to = at + ((first + i) & (steps - 1)) * slots.length * this.rowLength;
      slots.forEach(({ group }, s) => {
        const row = this.row(group.options, (done[s] as number) + i + 1);
        for (let j = 0; j < row.length; j++) floats[to++] = row[j] as number;
      });
    }
  }

  private tableOf(): Table<O> {
    if (this.table) return this.table;
    throw new StateError('step() was called inside a compiled step of another training; call it in the eager loop.');
  }

  /**
   * @internal Opens a table for compiled steps, with room for `most` of them (a power of two) at a time; one row for all where
   * nothing changes from step to step.
   */
  open(most: number, { scheduled }: { scheduled: boolean }): void {
    this.claim();
    const steps = scheduled || !this.groups.every(({ options }) => this.isConstant(options)) ? most : 1;
    const slots = this.slots();
    try {
      const storage = newStorage(steps * slots.length * this.rowLength * 4);
      this.table = { storage, steps, slots, updated: new Set() };
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** @internal Writes the rows of the steps from `first` on; `before` each it may change the options. */
  prepare(rows: Rows): void {
    this.writeRows(this.tableOf(), rows);
  }

  /** @internal Counts steps that have been run. */
  advance(count: number): void {
    for (const p of this.tableOf().updated) (this.states.get(p) as ParameterState).step += count;
  }

  /** @internal Every tensor that a step changes. */
  changed(): Tensor[] {
    const found = [...this.params];
    for (const state of this.states.values()) {
      for (const value of Object.values(state)) if (value instanceof Tensor) found.push(value);
    }
    return found;
  }

  /** @internal Notes what there is, and returns what forgets all that was made since. */
  mark(): () => void {
    const known = new Set(this.states.keys());
    return () => {
      for (const p of this.states.keys()) if (!known.has(p)) this.states.delete(p);
    };
  }

  /** @internal */
  close(): void {
    if (this.table) runtime().heap.free(this.table.storage);
    this.table = undefined;
    this.begun = undefined;
  }

  /** @internal Is a training with it not done? */
  get inUse(): boolean {
    return this.begun !== undefined;
  }

  /** @internal A training that is not done has the optimizer to itself, until `close`. */
  claim(): void {
    if (this.inUse) {
      throw new StateError(
        'This optimizer is in use by a training that is not done; await that one first, or give each its own.',
      );
    }
    this.begun = new Map(this.groups.map((group) => [group, { ...group.options }]));
  }

  /** Copies of all that the optimizer remembers, and its options. */
  stateDict(): OptimizerState<O> {
    const { params } = this;
    const state: Record<number, ParameterState> = {};
    params.forEach((p, i) => {
      const own = this.states.get(p);
      if (!own) return;
      const copies = Object.entries(own).map(([name, v]) => [name, v instanceof Tensor ? v.clone() : v]);
      state[i] = Object.fromEntries(copies) as ParameterState;
    });
    return {
      state,
      groups: this.groups.map((g) => ({ ...g.options, params: g.params.map((p) => params.indexOf(p)) })),
    };
  }

  /**
   * Puts a state of `stateDict()` in place, or what that became in JSON. Nothing is changed unless all of it fits.
   *
   * @throws StateError for other groups or options; ShapeError for other shapes.
   */
  loadStateDict(dict: OptimizerState<O>): void {
    if (this.inUse) {
      throw new StateError(
        'loadStateDict was called while a training with this optimizer is not done; await it first.',
      );
    }
    this.restore(dict);
  }

  /** The options that a state has for group number `i`, if they fit. */
  private optionsFrom(given: O, i: number): O {
    const { options } = this.groups[i] as Group<O>;
    if (Object.keys(given).some((name) => !Object.keys(options).includes(name))) {
      const names = (of: O) => Object.keys(of).join(', ');
      throw new StateError(`loadStateDict got the options ${names(given)}; this optimizer has ${names(options)}.`);
    }
    this.check(given);
    return given;
  }

  /** @internal */
  restore(dict: OptimizerState<O>): void {
    const { params } = this;
    const sizes = (groups: readonly { params: readonly unknown[] }[]) => groups.map((g) => g.params.length).join(', ');
    if (!dict?.groups || sizes(dict.groups) !== sizes(this.groups)) {
      throw new StateError(
        `loadStateDict got groups of ${dict?.groups ? sizes(dict.groups) : 'no'} parameters; this optimizer has ${sizes(this.groups)}.`,
      );
    }
    if (!dict.state) throw new StateError('loadStateDict got no state; give what stateDict() returned.');
    const options = dict.groups.map(({ params: _, ...own }, i) => this.optionsFrom(own as unknown as O, i));
    const optionsOf = this.groups.flatMap((group, g) => group.params.map(() => options[g] as O));
    const loaded = Object.entries(dict.state).map(([i, state]) => {
      const p = params[Number(i)];
      if (!p) throw new StateError(`loadStateDict got a state for parameter ${i}; there are ${params.length}.`);
      return [p, copied(i, state, { p, needed: this.remembers(optionsOf[Number(i)] as O) })] as const;
    });
    this.states.clear();
    for (const [p, state] of loaded) this.states.set(p, state);
    this.groups.forEach((group, i) => {
      Object.assign(group.options, options[i]);
    });
  }
}
