import { expect } from 'vitest';
import type { Kernel } from '../../assembly/kernel';
import { emit, newStorage } from '../../src/tensor/driver';
import type { Argument, Operand } from '../../src/wasm/record';
import { runtime } from '../../src/wasm/runtime';

/** What stands behind a room: a NaN that no computation gives, so that a kernel that writes too far is seen. */
const CANARY = 0x7fc0dead;
/** Words behind a room: kernels may read up to 64 bytes past an operand, and must not mind what they find there. */
const BEHIND = 16;
/** A kernel over a flat buffer may run to the next multiple of this many elements. */
const LANES = 4;

/** An operand of a kernel with its own memory. */
export interface Room extends Operand {
  readonly length: number;
}

type Values = ArrayLike<number>;

function placed(length: number, write: (words: Int32Array, floats: Float32Array) => void): Room {
  const padded = Math.ceil(length / LANES) * LANES;
  const storage = newStorage((padded + BEHIND) * 4);
  const { heap } = runtime();
  const at = heap.address(storage) / 4;
  heap.i32.fill(CANARY, at, at + padded + BEHIND);
  write(heap.i32.subarray(at, at + length), heap.f32.subarray(at, at + length));
  return { storage, offset: 0, length };
}

/** A room with these floats in it. */
export function floats(values: Values): Room {
  return placed(values.length, (_, room) => room.set(values));
}

/** A room with these integers in it. */
export function integers(values: Values): Room {
  return placed(values.length, (room) => room.set(values));
}

/** A room full of NaN: what overwrites must not read it. */
export function blank(length: number): Room {
  return placed(length, () => {});
}

function wordsIn(room: Room, from: number, to: number): ArrayBuffer {
  return runtime().heap.read(room.storage, { offset: from * 4, bytes: (to - from) * 4 });
}

export function floatsIn(room: Room): Float32Array {
  return new Float32Array(wordsIn(room, 0, room.length));
}

export function integersIn(room: Room): Int32Array {
  return new Int32Array(wordsIn(room, 0, room.length));
}

/** Runs a kernel and says if it wrote behind one of its rooms. */
export function run(kernel: Kernel, ...args: (Argument | Room)[]): void {
  emit(kernel, ...args);
  for (const [i, arg] of args.entries()) {
    if (typeof arg !== 'object' || !('length' in arg)) continue;
    const end = Math.ceil(arg.length / LANES) * LANES;
    const behind = new Int32Array(wordsIn(arg, end, end + BEHIND));
    expect(
      behind.every((word) => word === CANARY),
      `the memory behind argument ${i} stays as it was`,
    ).toBe(true);
  }
}

/** The first element whose bits differ; a NaN is like any other NaN. */
function firstDifference(a: Float32Array, b: Float32Array): number {
  const [p, q] = [new Int32Array(a.buffer), new Int32Array(b.buffer)];
  for (let i = 0; i < p.length; i++) {
    if (p[i] !== q[i] && !(Number.isNaN(a[i]) && Number.isNaN(b[i]))) return i;
  }
  return -1;
}

/** Every element to the last bit of a float32, signs of zero and all. */
export function expectBits(what: string, actual: Values, expected: Values): void {
  expect(actual.length, `${what}: number of elements`).toBe(expected.length);
  const [got, wanted] = [new Float32Array(actual), new Float32Array(expected)];
  const at = firstDifference(got, wanted);
  if (at < 0) return;
  const show = (v: number | undefined) => (Object.is(v, -0) ? '-0' : String(v));
  expect.fail(`${what}: element ${at} of ${wanted.length} is ${show(got[at])} and should be ${show(wanted[at])}.`);
}
