import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { bytesOf, textOf } from '../src/wasm/text';

const kernels = readFileSync(join(import.meta.dirname, '../build/kernels.wasm'));
const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i);

describe('bytes as text', () => {
  it('gives every byte back', () => {
    expect(bytesOf(textOf(everyByte))).toEqual(everyByte);
    expect(bytesOf(textOf(new Uint8Array(0)))).toEqual(new Uint8Array(0));
  });

  it('gives the kernels back', () => {
    expect(Buffer.compare(bytesOf(textOf(kernels)), kernels)).toBe(0);
  });

  it('has no character that a string literal must escape', () => {
    expect(textOf(everyByte)).toMatch(/^[#-[\]-~]+$/);
  });

  it('is smaller than base64 once compressed', () => {
    const size = (text: string) => gzipSync(text).length;
    expect(size(textOf(kernels))).toBeLessThan(0.75 * size(kernels.toString('base64')));
  });
});
