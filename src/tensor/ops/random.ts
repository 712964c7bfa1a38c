import { Kernel } from '../../../assembly/kernel';
import { keyOf, Stream } from '../../wasm/random';
import { emit } from '../driver';
import type { Tensor } from '../tensor';
import { mul } from './elementwise';
import { needFloats } from './reduce';

/** Adds 1 to a whole number in memory, each time that the step runs. */
export function countUp(counter: Tensor): void {
  emit(Kernel.addToWord, counter, 1);
}

export interface MaskSource {
  seed: number;
  /** Which of a model's modules draws. */
  place: number;
  /** How often it has drawn: a whole number in memory, which is advanced. */
  forwards: Tensor;
}

/** x with each element kept, times 1 / (1 - p), or else 0, which happens with probability p. */
export function dropout(x: Tensor, p: number, { seed, place, forwards }: MaskSource): Tensor {
  needFloats('Dropout', x);
  const mask = x.spawn(x.shape);
  emit(Kernel.fillMask, mask, x.size, ...keyOf(seed), Stream.dropout, place, forwards, p, 1 / (1 - p));
  countUp(forwards);
  return mul(x, mask);
}
