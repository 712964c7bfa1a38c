/** The unit of memory: one line of the cache, 64 bytes. */
export const LINE = 64;
/** What has at least so many bytes begins at a multiple of ALIGNED, if there is room: its rows lie in fewer lines and pages then. */
const LARGE = 2 ** 16;
const ALIGNED = 1024;
/** Free blocks of a power of two are told apart in this many size classes (Masmano et al. 2004). */
const CLASSES = 8;
const CLASS_BITS = 3;
const BINS = 32 * CLASSES;

/** A stretch of memory, free or taken, and its neighbours by address. */
export interface Block {
  readonly address: number;
  bytes: number;
  free: boolean;
  before: Block | undefined;
  after: Block | undefined;
  /** The neighbours in the list of free blocks of this size class. */
  previous: Block | undefined;
  next: Block | undefined;
  owner: unknown;
  /** When its bytes were last written, as its owner counts. */
  written: number;
}

function binOf(lines: number): number {
  if (lines < CLASSES) return lines;
  const power = 31 - Math.clz32(lines);
  return (power - CLASS_BITS + 1) * CLASSES + ((lines >>> (power - CLASS_BITS)) & (CLASSES - 1));
}

/** The smallest bin whose every block holds `lines`. */
function binHolding(lines: number): number {
  if (lines < CLASSES) return lines;
  const power = 31 - Math.clz32(lines);
  return binOf(lines + 2 ** (power - CLASS_BITS) - 1);
}

export function roundUp(bytes: number, unit: number): number {
  return Math.ceil(bytes / unit) * unit;
}

/**
 * Two-level segregated fit over [start, end): a free block is found by its size class in constant time, and neighbours
 * that are both free are one block.
 */
export class Allocator {
  /** Bytes in blocks that are taken. */
  taken = 0;
  /** The block with the highest address. */
  last: Block | undefined;
  private readonly bins: (Block | undefined)[] = new Array(BINS).fill(undefined);
  private readonly filled = new Int32Array(BINS / 32);

  constructor(
    private end: number,
    to: number,
  ) {
    this.extend(to);
  }

  /** A block of at least `bytes`, or undefined if none is free. */
  allocate(bytes: number): Block | undefined {
    const needed = Math.max(LINE, roundUp(bytes, LINE));
    const unit = needed < LARGE ? LINE : ALIGNED;
    const bin = this.firstFilled(needed + unit - LINE) ?? this.firstFilled(needed);
    let block = bin === undefined ? undefined : this.bins[bin];
    if (!block) return undefined;
    this.unlink(block);
    const before = roundUp(block.address, unit) - block.address;
    if (before > 0 && before + needed <= block.bytes) {
      const rest = this.split(block, before);
      this.link(block);
      block = rest;
    }
    if (block.bytes > needed) this.link(this.split(block, needed));
    block.free = false;
    this.taken += block.bytes;
    return block;
  }

  /** Gives a block back. */
  free(block: Block): void {
    this.taken -= block.bytes;
    block.owner = undefined;
    this.link(this.merged(block));
  }

  /** The memory has grown to `end`. */
  extend(end: number): void {
    const address = this.end;
    this.end = end;
    this.link(this.merged(this.inserted(address, end - address, [this.last])));
  }

  /** A new block between its neighbours. */
  private inserted(address: number, bytes: number, [before, after]: (Block | undefined)[]): Block {
    const none = undefined;
    const block = { address, bytes, free: true, before, after, previous: none, next: none, owner: none, written: 0 };
    if (before) before.after = block;
    if (after) after.before = block;
    else this.last = block;
    return block;
  }

  /** Cuts a block after so many bytes and returns the rest. */
  private split(block: Block, bytes: number): Block {
    const rest = this.inserted(block.address + bytes, block.bytes - bytes, [block, block.after]);
    block.bytes = bytes;
    return rest;
  }

  /** The block together with those of its neighbours that are free. */
  private merged(block: Block): Block {
    if (block.after?.free) {
      this.unlink(block.after);
      this.absorb(block);
    }
    const before = block.before;
    if (!before?.free) return block;
    this.unlink(before);
    this.absorb(before);
    return before;
  }

  private absorb(block: Block): void {
    const after = block.after as Block;
    block.bytes += after.bytes;
    block.after = after.after;
    if (after.after) after.after.before = block;
    else this.last = block;
  }

  /** A bin that was empty is filled, or the other way round. */
  private flip(bin: number): void {
    this.filled[bin >>> 5] = (this.filled[bin >>> 5] as number) ^ (1 << (bin & 31));
  }

  private link(block: Block): void {
    const bin = binOf(block.bytes / LINE);
    const head = this.bins[bin];
    block.free = true;
    block.previous = undefined;
    block.next = head;
    if (head) head.previous = block;
    this.bins[bin] = block;
    if (!head) this.flip(bin);
  }

  private unlink(block: Block): void {
    const { previous, next } = block;
    if (next) next.previous = previous;
    if (previous) previous.next = next;
    else {
      const bin = binOf(block.bytes / LINE);
      this.bins[bin] = next;
      if (!next) this.flip(bin);
    }
    block.previous = undefined;
    block.next = undefined;
  }

  /** The first bin with a free block whose every block has so many bytes. */
  private firstFilled(bytes: number): number | undefined {
    const from = binHolding(bytes / LINE);
    let word = from >>> 5;
    let bits = (this.filled[word] ?? 0) & (-1 << (from & 31));
    while (bits === 0) {
      if (++word >= this.filled.length) return undefined;
      bits = this.filled[word] ?? 0;
    }
    return word * 32 + 31 - Math.clz32(bits & -bits);
  }
}
