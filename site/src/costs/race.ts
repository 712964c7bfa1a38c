import { DivergenceError, minimize, parameter } from 'downhill';
import type { Point } from '../draw/plot';
import { RULES, type RuleName } from '../optimizers';
import type { Settings } from '../page/form';
import { COSTS, type CostName } from './functions';

const MOST_STEPS = 2000;
/** No farther than this from a minimum is there. */
const NEAR = 0.01;
/** A minimum that is above the lowest by this much is another one. */
const HIGHER = 0.1;

/** How a walk ended; `higher` is a minimum, and there is a lower one. */
export type End = 'arrived' | 'higher' | 'diverged' | 'tired';

/** The way of one rule of descent. */
export interface Walk {
  rule: RuleName;
  /** Where it was after each step. */
  points: Point[];
  /** The cost there, above the lowest that there is. */
  heights: number[];
  /** Undefined before it began. */
  end: End | undefined;
}

/** Which rules take part. */
export const racersOf = (settings: Settings) =>
  (Object.keys(RULES) as RuleName[]).filter((rule) => settings[rule] === 'yes');

const costOf = ({ cost }: Settings) => COSTS[cost as CostName];

/** Walks down from the start by one rule, to a minimum. */
export async function walk(rule: RuleName, settings: Settings): Promise<Walk> {
  const { at, lowest, minima } = costOf(settings);
  const [x, y] = [parameter([Number(settings.x)]), parameter([Number(settings.y)])];
  const { make, adaptive } = RULES[rule];
  const optimizer = make([x, y], Number(adaptive ? settings.adaptive : settings.rate));
  const points: Point[] = [[x.item(), y.item()]];
  const heights: number[] = [];
  const there = new AbortController();
  const onStep = (_: number, cost: number) => {
    // The cost is that before the step.
    heights.push(cost - lowest);
    const [u, v] = points[points.length - 1] as Point;
    if (minima.some(([p, q]) => Math.hypot(u - p, v - q) <= NEAR)) there.abort();
    else if (heights.length <= MOST_STEPS) points.push([x.item(), y.item()]);
  };
  let end: End | undefined;
  try {
    await minimize(at, [x, y], { optimizer, steps: MOST_STEPS + 1, onStep, signal: there.signal });
  } catch (error) {
    if (!(error instanceof DivergenceError)) throw error;
    end = 'diverged';
    points.length = heights.length;
  }
  if (there.signal.aborted) end = (heights[heights.length - 1] as number) < HIGHER ? 'arrived' : 'higher';
  return { rule, points, heights, end: end ?? 'tired' };
}
