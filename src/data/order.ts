import { Kernel } from '../../assembly/kernel';
import { emit, newStorage } from '../tensor/driver';
import { keyOf, type Stream } from '../wasm/random';
import type { Operand } from '../wasm/record';

/** Words that the kernel works in: those of eight blocks, the keys of ten rounds, two multipliers. */
export const PERMUTING = 54;

/** Emits what writes 0 … n - 1 in an order that the seed, the stream and the step's number give. */
export function emitPermutation(order: Operand, n: number, { seed, stream }: { seed: number; stream: Stream }): void {
  const room = { storage: newStorage(PERMUTING * 4), offset: 0 };
  emit(Kernel.permute, order, n, ...keyOf(seed), stream, room);
}
