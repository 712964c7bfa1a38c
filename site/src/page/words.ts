/** A number in a few letters: three digits that count, and no exponent where it can be read without. */
export function brief(value: number): string {
  if (!Number.isFinite(value)) return 'no number';
  if (value === 0) return '0';
  const large = Math.abs(value) >= 1e5 || Math.abs(value) < 1e-3;
  const text = large ? value.toExponential(2) : String(Number(value.toPrecision(3)));
  return text.replaceAll('-', '−');
}

/** A 32-bit float to its last bit: nine digits tell every one from its neighbours. */
export function exact(value: number): string {
  const text = Math.abs(value) < 1e9 ? String(Number(value.toPrecision(9))) : value.toExponential(8);
  return text.replaceAll('-', '−');
}

/** A value as an address has it. */
export const hundredths = (value: number) => String(Math.round(value * 100) / 100);

/** "1 update", "2 updates". */
export const count = (value: number, noun: string) => `${value.toLocaleString('en')} ${noun}${value === 1 ? '' : 's'}`;

/** Eight letters that differ where a bit of the numbers differs: FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/. */
export function fingerprint(arrays: readonly ArrayBufferView[]): string {
  let hash = 0x811c9dc5;
  for (const { buffer, byteOffset, byteLength } of arrays) {
    for (const byte of new Uint8Array(buffer, byteOffset, byteLength)) hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, '0');
}

/** Shows numbers in the elements of a section that are named for them: `data-number="epoch"`. */
export function tell(section: HTMLElement, numbers: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(numbers)) {
    const place = section.querySelector(`[data-number="${name}"]`);
    if (place && place.textContent !== text) place.textContent = text;
  }
}
