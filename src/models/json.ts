import type { PreprocessorState } from '../data/preprocessor';
import { FormatError } from '../errors';
import type { Sequential } from '../nn/sequential';
import { Adam } from '../optim/adam';
import { Tensor } from '../tensor/tensor';

const VERSION = 1;

interface TensorJSON {
  shape: number[];
  data: number[];
}

type AdamState = ReturnType<Adam['stateDict']>;

/** What an optimizer remembers of each parameter. */
type MomentsJSON = Record<string, Record<string, TensorJSON | number>>;

/** What a model has learned, as JSON holds it. */
export interface LearnedJSON {
  inputs: PreprocessorState;
  targets: object;
  network: Record<string, TensorJSON>;
  adam?: { state: MomentsJSON; groups: AdamState['groups'] };
}

/** A model as plain JSON. */
export interface EstimatorJSON {
  /** Its class. */
  downhill: string;
  /** The version of the format. */
  version: number;
  /** The estimator's options, with their defaults. */
  options: object;
  /** What was learned; left out before the first `fit`. */
  learned?: LearnedJSON;
}

/** Nine digits tell every float32 from its neighbours. */
const shortest = (value: number) => Number(value.toPrecision(9));

function tensorJSON(t: Tensor): TensorJSON {
  return { shape: [...t.shape], data: Array.from(t.toTypedArray(), shortest) };
}

function mapped<A, B>(record: Record<string, A>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}

export function networkJSON(network: Sequential): Record<string, TensorJSON> {
  return mapped(network.stateDict(), tensorJSON);
}

export function adamJSON(adam: Adam): NonNullable<LearnedJSON['adam']> {
  const { state, groups } = adam.stateDict();
  const moments = (own: AdamState['state'][number]) => mapped(own, (v) => (v instanceof Tensor ? tensorJSON(v) : v));
  return { state: mapped(state, moments), groups };
}

/** An optimizer for these parameters, in the state that JSON holds. */
export function adamFrom(json: NonNullable<LearnedJSON['adam']>, groups: { params: Tensor[] }[]): Adam {
  const adam = new Adam(groups);
  adam.loadStateDict(json as unknown as AdamState);
  return adam;
}

export function estimatorJSON(owner: string, options: object, learned: LearnedJSON | undefined): EstimatorJSON {
  return { downhill: owner, version: VERSION, options: { ...options }, ...(learned && { learned }) };
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The object that text or JSON stands for, if it is of this class and version. */
function parsed(owner: string, json: unknown): EstimatorJSON {
  const value: unknown = typeof json === 'string' ? JSON.parse(json) : json;
  if (!isObject(value) || !('downhill' in value))
    throw new FormatError(`it is no model; give what toJSON() of a ${owner} returned.`);
  const { downhill, version, options, learned } = value as EstimatorJSON;
  if (downhill !== owner) throw new FormatError(`it is a ${String(downhill)}; use ${String(downhill)}.fromJSON.`);
  if (version !== VERSION)
    throw new FormatError(
      `it is of version ${String(version)}; this library reads version ${VERSION}. Use a newer one.`,
    );
  if (!isObject(options) || (learned !== undefined && !isObject(learned)))
    throw new FormatError('its options or what it learned are damaged.');
  return value as EstimatorJSON;
}

/** Makes a model of JSON; whatever is wrong with it is a FormatError. */
export function reading<E>(owner: string, json: unknown, make: (json: EstimatorJSON) => E): E {
  try {
    return make(parsed(owner, json));
  } catch (error) {
    throw new FormatError(`${owner}.fromJSON can't read this: ${(error as Error).message}`, { cause: error });
  }
}

/** Throws unless there are as many numbers as a network of this many parameters has, before one is made. */
export function checkCount(network: LearnedJSON['network'], parameters: number): void {
  const count = Object.values(network).reduce((sum, { data }) => sum + data.length, 0);
  if (count !== parameters) throw new FormatError(`its network has ${count} numbers and its sizes need ${parameters}.`);
}
