import { runInNewContext } from 'node:vm';
import { FormatError, type Tensor, tensor, zeros } from 'downhill';
import { fromSafetensors, toSafetensors } from 'downhill/io';
import * as nn from 'downhill/nn';
import { describe, expect, it } from 'vitest';
import { bitsOf } from './golden/bits.js';
import { any, failure, testFailures } from './support/failures';
import { numbers } from './support/numbers';

/** A file by hand: the header as text, the bytes behind it. */
function file(header: unknown, data: ArrayLike<number> = [], length?: number | bigint): Uint8Array {
  const text = typeof header === 'string' ? header : JSON.stringify(header);
  const json = new TextEncoder().encode(text);
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length ?? json.length), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

const entry = (dtype: string, shape: unknown, offsets: unknown) => ({ dtype, shape, data_offsets: offsets });
const bytesOf = ({ buffer }: { buffer: ArrayBufferLike }) => new Uint8Array(buffer);

describe('toSafetensors', () => {
  // The bytes that the tests of huggingface/safetensors expect of its own writer (safetensors/src/tensor.rs).
  it('writes the very bytes of the reference implementation', () => {
    const data = { shape: [1, 2, 3], data: [0, 1, 2, 3, 4, 5] };
    const header = '{"attn.0":{"dtype":"F32","shape":[1,2,3],"data_offsets":[0,24]}}';
    expect(toSafetensors({ 'attn.0': data })).toEqual(file(header, bytesOf(new Float32Array(data.data))));
    const padded = '{"attn0":{"dtype":"F32","shape":[1,1,2,3],"data_offsets":[0,24]}}       ';
    const shape = [1, 1, 2, 3];
    expect(toSafetensors({ attn0: { ...data, shape } })).toEqual(file(padded, bytesOf(new Float32Array(data.data))));
    expect(toSafetensors({})).toEqual(file('{}      '));
    const metadata = { framework: 'pt' };
    expect(toSafetensors({}, { metadata })).toEqual(file('{"__metadata__":{"framework":"pt"}}     '));
  });

  it('gives back every bit of any tensor, in its order and shape', () => {
    const floats = new Float32Array(new Uint32Array([0x80000000, 0x7fc00001, 0xff800000, 1, 0x7f7fffff, 0]).buffer);
    const given = {
      '10': tensor(floats, { shape: [2, 3] }),
      scalar: tensor(7),
      whole: tensor(new Int32Array([-(2 ** 31), 2 ** 31 - 1])),
      none: zeros([0, 4]),
      turned: tensor(floats, { shape: [2, 3] }).transpose(),
      'a "name"\n\u{1f600}': tensor([1]),
      '2': tensor([2]),
    };
    const { tensors, metadata } = fromSafetensors(toSafetensors(given, { metadata: { 'a:b"{': '"\\":{' } }));
    expect(bitsOf(tensors)).toEqual(bitsOf(given));
    expect(Object.values(tensors).map(({ dtype }) => dtype)).toEqual(Object.values(given).map(({ dtype }) => dtype));
    expect(metadata).toEqual({ 'a:b"{': '"\\":{' });
  });

  it('keeps what a model has learned', () => {
    const make = () => new nn.Sequential(new nn.Linear(3, 4), new nn.BatchNorm1d(4), new nn.Linear(4, 1));
    const [a, b] = [make(), make()];
    a.forward(tensor([1, 2, 3, 4, 5, 6], { shape: [2, 3] }));
    b.loadStateDict(fromSafetensors(toSafetensors(a.stateDict())).tensors);
    expect(bitsOf(b.stateDict())).toEqual(bitsOf(a.stateDict()));
  });

  it('is read from bytes of another realm, such as a test runner has', () => {
    const bytes = toSafetensors({ a: tensor([1, 2]) });
    for (const kind of ['Uint8Array', 'ArrayBuffer']) {
      const foreign = runInNewContext(
        `const all = Uint8Array.from(bytes); ${kind === 'ArrayBuffer' ? 'all.buffer' : 'all'}`,
        {
          bytes,
        },
      );
      expect(fromSafetensors(foreign).tensors.a?.toArray()).toEqual([1, 2]);
    }
  });

  testFailures([
    failure(
      'refuses __metadata__ as a name',
      () => toSafetensors({ __metadata__: tensor(1) }),
      Error,
      /^OptionError: .*__metadata__/,
    ),
    failure(
      'refuses __proto__ as a name',
      () => toSafetensors(JSON.parse('{"__proto__":{"shape":[1],"data":[1]}}')),
      Error,
      /^OptionError: .*__proto__/,
    ),
    failure(
      'refuses half a character in a name',
      () => toSafetensors({ '\ud800': tensor(1) }),
      Error,
      /^OptionError: .*ud800/,
    ),
    failure(
      'refuses metadata that are no strings',
      () => toSafetensors({}, { metadata: any({ epoch: 3 }) }),
      Error,
      /^OptionError: .*epoch: 3; the format holds strings alone/,
    ),
    failure(
      'refuses other options',
      () => toSafetensors({}, any({ metdata: {} })),
      Error,
      /^OptionError: .*did you mean "metadata"/,
    ),
    failure(
      'refuses data of another shape',
      () => toSafetensors({ a: { shape: [3], data: [1, 2] } }),
      Error,
      /^ShapeError/,
    ),
  ]);
});

/** Bytes of a type, and the numbers that they are. */
const TYPES: [string, ArrayBufferView<ArrayBuffer>, number[]][] = [
  ['F32', new Float32Array([1.5, -0, Number.NaN]), [1.5, -0, Number.NaN]],
  ['I32', new Int32Array([-5, 2 ** 31 - 1]), [-5, 2 ** 31 - 1]],
  ['F64', new Float64Array([0.5, 2 ** -149, -Infinity, Number.NaN]), [0.5, 2 ** -149, -Infinity, Number.NaN]],
  // IEEE 754-2008: 1, -2, the largest, the smallest normal, the smallest, -0, infinities, 1/3 rounded.
  [
    'F16',
    new Uint16Array([0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x8000, 0x7c00, 0xfc00, 0x3555, 0x7e00, 0x83ff]),
    [1, -2, 65504, 2 ** -14, 2 ** -24, -0, Infinity, -Infinity, 0.333251953125, Number.NaN, -1023 / 2 ** 24],
  ],
  ['BF16', new Uint16Array([0x3f80, 0xc000, 0x8000, 0x7f80, 0x3eab]), [1, -2, -0, Infinity, 0.333984375]],
  ['I64', new BigInt64Array([-1n, 2n ** 31n - 1n]), [-1, 2 ** 31 - 1]],
  ['U64', new BigUint64Array([0n, 7n]), [0, 7]],
  ['U32', new Uint32Array([2 ** 31 - 1]), [2 ** 31 - 1]],
  ['I16', new Int16Array([-32768, 5]), [-32768, 5]],
  ['U16', new Uint16Array([65535]), [65535]],
  ['I8', new Int8Array([-128, 127]), [-128, 127]],
  ['U8', new Uint8Array([255]), [255]],
  ['BOOL', new Uint8Array([0, 1]), [0, 1]],
];

const INEXACT: [string, ArrayBufferView<ArrayBuffer>, RegExp][] = [
  ['F64', new Float64Array([1, 0.1]), /"a" is of F64, and its element 1 is 0.1, which is no float32/],
  ['F64', new Float64Array([1e300]), /1e\+300, which is no float32/],
  ['I64', new BigInt64Array([2n ** 31n]), /"a" is of I64, and its element 0 is 2147483648, which is no int32/],
  ['I64', new BigInt64Array([-(2n ** 63n)]), /-9223372036854775808, which is no int32/],
  ['U64', new BigUint64Array([2n ** 64n - 1n]), /18446744073709551615, which is no int32/],
  ['U32', new Uint32Array([2 ** 31]), /2147483648, which is no int32/],
  ['BOOL', new Uint8Array([2]), /element 0 is 2/],
];

const holding = (dtype: string, values: ArrayBufferView) => {
  const { length } = values as unknown as { length: number };
  return file({ a: entry(dtype, [length], [0, values.byteLength]) }, new Uint8Array(values.buffer));
};

describe('the types of fromSafetensors', () => {
  it.each(TYPES)('%s is read to the bit', (dtype, values, expected) => {
    const { a } = fromSafetensors(holding(dtype, values)).tensors;
    expect(a?.toArray()).toEqual(expected);
    expect(a?.dtype).toBe(/^B?F/.test(dtype) ? 'float32' : 'int32');
  });

  it.each(INEXACT)('%s of what has no place here is an error', (dtype, values, says) => {
    expect(() => fromSafetensors(holding(dtype, values))).toThrow(says);
    expect(() => fromSafetensors(holding(dtype, values))).toThrow(FormatError);
  });

  it('are read at any offset of any buffer', () => {
    const bytes = holding('F64', new Float64Array([0.25]));
    const moved = new Uint8Array(bytes.length + 3);
    moved.set(bytes, 3);
    expect(fromSafetensors(moved.subarray(3)).tensors.a?.toArray()).toEqual([0.25]);
    expect(fromSafetensors(bytes.slice().buffer).tensors.a?.toArray()).toEqual([0.25]);
  });
});

const two = entry('U8', [2], [0, 2]);
const deep = `${'['.repeat(1e6)}${']'.repeat(1e6)}`;

/** What the published rules forbid, and what the reader says. */
const BROKEN: [name: string, bytes: Uint8Array, says: RegExp][] = [
  ['nothing', new Uint8Array(0), /there are 0 bytes/],
  ['half a length', new Uint8Array(7), /there are 7 bytes/],
  ['a header beyond the end', file({}, [], 3), /header ends at byte 11, and there are 10/],
  ['a header of more than 100 MB', file({}, [], 100_000_001), /100000001 bytes; the format allows 100000000/],
  ['a header of 2^64 - 1 bytes', file({}, [], 2n ** 64n - 1n), /18446744073709551615 bytes; the format allows/],
  ['a header of no bytes', file('', [1]), /does not begin with \{/],
  ['a header that begins with a space', file(' {}'), /does not begin with \{/],
  ['a header that begins with a byte order mark', file('\ufeff{}'), /does not begin with \{/],
  ['a list as header', file('[]'), /does not begin with \{/],
  ['a header that is no JSON', file('{"a":}'), /is no JSON/],
  ['a header that ends early', file('{"a":{"dtype":"U8"'), /is no JSON/],
  [
    'a header that is not UTF-8',
    (() => {
      const f = file('{"a_":0}');
      f[11] = 0xff;
      return f;
    })(),
    /is no JSON/,
  ],
  ['a header of brackets', file(`{"a":${deep}}`), /is no JSON|same name|no record/],
  ['two headers', file('{}{}'), /is no JSON/],
  ['zeros behind the header', file('{}\0\0'), /is no JSON/],
  ['a name twice', file(`{"a":${JSON.stringify(two)},"a":${JSON.stringify(two)}}`, [1, 2]), /same name twice/],
  [
    'a name twice, once in escapes',
    file(`{"a":${JSON.stringify(two)},"\\u0061":${JSON.stringify(two)}}`, [1, 2]),
    /same name twice/,
  ],
  [
    'a field twice',
    file('{"a":{"dtype":"U8","dtype":"U8","shape":[2],"data_offsets":[0,2]}}', [1, 2]),
    /same name twice/,
  ],
  ['metadata twice', file('{"__metadata__":{},"__metadata__":{}}'), /same name twice/],
  ['the name __proto__', file(`{"__proto__":${JSON.stringify(two)}}`, [1, 2]), /a tensor is called "__proto__"/],
  [
    'the name __proto__ in escapes',
    file(`{"\\u005f_proto__":${JSON.stringify(two)}}`, [1, 2]),
    /a tensor is called "__proto__"/,
  ],
  ['half a character as a name', file(`{"\\ud800":${JSON.stringify(two)}}`, [1, 2]), /a tensor is called "\\ud800"/],
  ['__proto__ in the metadata', file('{"__metadata__":{"__proto__":"x"}}'), /its metadata have the name "__proto__"/],
  ['metadata that are no record', file('{"__metadata__":"x"}'), /its metadata are no record/],
  ['metadata that are null', file('{"__metadata__":null}'), /its metadata are no record/],
  ['metadata that are no text', file('{"__metadata__":{"n":1}}'), /its metadata "n" are no text/],
  ['a tensor that is no record', file('{"a":[]}'), /"a" is no record/],
  ['a tensor that is null', file('{"a":null}'), /"a" is no record/],
  ['no dtype', file({ a: { shape: [2], data_offsets: [0, 2] } }, [1, 2]), /"a" has no dtype/],
  [
    'an unknown dtype',
    file({ a: entry('F8_E4M3', [2], [0, 2]) }, [1, 2]),
    /"a" has the dtype F8_E4M3; what is read is F32/,
  ],
  ['a dtype of another case', file({ a: entry('f32', [1], [0, 4]) }, [0, 0, 0, 0]), /has the dtype f32/],
  [
    'a dtype of every object',
    file({ a: entry('constructor', [1], [0, 4]) }, [0, 0, 0, 0]),
    /has the dtype constructor/,
  ],
  ['no shape', file({ a: { dtype: 'U8', data_offsets: [0, 2] } }, [1, 2]), /"a" has no shape/],
  ['a shape that is a number', file({ a: entry('U8', 2, [0, 2]) }, [1, 2]), /"a" has no shape/],
  ['a negative size', file({ a: entry('U8', [-2], [0, 2]) }, [1, 2]), /"a" has no shape/],
  ['half a size', file({ a: entry('U8', [0.5], [0, 2]) }, [1, 2]), /"a" has no shape/],
  ['a size of minus nothing', file('{"a":{"dtype":"U8","shape":[-0],"data_offsets":[0,0]}}'), /"a" has no shape/],
  ['a size in words', file({ a: entry('U8', ['2'], [0, 2]) }, [1, 2]), /"a" has no shape/],
  ['sizes that overflow', file({ a: entry('U8', [2 ** 40, 2 ** 40], [0, 2]) }, [1, 2]), /too many elements/],
  ['sizes that overflow before a 0', file({ a: entry('U8', [2 ** 40, 2 ** 40, 0], [0, 0]) }), /too many elements/],
  [
    'another size than the bytes',
    file({ a: entry('U8', [3], [0, 2]) }, [1, 2]),
    /shape \[3\] and dtype U8 has 2 bytes; it needs 3/,
  ],
  [
    'a huge tensor of few bytes',
    file({ a: entry('F32', [2 ** 48], [0, 2]) }, [1, 2]),
    /has 2 bytes; it needs 1125899906842624/,
  ],
  ['no offsets', file({ a: { dtype: 'U8', shape: [2] } }, [1, 2]), /"a" has no data_offsets/],
  ['one offset', file({ a: entry('U8', [2], [2]) }, [1, 2]), /"a" has no data_offsets/],
  ['three offsets', file({ a: entry('U8', [2], [0, 2, 2]) }, [1, 2]), /"a" has no data_offsets/],
  ['negative offsets', file({ a: entry('U8', [2], [-2, 0]) }, [1, 2]), /"a" has no data_offsets/],
  ['offsets that are turned', file({ a: entry('U8', [2], [2, 0]) }, [1, 2]), /has -2 bytes; it needs 2/],
  ['offsets beyond the end', file({ a: entry('U8', [2], [0, 2]) }, [1]), /end at byte 2 of 1/],
  ['offsets of 2^53', file({ a: entry('U8', [2], [2 ** 53, 2 ** 53 + 2]) }, [1]), /"a" has no data_offsets/],
  [
    'a hole at the beginning',
    file({ a: entry('U8', [2], [1, 3]) }, [1, 2, 3]),
    /"a" begins at byte 1, which leaves a hole/,
  ],
  [
    'a hole in the middle',
    file({ a: two, b: entry('U8', [1], [3, 4]) }, [1, 2, 3, 4]),
    /"b" begins at byte 3, which leaves a hole/,
  ],
  ['bytes behind the last tensor', file({ a: two }, [1, 2, 3]), /end at byte 2 of 3/],
  ['an overlap', file({ a: two, b: entry('U8', [2], [1, 3]) }, [1, 2, 3]), /"b" begins at byte 1, which overlaps/],
  ['two tensors in the same bytes', file({ a: two, b: two }, [1, 2]), /"b" begins at byte 0, which overlaps/],
  ['data without a tensor', file('{}', [1]), /end at byte 0 of 1/],
];

describe('fromSafetensors', () => {
  it.each(BROKEN)('finds %s', (_, bytes, says) => {
    expect(() => fromSafetensors(bytes)).toThrow(says);
    expect(() => fromSafetensors(bytes)).toThrow(FormatError);
  });

  it('takes what the rules allow: spaces behind the header, any order, tensors of no elements', () => {
    const header = {
      b: entry('U8', [1], [2, 3]),
      none: entry('F32', [2, 0], [2, 2]),
      a: two,
      end: entry('I64', [0], [3, 3]),
    };
    const { tensors, metadata } = fromSafetensors(file(`${JSON.stringify(header)}   `, [1, 2, 3]));
    expect(Object.entries(tensors).map(([name, t]) => [name, t.shape, t.toArray()])).toEqual([
      ['a', [2], [1, 2]],
      ['none', [2, 0], [[], []]],
      ['b', [1], [3]],
      ['end', [0], []],
    ]);
    expect(metadata).toEqual({});
    expect(fromSafetensors(file('{}'))).toEqual({ tensors: {}, metadata: {} });
  });

  it('takes bytes alone', () => {
    expect(() => fromSafetensors(any('{}'))).toThrow(/OptionError|got "\{\}"; give it the bytes/);
  });

  it('of 100,000 mutated files gives a FormatError or what the file says, and makes no more than it holds', () => {
    const next = numbers(77);
    const below = (n: number) => Math.floor(next() * n);
    const files = seeds();
    let [refused, read] = [0, 0];
    for (let i = 0; i < 100_000; i++) {
      const bytes = mutated(files[below(files.length)] as Uint8Array, below);
      try {
        checkRead(bytes, fromSafetensors(bytes).tensors);
        read++;
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(50_000);
    expect(read).toBeGreaterThan(1000);
  });
});

/** Files to mutate: some types, some shapes, with and without metadata. */
function seeds(): Uint8Array[] {
  return [
    toSafetensors({ weight: tensor([[1, 2, 3]]), bias: tensor(4) }, { metadata: { format: 'pt' } }),
    toSafetensors({ a: zeros([0, 2]), b: tensor(new Int32Array([1, -1])), c: tensor([0.5]) }),
    file({ a: two, b: entry('BOOL', [2, 1], [2, 4]), c: entry('F16', [], [4, 6]) }, [1, 2, 0, 1, 0, 60]),
    file({ x: entry('I64', [1], [0, 8]), y: entry('F64', [1], [8, 16]) }, new Uint8Array(16)),
    file({ h: entry('BF16', [3], [0, 6]) }, [1, 2, 3, 4, 5, 6]),
  ];
}

const TOKENS = [
  '0',
  '9',
  '-',
  '1e9',
  '"',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  ' ',
  '\\',
  'null',
  '"F32"',
  '"U8"',
  '"__proto__":',
  '"a":',
  '999999999999',
];

/** A file with one to four of its bytes, lengths or words changed. */
function mutated(given: Uint8Array, below: (n: number) => number): Uint8Array {
  let bytes = given;
  for (let n = 1 + below(4); n > 0; n--) {
    const at = below(bytes.length);
    const kind = below(6);
    if (kind === 0) bytes = with_(bytes, at, [(bytes[at] as number) ^ (1 << below(8))]);
    else if (kind === 1) bytes = with_(bytes, at, [below(256)]);
    else if (kind === 2) bytes = bytes.slice(0, at);
    else if (kind === 3)
      bytes = spliced(bytes, { at, drop: below(4), insert: new TextEncoder().encode(TOKENS[below(TOKENS.length)]) });
    else if (kind === 4)
      bytes = spliced(bytes, { at, drop: 0, insert: bytes.subarray(below(bytes.length)).slice(0, 8) });
    else bytes = retold(bytes, below);
    if (bytes.length === 0) return bytes;
  }
  return bytes;
}

function with_(bytes: Uint8Array, at: number, values: number[]): Uint8Array {
  const out = bytes.slice();
  out.set(values, at);
  return out;
}

function spliced(
  bytes: Uint8Array,
  { at, drop, insert }: { at: number; drop: number; insert: Uint8Array },
): Uint8Array {
  const out = [...bytes.subarray(0, at), ...insert, ...bytes.subarray(at + drop)];
  const made = Uint8Array.from(out);
  // As often as not the length is made right again, so that what was changed is looked at.
  if (at > 8 && made.length > 16 && at & 1) made[0] = (made[0] as number) + insert.length - drop;
  return made;
}

/** One number in the header, changed. */
function retold(bytes: Uint8Array, below: (n: number) => number): Uint8Array {
  const text = new TextDecoder('latin1').decode(bytes);
  const found = [...text.matchAll(/\d+/g)].filter(({ index }) => index > 8);
  const one = found[below(found.length)];
  if (!one) return bytes;
  const digits = String(below(20)).padStart(one[0].length, ' ').slice(0, one[0].length);
  return with_(
    bytes,
    one.index,
    [...digits].map((c) => c.charCodeAt(0)),
  );
}

/** A half in float64: IEEE 754's own formula. */
function half(bits: number): number {
  const [sign, exponent, mantissa] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return mantissa ? Number.NaN : sign * Infinity;
  return sign * (exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15));
}

/** An element at a byte, by the type's name. */
const ELEMENTS: Record<string, (view: DataView, at: number) => number> = {
  F32: (view, at) => view.getFloat32(at, true),
  F64: (view, at) => view.getFloat64(at, true),
  F16: (view, at) => half(view.getUint16(at, true)),
  BF16: (view, at) => new Float32Array(new Uint32Array([view.getUint16(at, true) * 65536]).buffer)[0] as number,
  I64: (view, at) => Number(view.getBigInt64(at, true)),
  U64: (view, at) => Number(view.getBigUint64(at, true)),
  I32: (view, at) => view.getInt32(at, true),
  U32: (view, at) => view.getUint32(at, true),
  I16: (view, at) => view.getInt16(at, true),
  U16: (view, at) => view.getUint16(at, true),
  I8: (view, at) => view.getInt8(at),
  U8: (view, at) => view.getUint8(at),
  BOOL: (view, at) => view.getUint8(at),
};

/** What was read must be what a plain reader of well-formed files finds, and no more elements than there are bytes. */
function checkRead(bytes: Uint8Array, tensors: Record<string, Tensor>): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const start = 8 + Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
  const names = Object.keys(header).filter((name) => name !== '__metadata__');
  if (String(Object.keys(tensors).sort()) !== String(names.sort())) expect.fail(`other names than ${names}`);
  let total = 0;
  for (const name of names) {
    const { dtype, shape, data_offsets } = header[name];
    const { shape: made, size } = tensors[name] as Tensor;
    if (String(made) !== String(shape)) expect.fail(`${name} of shape ${made}, not ${shape}`);
    total += size;
    const bytesEach = size === 0 ? 0 : (data_offsets[1] - data_offsets[0]) / size;
    (tensors[name] as Tensor).toTypedArray().forEach((value, i) => {
      const expected = ELEMENTS[dtype]?.(view, start + data_offsets[0] + i * bytesEach);
      if (!Object.is(value, expected)) expect.fail(`${name}[${i}] is ${value}, not ${expected}`);
    });
  }
  expect(total).toBeLessThanOrEqual(bytes.length);
}
