/** f32x4.mul, f32x4.add and f32x4.relaxed_madd */
const [MUL, ADD, MADD] = [
  [0xfd, 0xe6, 0x01],
  [0xfd, 0xe4, 0x01],
  [0xfd, 0x85, 0x02],
] as const;
const NOP = 1;
const LOCAL_GET = 0x20;
const CONST = [0xfd, 0x0c] as const;
const CONST_BYTES = 18;

const isAt = (bytes: Uint8Array, at: number, code: readonly number[]) =>
  code.every((byte, i) => bytes[at + i] === byte);

/** The bytes of the instruction at `at` if it only pushes a local or a constant, else 0. */
function pushed(bytes: Uint8Array, at: number): number {
  if (isAt(bytes, at, CONST)) return CONST_BYTES;
  if (bytes[at] !== LOCAL_GET) return 0;
  return (bytes[at + 1] as number) < 128 ? 2 : 3;
}

/**
 * Kernels whose multiply-adds round once, where the processor can: of each product that is added to a local or a constant,
 *
 *     | mul | push c | add |      becomes      | push c | relaxed_madd | nop nop nop |
 */
export function relaxedFrom(kernels: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const bytes = kernels.slice();
  for (let at = 0; at < bytes.length; at++) {
    if (!isAt(bytes, at, MUL)) continue;
    const push = at + MUL.length;
    const add = push + pushed(bytes, push);
    if (add === push || !isAt(bytes, add, ADD)) continue;
    bytes.copyWithin(at, push, add);
    bytes.set([...MADD, NOP, NOP, NOP], at + add - push);
  }
  return bytes;
}
