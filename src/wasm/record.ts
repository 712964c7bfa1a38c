import { Kernel } from '../../assembly/kernel';
import type { Storage } from './heap';

/** A place in a storage. With a `stride` it advances by that many bytes a step or tick, modulo `mask` + 1 of them. */
export interface Operand {
  readonly storage: Storage;
  /** Bytes from the storage's start. */
  readonly offset: number;
  readonly stride?: number;
  readonly mask?: number;
  /** What the words are; left out, floats. */
  readonly dtype?: 'float32' | 'int32';
}

/** An operand, a number, or nothing where an operand may be left out. */
export type Argument = Operand | number | undefined;

/** One kernel call. */
export interface Step {
  readonly kernel: Kernel;
  readonly args: readonly Argument[];
}

/**
 * What each kernel's arguments are, in order:
 *
 *     r  an operand that is read       R  the same, advancing with the step of the epoch
 *                                      T  the same, advancing with the tick: the step's number in the slice's tables
 *     w  one that is overwritten       W  the same, advancing with the tick
 *     m  one that is read and changed
 *     i  an integer                    f  a float
 *
 * Integers that are left out are 0: the last ones are for parts of a call alone.
 */
const SIGNATURES: { readonly [K in Kernel]: string } = {
  [Kernel.copyWords]: 'rWi',
  [Kernel.copyStrided]: 'rwiiiiiiiiiiii',
  [Kernel.fillWords]: 'wii',
  [Kernel.addToWord]: 'mi',
  [Kernel.gatherRows]: 'rRwiii',
  [Kernel.scatterRows]: 'rrmiii',
  [Kernel.permute]: 'wiiiiw',
  [Kernel.fillUniform]: 'wiiiiiff',
  [Kernel.fillNormal]: 'wiiiiiff',
  [Kernel.fillMask]: 'wiiiiirffi',
  [Kernel.mapUnary]: 'irwif',
  [Kernel.mapBinary]: 'irrwiiiiiif',
  [Kernel.select]: 'rrrwi',
  [Kernel.sumColumns]: 'rwiif',
  [Kernel.sumRows]: 'rwiiifiir',
  [Kernel.extremeColumns]: 'rwiif',
  [Kernel.indexExtreme]: 'rwiif',
  [Kernel.softmaxColumns]: 'rwiii',
  [Kernel.product]: 'riiriiwiiiriwri',
  [Kernel.productNarrow]: 'rriwiiiri',
  [Kernel.elementwiseLoss]: 'irrwwiiffwi',
  [Kernel.softmaxCrossEntropy]: 'rrwwiifi',
  [Kernel.linearModel]: 'irRrrrwwwwiifi',
  [Kernel.linearSgd]: 'irRrmmWwwwiifT',
  [Kernel.updateSgd]: 'mrmiTi',
  [Kernel.updateAdam]: 'mrmmmiTii',
  [Kernel.updateRmsprop]: 'mrmmmiT',
  [Kernel.updateAdadelta]: 'mrmmiT',
  [Kernel.updateAdamax]: 'mrmmiT',
  [Kernel.updateLion]: 'mrmiT',
  [Kernel.findNonFinite]: 'riwi',
  [Kernel.barrier]: 'i',
};

/** The signature of a kernel. */
export const lettersOf = (kernel: Kernel): string => SIGNATURES[kernel];

const HEADER_WORDS = 2;
const isOperand = (letter: string) => letter !== 'i' && letter !== 'f';
const advances = (letter: string) => letter === 'R' || letter === 'T' || letter === 'W';
export const isWritten = (letter: string) => letter === 'w' || letter === 'W' || letter === 'm';
export const isRead = (letter: string) => letter === 'r' || letter === 'R' || letter === 'T' || letter === 'm';

/** Calls `visit` with each operand of a step, the letter of its signature, and which argument it is. */
export function eachOperand(step: Step, visit: (operand: Operand, letter: string, i: number) => void): void {
  const signature = SIGNATURES[step.kernel];
  for (let i = 0; i < signature.length; i++) {
    const arg = step.args[i];
    if (typeof arg === 'object') visit(arg, signature[i] as string, i);
  }
}

/** The words of a segment. */
export const SEGMENT_WORDS = 8;

/** Records from `start` to `end`. */
export interface List {
  readonly start: number;
  readonly end: number;
}

/** Records for the steps from `first` up to `last`. */
export interface Segment extends List {
  /** The same as a list for each thread. */
  readonly lists?: readonly List[] | undefined;
  /** Nanoseconds that a step is thought to take. */
  readonly nanoseconds?: number;
  readonly first: number;
  readonly last: number;
  /** The number of the first step in the tables. Default: `first`. */
  readonly tick?: number;
  /** How many epochs it is run for, and the ticks of one. Default: 1. */
  readonly epochs?: number;
  readonly ticks?: number;
}

/** Writes a segment at word `at`, as `run` reads it. */
export function writeSegment(words: Int32Array, at: number, segment: Segment): void {
  const { start, end, first, last, tick = first, ticks = 0, epochs = 1 } = segment;
  words[at] = start;
  words[at + 1] = end;
  words[at + 2] = first;
  words[at + 3] = last;
  words[at + 4] = tick;
  words[at + 5] = ticks;
  words[at + 6] = epochs;
}

/** The words that a record of this kernel takes. */
export function wordsOf(kernel: Kernel): number {
  let words = HEADER_WORDS;
  for (const letter of SIGNATURES[kernel]) words += advances(letter) ? 3 : 1;
  return words;
}

const floatBits = new Float32Array(1);
const integerBits = new Int32Array(floatBits.buffer);

function bitsOf(value: number): number {
  floatBits[0] = value;
  return integerBits[0] as number;
}

/** Writes a step's record at word `at` and returns the word after it. `address` says where a storage is. */
export function writeRecord(
  words: Int32Array,
  at: number,
  { step, address }: { step: Step; address: (storage: Storage) => number },
): number {
  const signature = SIGNATURES[step.kernel];
  let next = at + HEADER_WORDS;
  for (let i = 0; i < signature.length; i++) {
    const letter = signature[i] as string;
    const arg = step.args[i];
    if (!isOperand(letter)) words[next++] = letter === 'f' ? bitsOf(arg as number) : (arg as number);
    else {
      const operand = arg as Operand | undefined;
      words[next++] = operand ? address(operand.storage) + operand.offset : 0;
      if (advances(letter)) {
        words[next++] = operand?.stride ?? 0;
        words[next++] = operand?.mask ?? -1;
      }
    }
  }
  words[at] = step.kernel;
  words[at + 1] = (next - at) * 4;
  return next;
}
