/** x^32 + x^26 + … + 1, its bits mirrored: the polynomial of Ethernet, zip and PNG (ISO 3309). */
const POLYNOMIAL = 0xedb88320;

let table: Uint32Array | undefined;

/** What each value of a byte adds. */
function made(): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let rest = byte;
    for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ POLYNOMIAL : rest >>> 1;
    return rest;
  });
}

/** The CRC-32 of bytes as eight hexadecimal digits: any change of up to 32 bits in a row gives another. */
export function crc32(bytes: Uint8Array): string {
  table ??= made();
  let rest = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) rest = (rest >>> 8) ^ (table[(rest ^ (bytes[i] as number)) & 255] as number);
  return (~rest >>> 0).toString(16).padStart(8, '0');
}
