import { OptionError, ShapeError, StateError } from '../errors';
import type { Data } from '../tensor/literal';
import { flatten } from '../tensor/literal';
import { type Shape, show } from '../tensor/shape';
import { Tensor } from '../tensor/tensor';

/** What a scaler or an encoder has learned, as JSON holds it. */
export interface PreprocessorState {
  /** The class that it is of. */
  type: string;
  [name: string]: unknown;
}

/** What learns from columns and then transforms them: its state is plain JSON, so that it is kept with the model. */
export abstract class Preprocessor {
  /** The class's name, which a minifier leaves alone. */
  protected abstract readonly owner: string;
  protected abstract state(): Record<string, unknown> | undefined;
  protected abstract restore(state: Record<string, unknown>): void;

  /**
   * What was learned and set, as plain JSON.
   *
   * @throws StateError before `fit`.
   */
  stateDict(): PreprocessorState {
    return { type: this.owner, ...this.learned(this.state()) };
  }

  /**
   * Takes over what `stateDict()` of the same class gave; nothing is changed by an error.
   *
   * @throws StateError for what is no such state.
   */
  loadStateDict(state: PreprocessorState): this {
    if (state?.type !== this.owner)
      throw new StateError(
        `${this.owner} got a state of ${state?.type ?? `type ${typeof state}`}; give what stateDict() or toJSON() of a ${this.owner} returned.`,
      );
    this.restore(state);
    return this;
  }

  /** `stateDict()`, for JSON.stringify. */
  toJSON(): PreprocessorState {
    return this.stateDict();
  }

  /** A new one in the state that `toJSON()` gave. */
  static fromJSON<T extends Preprocessor>(this: new () => T, state: PreprocessorState): T {
    return new this().loadStateDict(state);
  }

  /** What `fit` has set. */
  protected learned<T>(value: T | undefined): T {
    if (value === undefined) throw new StateError(`${this.owner} was not fitted; call fit(data) first.`);
    return value;
  }

  /** Throws where a state lacks something. */
  protected need(holds: boolean, what: string): asserts holds {
    if (!holds) throw new StateError(`The state of a ${this.owner} has no ${what}; give what stateDict() returned.`);
  }
}

export const isFiniteList = (list: unknown): list is number[] => Array.isArray(list) && list.every(Number.isFinite);

/** The numbers of a table, row after row. */
export interface Matrix {
  values: ArrayLike<number>;
  rows: number;
  columns: number;
  /** What each row counts, where they do not count alike. */
  weights?: Float64Array | undefined;
}

/** The elements of data in order, in full precision, and their shape. */
export function elementsOf(owner: string, data: Tensor | Data): { flat: ArrayLike<number>; shape: Shape } {
  return data instanceof Tensor ? { flat: data.toTypedArray(), shape: data.shape } : flatten(data, owner);
}

const isMatrix = (data: Tensor | Data | Matrix): data is Matrix =>
  typeof data === 'object' && data !== null && 'rows' in data;

/** The numbers of a table in full precision, checked: two dimensions, at least a row, all finite. */
export function matrixOf(owner: string, data: Tensor | Data | Matrix): Matrix {
  const { flat: values, shape } = isMatrix(data)
    ? { flat: data.values, shape: [data.rows, data.columns] }
    : elementsOf(owner, data);
  const [rows, columns] = shape;
  if (rows === 0) throw new ShapeError(`${owner} got no rows; there must be at least one.`);
  if (rows === undefined || columns === undefined || shape.length > 2) {
    throw new ShapeError(
      `${owner} got data of shape ${show(shape)}; it must be [rows, columns]. One column of numbers is [[1], [2]]; a tensor has reshape([-1, 1]).`,
    );
  }
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    throw new OptionError(
      `${owner}: row ${Math.floor(i / columns)}, column ${i % columns} has ${values[i]}; drop such rows or fill them in before.`,
    );
  }
  return { values, rows, columns, ...(isMatrix(data) && { weights: data.weights }) };
}
