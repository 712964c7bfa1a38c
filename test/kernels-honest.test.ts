import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fit } from 'downhill';
import { describe, expect, it, vi } from 'vitest';
import { relaxedFrom } from '../src/wasm/relaxed';
import { runtime } from '../src/wasm/runtime';
import { classes, classification, regression } from './support/training';

const build = join(import.meta.dirname, '../build');
const text = readFileSync(join(build, 'kernels.wat'), 'utf8');

/** A loop without loops in it, and what it calls. */
interface Innermost {
  within: string;
  calls: string[];
}

interface Open extends Innermost {
  indent: number;
  holdsLoops: boolean;
}

/** The innermost loops, by the indentation of the text. */
function innermostLoops(): Innermost[] {
  const found: Innermost[] = [];
  const open: Open[] = [];
  let within = '';
  const close = (indent: number) => {
    while (open.length > 0 && indent <= (open.at(-1) as Open).indent) {
      const { holdsLoops, ...loop } = open.pop() as Open;
      if (!holdsLoops) found.push(loop);
      const outer = open.at(-1);
      if (outer) outer.holdsLoops = true;
    }
  };
  for (const line of text.split('\n')) {
    const indent = line.length - line.trimStart().length;
    close(indent);
    const name = /^ \(func \$assembly\/(\S+)/.exec(line)?.[1];
    if (name) within = name;
    if (/^\s*\(?loop\b/.test(line)) open.push({ within, calls: [], indent, holdsLoops: false });
    const callee = /\bcall \$assembly\/(\S+?)\)?$/.exec(line)?.[1];
    if (callee) open.at(-1)?.calls.push(callee);
  }
  return found;
}

const loops = innermostLoops();
const looping = new Set(loops.map(({ within }) => within));

/** Functions of four numbers that several loops share, each tens of instructions long. */
const isFunction = (name: string) => name.startsWith('math/') || name === 'elementwise/normalBelow';

describe('the text of the kernels', () => {
  it('imports the memory and nothing else, and never makes it larger', () => {
    expect(text.match(/\(import .*/g)).toEqual([expect.stringContaining('"memory"')]);
    expect(text).not.toContain('memory.grow');
  });

  it('has innermost loops that call nothing but kernels with loops of their own and shared functions of numbers', () => {
    const bad = loops.flatMap(({ within, calls }) =>
      calls
        .filter((name) => !looping.has(name) && !isFunction(name) && name !== 'index/execute')
        .map((c) => [within, c]),
    );
    expect(bad).toEqual([]);
  });

  it.each(['tiles/tiles', 'tiles/slimTiles', 'reduce/dotOfTwo', 'line/lineBlock', 'random/permute'])(
    'calls nothing in the innermost loops of %s',
    (name) => {
      const own = loops.filter(({ within }) => within.startsWith(name));
      expect(own.length).toBeGreaterThan(0);
      expect(own.flatMap(({ calls }) => calls)).toEqual([]);
    },
  );

  it('is compiled to at most 46 KiB', () => {
    expect(statSync(join(build, 'kernels.wasm')).size).toBeLessThanOrEqual(46 * 1024);
  });
});

describe('the relaxed kernels', () => {
  const kernels = new Uint8Array(readFileSync(join(build, 'kernels.wasm')));
  const relaxed = relaxedFrom(kernels);
  const count = (bytes: Uint8Array, code: string) => Buffer.from(bytes).toString('hex').split(code).length - 1;

  it('have a fused one for each pair of a product and a sum with a local or a constant, and are as long', () => {
    const pairs = text.match(/f32x4\.mul\s+(local\.get|v128\.const) .*\s+f32x4\.add/g) as string[];
    expect(pairs.length).toBeGreaterThan(100);
    expect(count(relaxed, 'fd8502')).toBe(pairs.length);
    expect(count(relaxed, 'fde601')).toBe(count(kernels, 'fde601') - pairs.length);
    expect(relaxed.length).toBe(kernels.length);
  });

  it('fuse all products of the tiles', () => {
    const tiles = text.split(/^ \(func /m).filter((body) => body.startsWith('$assembly/tiles/'));
    expect(tiles.length).toBeGreaterThan(0);
    for (const body of tiles) expect(body).not.toMatch(/f32x4\.mul\s+f32x4\.add/);
  });
});

describe('an epoch', () => {
  it.each([
    ['a line', () => regression()],
    ['a network', () => classification(classes(103))],
  ])('of %s is one call into Wasm, allocates nothing and leaves the memory as large as it is', async (_, make) => {
    const { model, loader, loss, optimizer } = make();
    const allocate = vi.spyOn(runtime().heap, 'allocate');
    const seen: object[] = [];
    const onEpochEnd = () => {
      const { calls, heap } = runtime();
      seen.push({ calls: calls - seen.length, allocations: allocate.mock.calls.length, bytes: heap.bytes });
    };
    await fit(model, loader, { loss, optimizer, epochs: 4, yieldEvery: 60_000, onEpochEnd });
    allocate.mockRestore();
    expect(seen).toEqual(Array.from({ length: 4 }, () => seen[0]));
  });
});
