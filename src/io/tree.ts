import { FormatError, OptionError } from '../errors';
import { Tensor } from '../tensor/tensor';

/** A state as JSON, and the tensors that it names. */
export interface Flat {
  json: string;
  tensors: Record<string, Tensor>;
}

/** JSON has no word for these. */
const ODD = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0];
const nameOf = (value: number) => (Object.is(value, -0) ? '-0' : String(value));

const isPlain = (value: object) => [Object.prototype, null].includes(Object.getPrototypeOf(value));

/** Numbers, strings, lists and records as JSON, with the tensors in them beside it, by their paths. */
export function flat(state: unknown): Flat {
  const tensors = new Map<string, Tensor>();
  const put = (value: unknown, path: readonly string[]): unknown => {
    if (value instanceof Tensor) {
      let name = path.join('.');
      while (tensors.has(name)) name += '_';
      tensors.set(name, value);
      return { $tensor: name };
    }
    if (typeof value === 'number') return ODD.some((odd) => Object.is(odd, value)) ? { $number: nameOf(value) } : value;
    if (value === null || value === undefined || typeof value === 'string' || typeof value === 'boolean') return value;
    if (Array.isArray(value)) return value.map((v, i) => put(v, [...path, String(i)]));
    const keys = typeof value === 'object' && isPlain(value) ? Object.keys(value) : ['$'];
    if (keys.some((key) => key.startsWith('$')))
      throw new OptionError(
        `A checkpoint can't hold ${path.join('.')}, a ${value?.constructor?.name ?? typeof value}; it holds tensors, numbers, strings, lists and records of names without $.`,
      );
    return Object.fromEntries(Object.entries(value as object).map(([key, v]) => [key, put(v, [...path, key])]));
  };
  const json = JSON.stringify(put(state, []));
  return { json, tensors: Object.fromEntries(tensors) };
}

/** The state that `flat` was given. */
export function unflat({ json, tensors }: Flat): unknown {
  const take = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(take);
    if (typeof value !== 'object' || value === null) return value;
    const { $tensor: name, $number: number } = value as { $tensor?: string; $number?: string };
    if (number !== undefined) return Number(number);
    if (name === undefined) return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, take(v)]));
    const t = Object.keys(tensors).includes(name) ? tensors[name] : undefined;
    if (t) return t;
    throw new FormatError(`The checkpoint names a tensor ${name} that it does not hold.`);
  };
  return take(JSON.parse(json));
}
