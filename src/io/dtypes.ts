import { FormatError } from '../errors';

/** The elements of a tensor as they are here: float32 or int32. */
export type Elements = Float32Array | Int32Array;

/** A type of the format: the bytes of an element, and the elements of some bytes. */
interface Kind {
  readonly bytes: number;
  read(data: ArrayBuffer): ArrayLike<number>;
}

function firstBad(values: ArrayLike<number | bigint>, holds: (value: number) => boolean): number {
  for (let i = 0; i < values.length; i++) if (!holds(Number(values[i]))) return i;
  return -1;
}

/** The values as int32 or float32, if each is one. */
function converted<T extends Elements>(
  values: ArrayLike<number> | ArrayLike<bigint>,
  { to, holds }: { to: (size: number) => T; holds: (value: number) => boolean },
): T {
  const bad = firstBad(values, holds);
  if (bad >= 0)
    throw new FormatError(
      `element ${bad} is ${values[bad]}, which is no ${to(0) instanceof Int32Array ? 'int32' : 'float32'}`,
    );
  const out = to(values.length);
  for (let i = 0; i < out.length; i++) out[i] = Number(values[i]);
  return out;
}

const isInt32 = (value: number) => (value | 0) === value;
const isFloat32 = (value: number) => Object.is(Math.fround(value), value);
const isBit = (value: number) => value === 0 || value === 1;

const whole = (values: ArrayLike<number> | ArrayLike<bigint>, holds = isInt32) =>
  converted(values, { to: (size) => new Int32Array(size), holds });

/** Sign, five bits of exponent, ten of mantissa (IEEE 754 binary16): every one is a float32. */
function fromHalves(halves: Uint16Array): Float32Array {
  const floats = new Float32Array(halves.length);
  const bits = new Uint32Array(floats.buffer);
  halves.forEach((half, i) => {
    const [sign, exponent, mantissa] = [half >>> 15, (half >>> 10) & 31, half & 1023];
    if (exponent === 0) floats[i] = ((sign ? -1 : 1) * mantissa) / 2 ** 24;
    else bits[i] = (sign << 31) | ((exponent === 31 ? 255 : exponent + 112) << 23) | (mantissa << 13);
  });
  return floats;
}

/** Each is the upper half of a float32. */
function fromBrains(brains: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(brains, (half) => half << 16).buffer);
}

/** The types that can be read; https://github.com/huggingface/safetensors has their names. */
export const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['F32', { bytes: 4, read: (data) => new Float32Array(data) }],
  ['I32', { bytes: 4, read: (data) => new Int32Array(data) }],
  [
    'F64',
    {
      bytes: 8,
      read: (data) => converted(new Float64Array(data), { to: (size) => new Float32Array(size), holds: isFloat32 }),
    },
  ],
  ['F16', { bytes: 2, read: (data) => fromHalves(new Uint16Array(data)) }],
  ['BF16', { bytes: 2, read: (data) => fromBrains(new Uint16Array(data)) }],
  ['I64', { bytes: 8, read: (data) => whole(new BigInt64Array(data)) }],
  ['U64', { bytes: 8, read: (data) => whole(new BigUint64Array(data)) }],
  ['U32', { bytes: 4, read: (data) => whole(new Uint32Array(data)) }],
  ['I16', { bytes: 2, read: (data) => whole(new Int16Array(data)) }],
  ['U16', { bytes: 2, read: (data) => whole(new Uint16Array(data)) }],
  ['I8', { bytes: 1, read: (data) => whole(new Int8Array(data)) }],
  ['U8', { bytes: 1, read: (data) => whole(new Uint8Array(data)) }],
  ['BOOL', { bytes: 1, read: (data) => whole(new Uint8Array(data), isBit) }],
]);
