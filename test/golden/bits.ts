/** Arrays and tensors within a value as the bits of their elements, so that equal means equal to the last bit, signs of zero and all. */
export function bitsOf(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return Array.from(wordsOf(value));
  if (Array.isArray(value)) return value.map(bitsOf);
  if (value instanceof Map) return [...value].map(([key, v]) => [key, bitsOf(v)]);
  if (typeof value !== 'object' || value === null) return value;
  if (isTensor(value)) return { shape: [...value.shape], bits: bitsOf(value.toTypedArray()) };
  return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, bitsOf(v)]));
}

function wordsOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint32Array {
  return new Uint32Array(buffer, byteOffset, byteLength / Uint32Array.BYTES_PER_ELEMENT);
}

interface TensorLike {
  shape: readonly number[];
  toTypedArray(): ArrayBufferView;
}

function isTensor(value: object): value is TensorLike {
  return 'toTypedArray' in value && 'shape' in value;
}
