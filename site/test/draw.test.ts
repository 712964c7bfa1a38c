import { describe, expect, it } from 'vitest';
import { contour } from '../src/draw/contours';
import { linear, logarithmic, roundUp } from '../src/draw/scale';
import { Trail } from '../src/draw/trail';

/** A grid of a function over the unit square. */
function gridOf(height: (x: number, y: number) => number, side = 41) {
  const at = (i: number) => height((i % side) / (side - 1), Math.floor(i / side) / (side - 1));
  return { values: Array.from({ length: side * side }, (_, i) => at(i)), side };
}

describe('contour', () => {
  const lengthOf = (segments: ReturnType<typeof contour>) =>
    segments.reduce((sum, [[x1, y1], [x2, y2]]) => sum + Math.hypot(x2 - x1, y2 - y1), 0);

  it('of a bowl is a circle', () => {
    const segments = contour(
      gridOf((x, y) => Math.hypot(x - 0.5, y - 0.5)),
      0.3,
    );
    for (const [x, y] of segments.flat()) expect(Math.hypot(x - 0.5, y - 0.5)).toBeCloseTo(0.3, 3);
    expect(lengthOf(segments)).toBeCloseTo(2 * Math.PI * 0.3, 2);
  });

  it('of a plane is a straight line, and there is none where the plane is not', () => {
    const plane = gridOf((x, y) => x + 2 * y);
    for (const [x, y] of contour(plane, 1.25).flat()) expect(x + 2 * y).toBeCloseTo(1.25, 12);
    expect(lengthOf(contour(plane, 1.25))).toBeCloseTo(Math.hypot(1, 0.5), 12);
    expect(contour(plane, 4)).toEqual([]);
  });

  it('keeps the two arms apart where a cell has high corners across from each other', () => {
    const saddle = gridOf((x, y) => (x - 0.5) * (y - 0.5), 4);
    const segments = contour(saddle, 0.01);
    for (const [[x1, y1], [x2, y2]] of segments) {
      expect(Math.sign(x1 - 0.5)).toBe(Math.sign(x2 - 0.5));
      expect(Math.sign(y1 - 0.5)).toBe(Math.sign(y2 - 0.5));
    }
    expect(segments.length).toBeGreaterThan(0);
  });
});

describe('scales', () => {
  it('put values in their place, and back', () => {
    for (const scale of [linear([-2, 6]), logarithmic([0.01, 100])]) {
      expect([scale.share(scale.value(0.3)), scale.share(scale.value(1))]).toEqual([
        expect.closeTo(0.3, 12),
        expect.closeTo(1, 12),
      ]);
    }
    expect(linear([-2, 6]).share(0)).toBe(0.25);
    expect(logarithmic([0.01, 100]).share(1)).toBeCloseTo(0.5, 12);
  });

  it('have round ticks', () => {
    expect(linear([-0.3, 2.1]).ticks(4)).toEqual([0, 1, 2]);
    expect(linear([0, 1]).ticks(5)).toEqual([0, 0.2, 0.4, expect.closeTo(0.6, 12), 0.8, 1]);
    expect(logarithmic([0.001, 1000]).ticks(4).map(Math.log10)).toEqual([-2, 0, 2].map((e) => expect.closeTo(e, 12)));
    expect(logarithmic([0.9, 11]).ticks(4)).toEqual([1, 2, 5, 10]);
  });

  it('round up to 1, 2, 5 and their tens', () => {
    expect([0.11, 1, 3, 7, 120, 2000].map(roundUp)).toEqual([expect.closeTo(0.2, 12), 1, 5, 10, 200, 2000]);
  });
});

describe('a trail', () => {
  it('is thinned out evenly where it is long, and ends where it last was', () => {
    const trail = new Trail([0, 0]);
    for (let i = 1; i <= 100_003; i++) trail.pass([i, -i]);
    const { points } = trail;
    expect(points.length).toBeLessThan(4002);
    expect(points[0]).toEqual([0, 0]);
    expect(points.at(-1)).toEqual([100_003, -100_003]);
    const gaps = points.slice(1, -1).map(([x], i) => x - (points[i] as readonly [number, number])[0]);
    expect(new Set(gaps).size).toBe(1);
  });
});
