import { expect, it } from 'vitest';
import { LineDescent } from '../src/line/descent';
import { title } from '../src/line/words';
import { readAddress, writeAddress } from '../src/page/address';
import { brief, exact, fingerprint } from '../src/page/words';

it('an address is read as it was written', () => {
  const address = { view: 'line', settings: { drawn: '0.5,2 1.5,-6', rate: '0.1' } };
  expect(writeAddress(address)).toBe('#line?drawn=0.5,2+1.5,-6&rate=0.1');
  expect(readAddress(writeAddress(address))).toEqual(address);
  expect(readAddress('')).toEqual({ view: '', settings: {} });
  expect(writeAddress({ view: 'costs', settings: {} })).toBe('#costs');
});

it.each([
  [0, '0'],
  [-0.012345, '−0.0123'],
  [1234.5, '1230'],
  [1.5e-7, '1.50e−7'],
  [2.5e9, '2.50e+9'],
  [Number.POSITIVE_INFINITY, 'no number'],
])('%d in brief is %s', (value, text) => {
  expect(brief(value)).toBe(text);
});

it('a 32-bit float is told to its last bit', () => {
  const bits = new Uint32Array(1);
  const float = new Float32Array(bits.buffer);
  for (let i = 0; i < 1000; i++) {
    bits[0] = 0x3f800000 + i * 40_009;
    expect(Math.fround(Number(exact(float[0] as number)))).toBe(float[0]);
  }
});

it('a legend tells descents apart by their batches, rules and rates', () => {
  const settings = { batch: '2', rate: '0.1', rule: 'sgd', epochs: '1', seed: '1', w: '0', b: '0' };
  const points = [[0, 1] as const, [1, 2] as const, [2, 3] as const];
  const titled = (changes: object) => title(new LineDescent({ ...settings, ...changes }, points));
  expect(titled({})).toBe('Mini-batch descent (2), η 0.1');
  expect(titled({ batch: '1', rule: 'adam' })).toBe('Stochastic descent (1), Adam, η 0.1');
});

it('a fingerprint is FNV-1a of the bytes', () => {
  // http://www.isthe.com/chongo/src/fnv/test_fnv.c
  const of = (text: string) => fingerprint([new TextEncoder().encode(text)]);
  expect([of(''), of('a'), of('foobar')]).toEqual(['811c9dc5', 'e40c292c', 'bf9cf968']);
  const floats = Float32Array.of(1, 2, 3);
  expect(fingerprint([floats.subarray(1)])).toBe(fingerprint([Float32Array.of(2), Float32Array.of(3)]));
});
