import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Allocator, type Block, LINE } from '../src/wasm/allocator';

const START = LINE;
/** A request may be refused although a block of its size is free, if no block is an eighth larger. */
const ROUNDING = 1 + 1 / 8;

/** All blocks by address. */
function blocksOf(allocator: Allocator): Block[] {
  const blocks: Block[] = [];
  for (let block = allocator.last; block; block = block.before) blocks.unshift(block);
  return blocks;
}

/** What holds between any two calls. */
function expectSound(allocator: Allocator, end: number, taken: ReadonlySet<Block>): void {
  const blocks = blocksOf(allocator);
  let address = START;
  blocks.forEach((block, i) => {
    expect(block.address, 'a block begins where the one before it ends').toBe(address);
    expect([block.address % LINE, block.bytes % LINE], 'blocks are whole lines').toEqual([0, 0]);
    expect(block.bytes, 'no block is empty').toBeGreaterThan(0);
    expect(block.after, 'neighbours know each other').toBe(blocks[i + 1]);
    expect(block.free, 'a block is free unless somebody has it').toBe(!taken.has(block));
    expect(block.free && blocks[i + 1]?.free, 'free neighbours are one block').toBeFalsy();
    address += block.bytes;
  });
  expect(address, 'the blocks fill the memory').toBe(end);
  expect(allocator.taken, 'taken is the sum of what is taken').toBe(
    [...taken].reduce((sum, { bytes }) => sum + bytes, 0),
  );
}

interface World {
  allocator: Allocator;
  taken: Set<Block>;
  end: number;
}

type Step = (world: World) => void;

const allocate =
  (bytes: number): Step =>
  ({ allocator, taken }) => {
    const largest = Math.max(0, ...blocksOf(allocator).flatMap(({ free, bytes: size }) => (free ? [size] : [])));
    const block = allocator.allocate(bytes);
    if (!block) {
      expect(largest, 'a request is refused for want of room').toBeLessThan((bytes + LINE) * ROUNDING);
      return;
    }
    expect(block.bytes, 'a block holds what was asked for').toBeGreaterThanOrEqual(bytes);
    expect(block.bytes, 'and wastes less than a line').toBeLessThan(Math.max(bytes, 1) + LINE);
    expect(taken.has(block), 'and is nobody elses').toBe(false);
    taken.add(block);
  };

const free =
  (which: number): Step =>
  ({ allocator, taken }) => {
    const block = [...taken][which % Math.max(1, taken.size)];
    if (!block) return;
    taken.delete(block);
    allocator.free(block);
  };

const extend =
  (lines: number): Step =>
  (world) => {
    world.end += lines * LINE;
    world.allocator.extend(world.end);
  };

const sizes = fc.oneof(
  fc.integer({ min: 0, max: 16 * LINE }),
  fc.integer({ min: 0, max: 2000 * LINE }),
  fc.integer({ min: 1, max: 64 }).map((n) => n * 8 * LINE),
);

const steps = fc.oneof(
  { weight: 5, arbitrary: sizes.map((bytes) => ({ name: `allocate ${bytes}`, run: allocate(bytes) })) },
  { weight: 4, arbitrary: fc.nat().map((i) => ({ name: `free ${i}`, run: free(i) })) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 500 }).map((n) => ({ name: `extend ${n}`, run: extend(n) })) },
);

function worldOf(lines: number): World {
  const end = START + lines * LINE;
  return { allocator: new Allocator(START, end), taken: new Set(), end };
}

describe('the allocator', () => {
  it('hands out whole lines that do not overlap and joins free neighbours, whatever is asked of it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4000 }), fc.array(steps, { maxLength: 80 }), (lines, list) => {
        const world = worldOf(lines);
        for (const { run } of list) {
          run(world);
          expectSound(world.allocator, world.end, world.taken);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('is one free block again once everything is given back, in whatever order', () => {
    fc.assert(
      fc.property(fc.array(sizes, { maxLength: 60 }), fc.nat(), (list, salt) => {
        const world = worldOf(20_000);
        for (const bytes of list) allocate(bytes)(world);
        for (let i = salt; world.taken.size > 0; i += 7) free(i)(world);
        expect(blocksOf(world.allocator)).toMatchObject([{ address: START, bytes: 20_000 * LINE, free: true }]);
        expect(world.allocator.taken).toBe(0);
      }),
    );
  });

  it('gives a block of exactly the whole memory where that is a power of two', () => {
    const { allocator } = worldOf(1024);
    expect(allocator.allocate(1024 * LINE)?.bytes).toBe(1024 * LINE);
    expect(allocator.allocate(1)).toBeUndefined();
  });

  it('begins what is large at a multiple of 1024, if there is room, and loses nothing by it', () => {
    const { allocator } = worldOf(4000);
    const large = [allocator.allocate(70_000), allocator.allocate(65_536)];
    expect(large.map((block) => (block as Block).address % 1024)).toEqual([0, 0]);
    for (const block of large) allocator.free(block as Block);
    expect(blocksOf(allocator)).toMatchObject([{ address: START, bytes: 4000 * LINE, free: true }]);
  });

  it('gives a line for no bytes, so that every address is one of a kind', () => {
    const { allocator } = worldOf(2);
    const [a, b] = [allocator.allocate(0), allocator.allocate(0)];
    expect([a?.address, b?.address]).toEqual([START, START + LINE]);
  });

  it('forgets the owner of a block that is given back', () => {
    const { allocator } = worldOf(1);
    const block = allocator.allocate(1) as Block;
    block.owner = 'somebody';
    allocator.free(block);
    expect(block.owner).toBeUndefined();
  });

  it('joins what memory grows by to a free block at its end', () => {
    const { allocator } = worldOf(4);
    allocator.extend(START + 10 * LINE);
    expect(blocksOf(allocator)).toMatchObject([{ bytes: 10 * LINE, free: true }]);
  });

  it('takes addresses up to 4 GiB', () => {
    const end = 2 ** 32 - LINE;
    const allocator = new Allocator(START, end);
    const low = allocator.allocate(3 * 2 ** 30) as Block;
    const high = allocator.allocate(2 ** 29) as Block;
    expect([low.address, high.address]).toEqual([1024, 1024 + 3 * 2 ** 30]);
    allocator.free(low);
    allocator.free(high);
    expect(blocksOf(allocator)).toMatchObject([{ address: START, bytes: end - START, free: true }]);
  });
});
