/** A message, or fields of one, as bytes: https://protobuf.dev/programming-guides/encoding. */
export type Message = Uint8Array<ArrayBuffer>;

const VARINT = 0;
const LENGTH = 2;
const FOUR_BYTES = 5;

export function joined(parts: readonly Uint8Array[]): Message {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Seven bits a byte, the lowest first; what is negative has 64. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
}

const head = (field: number, kind: number) => varint(field * 8 + kind);

export const integer = (field: number, value: number): Message =>
  Uint8Array.from([...head(field, VARINT), ...varint(value)]);

export function float(field: number, value: number): Message {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return joined([Uint8Array.from(head(field, FOUR_BYTES)), bytes]);
}

/** Bytes, or a message made of fields. */
export function block(field: number, ...parts: readonly Uint8Array[]): Message {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return joined([Uint8Array.from([...head(field, LENGTH), ...varint(length)]), ...parts]);
}

export const text = (field: number, value: string): Message => block(field, new TextEncoder().encode(value));
