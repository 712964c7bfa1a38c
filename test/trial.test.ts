import { describe, expect, it } from 'vitest';
import { Trial } from '../src/wasm/trial';

/** Takes so many pieces of work, of which each takes `alone` or `shared`; returns which were shared. */
function take(trial: Trial, pieces: number, { alone, shared }: { alone: number; shared: number }): boolean[] {
  return Array.from({ length: pieces }, () => {
    const was = trial.shared;
    trial.note(was ? shared : alone);
    return was;
  });
}

const countOf = (list: boolean[]) => list.filter(Boolean).length;

describe('a trial', () => {
  it('takes the faster way from the fifth piece on', () => {
    expect(take(new Trial(), 12, { alone: 2, shared: 1 })).toEqual([...[false, false], ...new Array(10).fill(true)]);
    expect(take(new Trial(), 12, { alone: 1, shared: 1.5 })).toEqual([
      ...[false, false, true, true],
      ...new Array(8).fill(false),
    ]);
  });

  it('tries the slower way ever less often, and once only where it is hopeless', () => {
    expect(countOf(take(new Trial(), 1000, { alone: 1, shared: 1.5 }))).toBe(12);
    expect(countOf(take(new Trial(), 1000, { alone: 1, shared: 9 }))).toBe(6);
  });

  it('finds out when the other way has become the faster', () => {
    const trial = new Trial();
    take(trial, 100, { alone: 1, shared: 3 });
    expect(countOf(take(trial, 100, { alone: 2, shared: 1 }))).toBeGreaterThan(60);
    expect(countOf(take(trial, 100, { alone: 1, shared: 3 }))).toBeLessThan(60);
    expect(trial.shared).toBe(false);
  });

  it('stays with one thread where no time passes', () => {
    expect(countOf(take(new Trial(), 1000, { alone: 0, shared: 0 }))).toBeLessThan(20);
  });

  it('is not misled by one piece that took long', () => {
    const trial = new Trial();
    take(trial, 20, { alone: 2, shared: 1 });
    trial.note(30);
    take(trial, 40, { alone: 2, shared: 1 });
    expect(countOf(take(trial, 100, { alone: 2, shared: 1 }))).toBeGreaterThan(80);
  });
});
