// Bytes as a string literal in which gzip still finds the patterns that base64 hides.
// A byte is a printable character of its own or, if rare in WebAssembly, two. No character needs an escape.

/** Characters from '#' to '~' without the backslash. */
const DIGITS = 91;
/** A digit from here on is the first of two. */
const SINGLES = 89;
/** Brings the bytes that are frequent in WebAssembly, from 0xf8 around to 0x50, to the front. */
const SHIFT = 8;

const BACKSLASH = 92;
const FIRST = 35;

const charOf = (digit: number) => String.fromCharCode(digit + FIRST + (digit + FIRST >= BACKSLASH ? 1 : 0));

/** Bytes as printable text. */
export function textOf(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    const value = (byte + SHIFT) & 255;
    const rest = value - SINGLES;
    text += rest < 0 ? charOf(value) : charOf(SINGLES + Math.floor(rest / DIGITS)) + charOf(rest % DIGITS);
  }
  return text;
}

/** The bytes of what `textOf` gave. It runs once, before an engine has compiled it: no calls, and few steps a character. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(text);
  const end = bytes.length;
  let length = 0;
  for (let i = 0; i < end; i++) {
    let value = bytes[i] as number;
    value -= value > BACKSLASH ? FIRST + 1 : FIRST;
    if (value >= SINGLES) {
      const second = bytes[++i] as number;
      value = SINGLES + (value - SINGLES) * DIGITS + second - (second > BACKSLASH ? FIRST + 1 : FIRST);
    }
    bytes[length++] = value - SHIFT;
  }
  return bytes.slice(0, length);
}
