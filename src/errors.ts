/** What every error of the library is: its message says what was given, what was needed and what to do. */
export class DownhillError extends Error {
  override name = 'DownhillError';
}

/** A tensor has another shape than the operation needs. */
export class ShapeError extends DownhillError {
  override name = 'ShapeError';
}

/** An option or a value is unknown or out of range. */
export class OptionError extends DownhillError {
  override name = 'OptionError';
}

/** The call is not possible now: after `dispose`, inside a compiled step, twice on one graph, without WebAssembly. */
export class StateError extends DownhillError {
  override name = 'StateError';
}

/** Memory could not be had: how much was asked for, how much is held, and by what. */
export class MemoryError extends DownhillError {
  override name = 'MemoryError';
}

/** A file, or bytes, are not what they should be: foreign, cut off, damaged, or of a newer version. */
export class FormatError extends DownhillError {
  override name = 'FormatError';
}

/** Training met a number that is not finite. The model keeps its last finite parameters. */
export class DivergenceError extends DownhillError {
  override name = 'DivergenceError';

  constructor(
    message: string,
    /** The epoch, counted from 1. */
    readonly epoch: number,
    /** The batch in the epoch, counted from 1. */
    readonly batch: number,
    /** The first tensor that was not finite: `loss`, or the name of a parameter. */
    readonly tensor: string,
  ) {
    super(message);
  }
}

/** The number of insertions, deletions and replacements that turn a into b (Levenshtein 1966). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const replaced = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

function nearest(name: string, known: readonly string[]): string | undefined {
  const lower = name.toLowerCase();
  const ranked = known.map((k) => ({ k, d: distance(lower, k.toLowerCase()) })).sort((a, b) => a.d - b.d);
  const best = ranked[0];
  return best && best.d <= Math.max(2, name.length / 2) ? best.k : undefined;
}

/** What a value must be: in words, by its type (default: 'number'), and as a test of what is of that type. */
export interface Rule {
  readonly needed: string;
  readonly type?: 'number' | 'string' | 'boolean' | 'function' | 'object';
  readonly holds?: (value: never) => boolean;
}

/** The rules of options; undefined for one that its owner looks at himself. */
export type Rules<K extends string = string> = Readonly<Record<K, Rule | undefined>>;

/** The most characters of a text that a message repeats. */
const MOST = 80;

/** A value in words. */
export function quoted(value: unknown): string {
  if (typeof value === 'string') return value.length > MOST ? `"${value.slice(0, MOST)}…"` : `"${value}"`;
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return 'an array';
  if (typeof value === 'function') return `the function ${value.name}`;
  // A module's namespace is an object without a text.
  return typeof value === 'object' && value && !('toString' in value) ? 'an object' : String(value);
}

/** Throws an OptionError unless `value` is what the rule says. */
export function checkValue(what: string, value: unknown, { needed, type = 'number', holds }: Rule): void {
  if (typeof value === type && (!holds || holds(value as never))) return;
  throw new OptionError(`${what} is ${quoted(value)}; it must be ${needed}.`);
}

/** Throws an OptionError unless `value` is a number as the rule says. */
export function checkNumber(what: string, value: unknown, rule: Omit<Rule, 'type'>): asserts value is number {
  checkValue(what, value, rule);
}

/** Throws an OptionError for the first of the values that is not what its rule says. */
export function checkValues(values: object, rules: Readonly<Record<string, Rule>>): void {
  for (const [name, rule] of Object.entries(rules)) checkValue(name, (values as Record<string, unknown>)[name], rule);
}

/** Throws an OptionError for the first name in `given` that is not known, with the nearest one that is, or whose value breaks its rule. */
export function checkOptions(owner: string, given: object | undefined, known: readonly string[] | Rules): void {
  if (given === undefined) return;
  const names = Array.isArray(known) ? (known as readonly string[]) : Object.keys(known);
  if (given === null || typeof given !== 'object' || Array.isArray(given)) {
    throw new OptionError(
      `${owner} got ${quoted(given)} for its options; give one object, such as { ${names[0]}: … }.`,
    );
  }
  for (const [name, value] of Object.entries(given)) {
    if (!names.includes(name)) {
      const near = nearest(name, names);
      const hint = near ? `did you mean "${near}"?` : `known options: ${names.join(', ')}.`;
      throw new OptionError(`${owner} has no option "${name}"; ${hint}`);
    }
    const rule = (known as Rules)[name];
    if (rule && value !== undefined) checkValue(name, value, rule);
  }
}

export const isCount = { needed: 'a whole number of at least 1', holds: (n: number) => Number.isInteger(n) && n >= 1 };
export const isIndex = { needed: 'a whole number of at least 0', holds: (n: number) => Number.isInteger(n) && n >= 0 };
export const isReal = { needed: 'a finite number', holds: (n: number) => Number.isFinite(n) };
export const isRate = { needed: 'a finite number of at least 0', holds: (n: number) => Number.isFinite(n) && n >= 0 };
export const isFraction = { needed: 'at least 0 and less than 1', holds: (n: number) => n >= 0 && n < 1 };
export const isPositive = { needed: 'a finite number above 0', holds: (n: number) => n > 0 && Number.isFinite(n) };
export const isAboveZero = { needed: 'a number above 0', holds: (n: number) => n > 0 };
export const isFlag = { needed: 'true or false', type: 'boolean' } as const;
export const isFunction = { needed: 'a function', type: 'function' } as const;

export const isSignal = {
  needed: 'the signal of an AbortController',
  type: 'object',
  holds: (signal: AbortSignal | null) => typeof signal?.aborted === 'boolean',
} as const;

/** One of some words. */
export function isOneOf(...words: readonly string[]): Rule {
  const list = words.map((word) => `'${word}'`);
  const needed = [list.slice(0, -1).join(', '), list[list.length - 1]].filter(Boolean).join(' or ');
  return { needed, type: 'string', holds: (word) => words.includes(word) };
}
