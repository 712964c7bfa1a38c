import { checkOptions, FormatError, OptionError, quoted } from '../errors';
import type { StateDict, StateEntry } from '../nn/module';
import { tensor } from '../tensor/create';
import type { Shape } from '../tensor/shape';
import { Tensor } from '../tensor/tensor';
import { type Elements, KINDS } from './dtypes';

/** What a safetensors file holds. */
export interface Safetensors {
  /** By name, in the order of their bytes: float32 or int32. */
  tensors: Record<string, Tensor>;
  /** Texts by name, such as who made the file. */
  metadata: Record<string, string>;
}

/** The length of the header as 64 bits, little end first. */
const LENGTH_BYTES = 8;
const MOST_HEADER_BYTES = 100_000_000;
const METADATA = '__metadata__';

const fail = (what: string): never => {
  throw new FormatError(`These bytes are no safetensors file that can be read: ${what}.`);
};

/** Names that no file may have: one is JavaScript's own, others are no text. */
const isHostile = (name: string) => name === '__proto__' || /\p{Surrogate}/u.test(name);

// ---- writing

function elementsOf(entry: StateEntry): { values: Elements; shape: Shape } {
  const t = entry instanceof Tensor ? entry : tensor(entry?.data, { shape: entry?.shape });
  return { values: t.toTypedArray(), shape: t.shape };
}

function checkName(name: string): void {
  if (name === METADATA || isHostile(name))
    throw new OptionError(`toSafetensors got the name ${JSON.stringify(name)}, which the format has no place for.`);
}

function checkMetadata(metadata: Record<string, string>): void {
  for (const [key, value] of Object.entries(metadata)) {
    checkName(key);
    if (typeof value !== 'string')
      throw new OptionError(
        `The metadata of toSafetensors has ${key}: ${String(value)}; the format holds strings alone.`,
      );
  }
}

/**
 * Tensors as the bytes of a safetensors file, which PyTorch and others read: F32 for float32, I32 for int32, in the order given.
 *
 * The format: https://github.com/huggingface/safetensors#format.
 *
 * @param tensors by name: a model's `stateDict()`, or tensors and `{ shape, data }`.
 * @param options `metadata`: strings by name; default none.
 * @throws OptionError for metadata that are no strings, and for the names `__metadata__` and `__proto__`.
 * @example
 * const model = new nn.Linear(3, 2);
 * const bytes = toSafetensors(model.stateDict(), { metadata: { format: 'pt' } });
 * const { tensors, metadata } = fromSafetensors(bytes);
 * expect(tensors.weight.toArray()).toEqual(model.weight.toArray());
 * expect(metadata).toEqual({ format: 'pt' });
 */
export function toSafetensors(
  tensors: StateDict,
  options: { metadata?: Record<string, string> } = {},
): Uint8Array<ArrayBuffer> {
  checkOptions('toSafetensors', options, ['metadata']);
  const { metadata = {} } = options;
  if (typeof tensors !== 'object' || !tensors || 'stateDict' in tensors)
    throw new OptionError(`toSafetensors got ${quoted(tensors)}; give it tensors by name, such as model.stateDict().`);
  checkMetadata(metadata);
  const list = Object.entries(tensors).map(([name, entry]) => {
    checkName(name);
    return { name, ...elementsOf(entry) };
  });
  let end = 0;
  const fields = list.map(({ name, values, shape }) => {
    const begin = end;
    end += values.byteLength;
    const dtype = values instanceof Int32Array ? 'I32' : 'F32';
    return `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [begin, end] })}`;
  });
  if (Object.keys(metadata).length > 0) fields.unshift(`"${METADATA}":${JSON.stringify(metadata)}`);
  const header = new TextEncoder().encode(`{${fields.join(',')}}`);
  // Spaces behind the header let the tensors begin at a multiple of 8.
  const start = LENGTH_BYTES + Math.ceil(header.length / 8) * 8;
  const bytes = new Uint8Array(start + end).fill(0x20, 0, start);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - LENGTH_BYTES), true);
  bytes.set(header, LENGTH_BYTES);
  let to = start;
  for (const { values } of list) {
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), to);
    to += values.byteLength;
  }
  return bytes;
}

// ---- reading

interface Entry {
  name: string;
  dtype: string;
  shape: number[];
  begin: number;
  end: number;
}

type Json = Record<string, unknown>;

const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isSize = (value: unknown): value is number =>
  Number.isSafeInteger(value) && !Object.is(value, -0) && (value as number) >= 0;
const isSizes = (value: unknown): value is number[] => Array.isArray(value) && value.every(isSize);

/** How many names valid JSON has: one for each colon outside its strings. */
function namesIn(json: string): number {
  let names = 0;
  let inside = false;
  for (let i = 0; i < json.length; i++) {
    const c = json[i];
    if (c === '"') inside = !inside;
    else if (inside && c === '\\') i++;
    else if (!inside && c === ':') names++;
  }
  return names;
}

/** How many names are left of them, once they are read. */
function namesOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const inner = Object.values(value);
  return inner.reduce((n: number, v) => n + namesOf(v), Array.isArray(value) ? 0 : inner.length);
}

function parsed(bytes: Uint8Array): Json {
  let text: string;
  let json: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    json = JSON.parse(text);
    if (namesOf(json) !== namesIn(text)) return fail('its header has the same name twice');
  } catch (error) {
    if (error instanceof FormatError) throw error;
    return fail(`its header is no JSON (${(error as Error).message})`);
  }
  return isRecord(json) ? json : fail('its header is no record');
}

/** The header, and where the tensors' bytes begin. */
function headerOf(bytes: Uint8Array): { header: Json; start: number } {
  if (bytes.length < LENGTH_BYTES)
    return fail(`there are ${bytes.length} bytes, which is not even the header's length`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > MOST_HEADER_BYTES) return fail(`its header has ${length} bytes; the format allows ${MOST_HEADER_BYTES}`);
  const start = LENGTH_BYTES + Number(length);
  if (start > bytes.length) return fail(`its header ends at byte ${start}, and there are ${bytes.length}`);
  if (bytes[LENGTH_BYTES] !== 0x7b) return fail('its header does not begin with {');
  return { header: parsed(bytes.subarray(LENGTH_BYTES, start)), start };
}

function metadataOf(given: unknown = {}): Record<string, string> {
  if (!isRecord(given)) return fail('its metadata are no record');
  for (const [key, value] of Object.entries(given)) {
    if (isHostile(key)) return fail(`its metadata have the name ${JSON.stringify(key)}`);
    if (typeof value !== 'string') return fail(`its metadata ${JSON.stringify(key)} are no text`);
  }
  return given as Record<string, string>;
}

/** An entry of the header whose bytes are as many as its shape and type say. */
function entryOf(name: string, given: unknown): Entry {
  const quoted = JSON.stringify(name);
  if (isHostile(name)) return fail(`a tensor is called ${quoted}`);
  if (!isRecord(given)) return fail(`${quoted} is no record`);
  const { dtype, shape, data_offsets: offsets } = given;
  if (typeof dtype !== 'string') return fail(`${quoted} has no dtype`);
  if (!isSizes(shape)) return fail(`${quoted} has no shape of sizes`);
  if (!isSizes(offsets) || offsets.length !== 2) return fail(`${quoted} has no data_offsets`);
  const kind = KINDS.get(dtype);
  if (!kind) return fail(`${quoted} has the dtype ${dtype}; what is read is ${[...KINDS.keys()].join(', ')}`);
  const [begin, end] = offsets as [number, number];
  let needed = kind.bytes;
  for (const size of shape) {
    needed *= size;
    if (!Number.isSafeInteger(needed)) return fail(`${quoted} has a shape of too many elements`);
  }
  if (end - begin !== needed)
    return fail(
      `${quoted} of shape [${shape.join(', ')}] and dtype ${dtype} has ${end - begin} bytes; it needs ${needed}`,
    );
  return { name, dtype, shape, begin, end };
}

/** The entries in the order of their bytes: without a hole, without an overlap, up to the end. */
function entriesOf(header: Json, bytes: number): Entry[] {
  const entries = Object.entries(header)
    .filter(([name]) => name !== METADATA)
    .map(([name, given]) => entryOf(name, given))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = 0;
  for (const entry of entries) {
    if (entry.begin !== end) {
      const wrong = entry.begin < end ? 'overlaps what is before it' : 'leaves a hole before it';
      return fail(`${JSON.stringify(entry.name)} begins at byte ${entry.begin}, which ${wrong}`);
    }
    end = entry.end;
  }
  if (end !== bytes) return fail(`its tensors end at byte ${end} of ${bytes}: it is cut off, or has more behind it`);
  return entries;
}

/**
 * The tensors of a safetensors file. Nothing is made before the whole header is found to keep the format's rules.
 *
 * F32 and I32 are taken as they are; F16 and BF16 become float32; BOOL, U8, I8, U16 and I16 become int32; so do U32, I64 and
 * U64, and F64 becomes float32, if every element is exactly one. The format: https://github.com/huggingface/safetensors#format.
 *
 * @param bytes of a whole file.
 * @throws FormatError for what breaks a rule of the format, or has another type or element.
 * @example
 * const { tensors } = fromSafetensors(toSafetensors({ bias: tensor([1, 2]) }));
 * expect(tensors.bias.toArray()).toEqual([1, 2]);
 */
export function fromSafetensors(bytes: Uint8Array | ArrayBuffer): Safetensors {
  // By its name: what a file is read into may be of another realm.
  const kind = (bytes as Partial<Uint8Array> | undefined)?.[Symbol.toStringTag] as string | undefined;
  const all = kind === 'ArrayBuffer' ? new Uint8Array(bytes) : (bytes as Uint8Array);
  if (kind !== 'ArrayBuffer' && kind !== 'Uint8Array')
    throw new OptionError(`fromSafetensors got ${quoted(bytes)}; give it the bytes of a file.`);
  const { header, start } = headerOf(all);
  const metadata = metadataOf(header[METADATA]);
  const entries = entriesOf(header, all.length - start);
  const tensors = entries.map(({ name, dtype, shape, begin, end }): [string, Tensor] => {
    const { buffer } = new Uint8Array(all.subarray(start + begin, start + end));
    try {
      return [name, tensor(KINDS.get(dtype)?.read(buffer) as Elements, { shape })];
    } catch (error) {
      if (error instanceof FormatError) return fail(`${JSON.stringify(name)} is of ${dtype}, and its ${error.message}`);
      throw error;
    }
  });
  return { tensors: Object.fromEntries(tensors), metadata };
}
