import { expect, it } from 'vitest';
import { describeBrowsers } from './support/describe';

interface Stayed {
  memory?: string;
  /** Milliseconds from one look of an idle page to the next, at the most. */
  longest: number;
  looks: number;
  seconds: number;
  progress: number;
  /** Milliseconds from a signal to the end. */
  stopped: number;
}

describeBrowsers((page) => {
  it.each([true, false])(
    'a page goes on with its own work while a large network trains (isolated: %s)',
    async (isolated) => {
      const stay = (away: boolean) =>
        page.run('staying.ts', { isolated, parameters: { away, steps: 30 } }) as Promise<Stayed>;
      const [here, away] = [await stay(false), await stay(true)];
      expect([here.memory, away.memory]).toEqual([undefined, isolated ? 'shared' : 'copied']);
      // A step is tens of milliseconds: here the page has a few looks between two of them.
      expect(away.looks / away.seconds).toBeGreaterThan((4 * here.looks) / here.seconds);
      const figures = ({ longest, stopped, progress, seconds }: Stayed) =>
        `${longest.toFixed(1)} ms, stopped within ${stopped.toFixed(1)} ms, ${(progress / seconds).toFixed(1)} reports a second`;
      console.log(
        `${page.engine}, isolated: ${isolated}: longest task here ${figures(here)}; with a worker ${figures(away)}`,
      );
    },
  );
});
