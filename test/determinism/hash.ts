/** FNV-1a of 64 bits (Fowler, Noll and Vo), over bytes: http://www.isthe.com/chongo/tech/comp/fnv/ */
class Fnv {
  private high = 0xcbf29ce4;
  private low = 0x84222325;

  add(bytes: Uint8Array): void {
    for (const byte of bytes) {
      const low = (this.low ^ byte) >>> 0;
      // The prime is 2^40 + 0x1b3; what overflows the lower word goes up.
      const product = low * 0x1b3;
      this.high = (Math.imul(this.high, 0x1b3) + Math.floor(product / 2 ** 32) + (low << 8)) >>> 0;
      this.low = product >>> 0;
    }
  }

  get hex(): string {
    return [this.high, this.low].map((word) => word.toString(16).padStart(8, '0')).join('');
  }
}

interface TensorLike {
  shape: readonly number[];
  toTypedArray(): Float32Array | Int32Array;
}

const isTensor = (value: object): value is TensorLike => 'toTypedArray' in value && 'shape' in value;

/** The hash of a text's bytes, in hexadecimal. */
export function hashOfText(text: string): string {
  const fnv = new Fnv();
  fnv.add(new TextEncoder().encode(text));
  return fnv.hex;
}

/** The hash of a value of plain objects, arrays, numbers, strings and tensors: equal where every bit of every number is. */
export function hashOf(value: unknown): string {
  const fnv = new Fnv();
  const text = (s: string) => fnv.add(new TextEncoder().encode(`${s};`));
  const visit = (v: unknown): void => {
    if (typeof v === 'number') fnv.add(new Uint8Array(new Float64Array([v]).buffer));
    else if (typeof v !== 'object' || v === null) text(String(v));
    else if (isTensor(v)) {
      const { buffer } = v.toTypedArray();
      text(v.shape.join());
      fnv.add(new Uint8Array(buffer));
    } else {
      for (const [name, part] of Object.entries(v)) {
        text(name);
        visit(part);
      }
    }
  };
  visit(value);
  return fnv.hex;
}
