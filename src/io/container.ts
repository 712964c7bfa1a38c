import { FormatError } from '../errors';
import type { Tensor } from '../tensor/tensor';
import { crc32 } from './crc32';
import { fromSafetensors, type Safetensors, toSafetensors } from './safetensors';

/** The number of what is written; what is newer is not read. */
const FORMAT = 1;

/**
 * A checkpoint is a safetensors file whose metadata begin with fields of fixed lengths:
 *
 *     header's length | {"__metadata__":{"downhill":"checkpoint","format":"0001","bytes":"…","body":"…","head":"…" | …
 *
 * `bytes` is the length of the file, `head` the CRC-32 of all before its digits, `body` that of all behind them. So every bit
 * is covered, and a file that was cut off is told from one that was damaged.
 */
const FIELDS = {
  downhill: 'checkpoint',
  format: '0000',
  bytes: '0'.repeat(15),
  body: '0'.repeat(8),
  head: '0'.repeat(8),
};

const MAGIC_AT = 8;
const TEMPLATE = `{"__metadata__":${JSON.stringify(FIELDS).slice(0, -1)}`;

/** Where the digits of a field stand. */
function placeOf(name: keyof typeof FIELDS): { from: number; to: number } {
  const key = `"${name}":"`;
  const from = MAGIC_AT + TEMPLATE.indexOf(key) + key.length;
  return { from, to: from + FIELDS[name].length };
}

const digitsOf = (value: number, name: keyof typeof FIELDS) => String(value).padStart(FIELDS[name].length, '0');

/** The bytes of a checkpoint. */
export function seal(tensors: Record<string, Tensor>, metadata: Record<string, string>): Uint8Array<ArrayBuffer> {
  const bytes = toSafetensors(tensors, { metadata: { ...FIELDS, ...metadata } });
  const write = (name: keyof typeof FIELDS, digits: string) =>
    bytes.set(new TextEncoder().encode(digits), placeOf(name).from);
  write('format', digitsOf(FORMAT, 'format'));
  write('bytes', digitsOf(bytes.length, 'bytes'));
  const { from, to } = placeOf('head');
  write('body', crc32(bytes.subarray(to)));
  write('head', crc32(bytes.subarray(0, from)));
  return bytes;
}

/** The share of a checkpoint's first bytes that are here, of as many as there are. */
function likeness(bytes: Uint8Array): number {
  const magic = TEMPLATE.slice(0, placeOf('format').from - MAGIC_AT);
  const there = Math.min(magic.length, bytes.length - MAGIC_AT);
  let same = 0;
  for (let i = 0; i < there; i++) if (bytes[MAGIC_AT + i] === magic.charCodeAt(i)) same++;
  return there > 0 ? same / there : 1;
}

/**
 * What a checkpoint holds.
 *
 * @throws FormatError for a file that is foreign, cut off, damaged or newer; `name` is its name.
 */
export function unseal(bytes: Uint8Array, name: string): Safetensors {
  const fail = (what: string): never => {
    throw new FormatError(`${name} ${what}`);
  };
  const damaged = (): never => fail('is damaged: its bits are not those that were written. Take an older copy.');
  const cutOff = (needed: number | string) =>
    fail(`is cut off: it has ${bytes.length} of ${needed} bytes. Take an older copy.`);
  const { from, to } = placeOf('head');
  if (likeness(bytes) < 0.5) fail('is no checkpoint of downhill.');
  if (bytes.length < to) cutOff(`at least ${to}`);
  const digits = (field: keyof typeof FIELDS) => {
    const place = placeOf(field);
    return String.fromCharCode(...bytes.subarray(place.from, place.to));
  };
  if (crc32(bytes.subarray(0, from)) !== digits('head')) damaged();
  const format = Number(digits('format'));
  if (format !== FORMAT)
    fail(`is of format ${format}, and this version of downhill reads format ${FORMAT}. Use a newer one.`);
  const needed = Number(digits('bytes'));
  if (bytes.length < needed) cutOff(needed);
  if (bytes.length > needed || crc32(bytes.subarray(to)) !== digits('body')) damaged();
  return fromSafetensors(bytes);
}
