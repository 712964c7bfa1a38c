import { digits } from './digits';

/** A value of JavaScript as Python writes it. */
export function literal(value: unknown): string {
  if (value === undefined || value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return numeral(value);
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  return JSON.stringify(value);
}

function numeral(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'float("nan")' : `float("${value > 0 ? 'inf' : '-inf'}")`;
}

/** What stands for itself in a source. */
export class Source {
  constructor(readonly text: string) {}
}

const shown = (value: unknown) => (value instanceof Source ? value.text : literal(value));

/** The options of PyTorch that are not spelled as ours with underscores. */
const NAMES: Readonly<Record<string, string>> = { tMax: 'T_max', t0: 'T_0', tMult: 'T_mult' };

/** A name in PyTorch's spelling: weightDecay is weight_decay. */
export const snake = (name: string) => NAMES[name] ?? name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);

/** Options by PyTorch's names, without those that are undefined. */
export function renamed(options: object): Record<string, unknown> {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [snake(name), value]));
}

/** A call: positional arguments, then named ones. */
export function call(name: string, positional: readonly unknown[], named: object = {}): Source {
  const words = Object.entries(renamed(named)).map(([key, value]) => `${key}=${shown(value)}`);
  return new Source(`${name}(${[...positional.map(shown), ...words].join(', ')})`);
}

/** A tensor of float32 as a source. */
export function tensorOf(values: unknown): Source {
  const written = (value: unknown): string =>
    Array.isArray(value) ? `[${value.map(written).join(', ')}]` : digits(value as number);
  return new Source(`torch.tensor(${written(values)}, dtype=torch.float32)`);
}

/** Lines under each other, so many columns in. */
export const indented = (text: string, by = 4) => text.replaceAll('\n', `\n${' '.repeat(by)}`);
