import { MemoryError, StateError } from '../errors';
import { Allocator, type Block, LINE, roundUp } from './allocator';

const PAGE = 65536;
/** Without the last of 2^16 pages: over all of them WebKitGTK 2.50 reads wrong numbers. */
const MAX_BYTES = 65535 * PAGE;
const INITIAL_PAGES = 16;
/** Address 0 means "none" in a record, so the first line is never handed out. */
const START = LINE;
/** Kernels may read up to a line past the end of an operand. */
const GUARD = LINE;
/** Tensors that nobody has pinned may hold this much before the coldest move out. */
const LOOSE_BYTES = 32 * 2 ** 20;
/** What a small tensor counts for at least: its objects in JavaScript. */
const LEAST_COUNTED = 512;

/** The bytes of one or more tensors: in memory, or moved out into an ArrayBuffer until they are next used. */
export class Storage {
  block: Block | undefined = undefined;
  outside: Uint8Array | undefined = undefined;
  freed = false;
  /** Tensors over these bytes. */
  holders = 1;
  pins = 0;
  /** How many nodes graphs had when these bytes were last changed in place. */
  changed = 0;
  /** The heap's clock when this was last used. */
  used = 0;
  /** Was moved out and called back: evidently somebody keeps it. */
  proven = false;

  constructor(readonly bytes: number) {}
}

function counted(storage: Storage): number {
  return Math.max(LEAST_COUNTED, storage.bytes);
}

/** Tensors of fewer bytes move out some at a time, into one ArrayBuffer: to make one takes as long as many operations. */
const SMALL = 512;
const SHARED_BYTES = 4096;

/**
 * The one memory of a runtime. Nobody has to free anything: what is cold moves out into ArrayBuffers, which the engine's
 * collector sees. The heap holds on to a storage only while its bytes are in memory.
 */
export class Heap {
  readonly memory: WebAssembly.Memory;
  clock = 0;
  private readonly allocator: Allocator;
  private loose = 0;
  private provenBytes = 0;
  /** The whole memory as integers, and as floats. Fetch them anew after anything that may allocate. */
  i32!: Int32Array<ArrayBuffer>;
  f32!: Float32Array<ArrayBuffer>;
  /** While set, every storage made is listed here. */
  scope: Storage[] | undefined;

  /** While there are some, what writes to memory says so: `wrote`. */
  watchers = 0;

  private readonly maxBytes: number;

  /**
   * @param limit the most bytes that the memory may grow to, rounded down to whole pages; at least one page.
   * @param options `shared`: can other threads have the memory too?
   */
  constructor(limit = MAX_BYTES, { shared = false } = {}) {
    this.maxBytes = Math.max(1, Math.floor(Math.min(limit, MAX_BYTES) / PAGE)) * PAGE;
    const initial = Math.min(INITIAL_PAGES, this.maxBytes / PAGE);
    this.memory = new WebAssembly.Memory({ initial, maximum: this.maxBytes / PAGE, shared });
    this.allocator = new Allocator(START, initial * PAGE - GUARD);
    this.look();
  }

  private look(): void {
    this.i32 = new Int32Array(this.memory.buffer);
    this.f32 = new Float32Array(this.memory.buffer);
  }

  /** Bytes of the memory, whether they are taken or not. */
  get bytes(): number {
    return this.memory.buffer.byteLength;
  }

  /** Bytes that are taken. */
  get taken(): number {
    return this.allocator.taken;
  }

  allocate(bytes: number): Storage {
    return this.place(new Storage(bytes));
  }

  /** Gives a storage that has none yet its place in memory. */
  place(storage: Storage): Storage {
    storage.used = this.clock;
    this.admit(storage);
    this.scope?.push(storage);
    return storage;
  }

  /** Where a storage's bytes are; brings them back if they had moved out. */
  address(storage: Storage): number {
    storage.used = this.clock;
    if (storage.block) return storage.block.address;
    this.needLive(storage);
    const outside = storage.outside as Uint8Array;
    storage.proven = true;
    const block = this.admit(storage);
    this.provenBytes += counted(storage);
    storage.outside = undefined;
    this.bytesOf(storage).set(outside);
    return block.address;
  }

  /** A copy of a storage's first bytes, wherever they are. */
  read(storage: Storage, { offset, bytes }: { offset: number; bytes: number }): ArrayBuffer {
    this.needLive(storage);
    const all = storage.outside ?? this.bytesOf(storage);
    return all.slice(offset, offset + bytes).buffer;
  }

  free(storage: Storage): void {
    if (storage.freed || storage.pins > 0) return;
    this.release(storage);
    storage.outside = undefined;
    storage.freed = true;
  }

  /** Keeps a storage where it is, until as many unpins. */
  pin(storage: Storage): number {
    const address = this.address(storage);
    if (storage.pins++ === 0) this.loose -= counted(storage);
    return address;
  }

  unpin(storage: Storage): void {
    if (--storage.pins === 0) this.loose += counted(storage);
  }

  get maxPages(): number {
    return this.maxBytes / PAGE;
  }

  /** A storage's bytes in memory are others now. */
  wrote({ block }: Storage): void {
    if (block) block.written = this.clock;
  }

  /** When a storage's bytes in memory were last written from here, by the heap's clock. */
  writtenAt({ block }: Storage): number {
    return block?.written ?? -1;
  }

  /** Lets two storages of one size, both in memory, have each other's bytes. */
  exchange(a: Storage, b: Storage): void {
    const [ours, theirs] = [a.block as Block, b.block as Block];
    ours.owner = b;
    theirs.owner = a;
    a.block = theirs;
    b.block = ours;
  }

  /** Copies a storage's bytes into another of its size. */
  copy(from: Storage, to: Storage): void {
    const [source, target] = [this.address(from), this.address(to)];
    this.i32.copyWithin(target / 4, source / 4, (source + from.bytes) / 4);
  }

  private needLive(storage: Storage): void {
    if (!storage.freed && (storage.block || storage.outside)) return;
    throw new StateError(
      'A tensor was used after it was disposed, or after the backward() or the compiled step that it belonged to; ' +
        'use it before, keep a copy with detach() and toTypedArray(), or call backward({ retainGraph: true }).',
    );
  }

  private admit(storage: Storage): Block {
    if (this.loose + counted(storage) > LOOSE_BYTES + this.provenBytes) this.moveOut(LOOSE_BYTES / 2);
    const block = this.allocator.allocate(storage.bytes) ?? this.grown(storage.bytes);
    block.owner = storage;
    storage.block = block;
    block.written = this.clock;
    this.loose += counted(storage);
    return block;
  }

  private release(storage: Storage): void {
    if (!storage.block) return;
    this.allocator.free(storage.block);
    storage.block = undefined;
    this.loose -= counted(storage);
    if (storage.proven) this.provenBytes -= counted(storage);
    storage.proven = false;
  }

  /** Moves the longest unused storages out until no more than `keep` bytes are loose, sparing those of this tick. */
  private moveOut(keep: number): void {
    const cold: Storage[] = [];
    for (let block = this.allocator.last; block; block = block.before) {
      const owner = block.owner as Storage | undefined;
      if (owner && owner.pins === 0 && owner.used < this.clock) cold.push(owner);
    }
    cold.sort((a, b) => a.used - b.used);
    let room = new Uint8Array();
    for (const storage of cold) {
      if (this.loose <= keep) return;
      const { bytes } = storage;
      if (bytes > room.length) room = new Uint8Array(bytes < SMALL ? SHARED_BYTES : bytes);
      storage.outside = room.subarray(0, bytes);
      room = room.subarray(bytes);
      storage.outside.set(this.bytesOf(storage));
      this.release(storage);
    }
  }

  private bytesOf({ block, bytes }: Storage): Uint8Array<ArrayBuffer> {
    // A view knows its buffer; to ask the memory for it takes longer.
    return new Uint8Array(this.i32.buffer, (block as Block).address, bytes);
  }

  private grown(bytes: number): Block {
    const size = this.memory.buffer.byteLength;
    const needed = roundUp(size + bytes + bytes / 4 + PAGE, PAGE);
    const comfortable = Math.min(Math.max(needed, roundUp(size * 1.25, PAGE)), this.maxBytes);
    if (this.grow(comfortable)) {
      const block = this.allocator.allocate(bytes);
      if (block) return block;
    }
    this.moveOut(0);
    const block = this.allocator.allocate(bytes);
    if (block) return block;
    throw new MemoryError(
      `${bytes} bytes were asked for and could not be had: memory holds ${this.taken} bytes in tensors and programs ` +
        `(${this.loose} of them in tensors that could move out) and may not grow past ${this.maxBytes}. ` +
        'Use a smaller batch or model, or allow more with configure({ maxMemory }).',
    );
  }

  private grow(bytes: number): boolean {
    const pages = (bytes - this.memory.buffer.byteLength) / PAGE;
    if (pages <= 0) return false;
    try {
      this.memory.grow(pages);
    } catch {
      return false;
    }
    this.look();
    this.allocator.extend(bytes - GUARD);
    return true;
  }
}
