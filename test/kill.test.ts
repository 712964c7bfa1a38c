import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadCheckpoint } from 'downhill/io';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Way } from './kill/train';
import { bundle } from './support/bundle';
import { numbers } from './support/numbers';

const KILLS = 50;
/** Milliseconds of a slice: one step, a few, or all that fit between two looks at the clock. */
const SLICES = [0, 0, 0.1, 1];

const folder = mkdtempSync(join(tmpdir(), 'downhill-kill-'));
const program = join(folder, 'train.mjs');

/** Waits until a process has said something, or is over. */
async function heard(child: ChildProcess, word: string, said: { text: string }): Promise<boolean> {
  while (!said.text.includes(word) && child.exitCode === null) {
    await Promise.race([once(child.stdout as NodeJS.EventEmitter, 'data'), once(child, 'exit')]);
  }
  return said.text.includes(word);
}

/** Trains in a process of its own, which is killed after `milliseconds` of training; says what it ended with, if it got there. */
async function train(way: Way, milliseconds = Number.POSITIVE_INFINITY): Promise<{ hash?: string; took: number }> {
  const child = spawn(process.execPath, [program, JSON.stringify(way)], { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { text: '' };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (t) => (said.text += t));
  const closed = once(child, 'close');
  await heard(child, 'training', said);
  const began = performance.now();
  const timer = Number.isFinite(milliseconds) ? setTimeout(() => child.kill('SIGKILL'), milliseconds) : undefined;
  const [code, signal] = await closed;
  clearTimeout(timer);
  const hash = /done (\w+)/.exec(said.text)?.[1];
  if (signal !== 'SIGKILL') expect({ code, said: hash ? '' : said.text }).toEqual({ code: 0, said: '' });
  return { ...(hash !== undefined && { hash }), took: performance.now() - began };
}

interface Place {
  epoch: number;
  batch: number;
}

/** Where the training is that was kept, if any was. */
async function placeIn(target: string): Promise<Place> {
  const checkpoint = await loadCheckpoint(target);
  return (checkpoint?.progress as Place | undefined) ?? { epoch: 1, batch: 0 };
}

describe('a training whose process is killed by SIGKILL', () => {
  beforeAll(async () => writeFileSync(program, await bundle('kill/train.ts')));
  afterAll(() => rmSync(folder, { recursive: true }));

  it(`at ${KILLS} random moments ends with the same bits when it is resumed, and its file can always be read`, async () => {
    const next = numbers(2026);
    const one = <T>(list: readonly T[]) => list[Math.floor(next() * list.length)] as T;
    const whole = await train({ target: join(folder, 'whole'), compiled: true, yieldEvery: 0 });
    const places: Place[] = [];
    const hashes: (string | undefined)[] = [];
    for (let run = 0; places.length < KILLS; run++) {
      const target = join(folder, `run-${run}`);
      let hash: string | undefined;
      while (hash === undefined) {
        const way = { target, compiled: next() < 0.6, yieldEvery: one(SLICES) };
        ({ hash } = await train(way, places.length < KILLS ? next() * whole.took : undefined));
        if (hash === undefined) places.push(await placeIn(target));
      }
      hashes.push(hash);
    }
    expect(new Set(hashes)).toEqual(new Set([whole.hash]));
    expect(
      places.some(({ batch }) => batch > 0),
      'some in the middle of an epoch',
    ).toBe(true);
    expect(
      places.some(({ epoch, batch }) => epoch > 1 && batch === 0),
      'some between two epochs',
    ).toBe(true);
  }, 600_000);
});
