// Bytes as a string literal in which gzip still finds the patterns that base64 hides.
// A byte is a printable character of its own or, if rare in WebAssembly, two. No character needs an escape.

/** Characters from '#' to '~' without the backslash. */
const DIGITS = 91;
/** A digit from here on is the first of two. */
const SINGLES = 89;
/** Brings the bytes that are frequent in WebAssembly, from 0xfa around to 0x52, to the front. */
const SHIFT = 6;

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
  let length = 0;
  // The value of a first digit of two, while the second is awaited.
  let first = 0;
  for (let i = 0; i < bytes.length; i++) {
    const code = bytes[i] as number;
    const digit = code - (code > BACKSLASH ? FIRST + 1 : FIRST);
    if (digit >= SINGLES && !first) first = SINGLES + (digit - SINGLES) * DIGITS;
    else {
      bytes[length++] = first + digit - SHIFT;
      first = 0;
    }
  }
  return bytes.slice(0, length);
}
