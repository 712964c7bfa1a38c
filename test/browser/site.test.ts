import { beforeAll, expect, it } from 'vitest';
import { buildSite } from '../../site/build.mjs';
import { walk } from '../../site/src/costs/race';
import { LineDescent } from '../../site/src/line/descent';
import { pointsOf } from '../../site/src/line/points';
import { NetworkTraining } from '../../site/src/network/training';
import type { Settings } from '../../site/src/page/form';
import { exact, fingerprint } from '../../site/src/page/words';
import type { Act, Seen } from './pages/site';
import { describeBrowsers, type Page } from './support/describe';
import { SITE } from './support/server';

beforeAll(() => buildSite(SITE));

const PLAY: readonly Act[] = [{ press: 'play' }, { until: 'ended' }];
/** As fast as it can. */
const FAST = 'speed=1000000';

/** What the page shows after some acts; nothing may go wrong with it. */
async function see(page: Page, hash: string, acts: readonly Act[] = PLAY): Promise<Seen> {
  const seen = (await page.run('site.ts', { parameters: { hash, acts } })) as Seen;
  expect(seen.errors).toEqual([]);
  return seen;
}

/** What the same settings give here, without a page. */
const HERE = { signal: new AbortController().signal, ready: () => undefined };

const LINE: Settings = {
  ...{ batch: '16', rate: '0.1', rule: 'sgd', epochs: '20', points: '100', noise: '0.5', seed: '42' },
  ...{ drawn: '', w: '0', b: '0' },
};

/** The line of least squares, by sums over the points. */
function leastSquares(points: readonly (readonly [number, number])[]) {
  const n = points.length;
  const sum = (term: (x: number, y: number) => number) => points.reduce((total, [x, y]) => total + term(x, y), 0);
  const [x, y, xx, xy] = [sum((x) => x), sum((_, y) => y), sum((x) => x * x), sum((x, y) => x * y)];
  const w = (n * xy - x * y) / (n * xx - x * x);
  return { w, b: (y - w * x) / n };
}

describeBrowsers((page) => {
  it('the page finds the line of least squares, and draws it', async () => {
    const { numbers, drawn, status } = await see(page, `#line?batch=all&rate=0.7&epochs=200&${FAST}`);
    const { w, b } = leastSquares(pointsOf(LINE));
    expect(Number(numbers.w)).toBeCloseTo(w, 4);
    expect(Number(numbers.b)).toBeCloseTo(b, 4);
    expect(numbers).toMatchObject({ epoch: '200', update: '200' });
    expect(status).toMatch(/^After 200 epochs the cost is 0\.\d+, within 1% of the lowest/);
    for (const figure of ['points', 'map', 'costs']) expect(drawn[figure]?.letters).toBeGreaterThan(2000);
    expect(drawn.map?.colours).toBeGreaterThan(20);
  });

  it.each([
    { batch: '1', rule: 'sgd' },
    { batch: '16', rule: 'momentum' },
    { batch: '64', rule: 'adam' },
    { batch: 'all', rule: 'rmsprop' },
  ])('the page shows the bits of a line by %o that this Node computes', async (some) => {
    const settings = { ...LINE, ...some, seed: '7' };
    const descent = new LineDescent(settings, pointsOf(settings));
    await descent.train(HERE);
    const { w, b } = descent.line;
    const { numbers } = await see(page, `#line?batch=${some.batch}&rule=${some.rule}&seed=7&${FAST}`);
    expect(numbers).toMatchObject({ w: exact(w), b: exact(b), bits: fingerprint([Float32Array.of(w, b)]) });
  });

  it('a rate that is too large diverges, and the page says why', async () => {
    const { status, numbers } = await see(page, `#line?batch=all&rate=1.5&epochs=1000&${FAST}`);
    expect(status).toMatch(/^Diverged: after \d+ updates the numbers are too large for a computer\./);
    expect(status).toContain(`needs a learning rate below ${numbers.limit}`);
  });

  it('one update and one epoch are what their buttons make, and a new setting begins anew beside what was', async () => {
    const acts: Act[] = [
      ...[{ press: 'update' }, { shows: { epoch: '0', update: '1' } }],
      ...[{ press: 'epoch' }, { shows: { epoch: '1', update: '7' } }],
      ...[{ press: 'epoch' }, { shows: { epoch: '2', update: '14' } }],
      ...[{ press: 'update' }, { shows: { epoch: '2', update: '15' } }],
    ];
    const before = await see(page, '#line', acts);
    const after = await see(page, '#line', [...acts, { set: { rate: '9' } }]);
    expect(after.numbers).toMatchObject({ epoch: '0', update: '0' });
    expect(after.address).toBe('#line?rate=0.5');
    expect(after.drawn.map?.letters).toBeGreaterThan(before.drawn.map?.letters as number);
  });

  it('points are added and removed by a click or a key, and the address holds them', async () => {
    const drawn = 'drawn=0.5,2+1.5,6';
    const added = await see(page, `#line?${drawn}`, [{ click: 'points', at: [0.5, 0.25] }]);
    const [, x, y] = /^#line\?drawn=0\.5,2\+1\.5,6\+([\d.]+),([\d.]+)$/.exec(added.address) ?? [];
    // WebKit's mouse stands on whole pixels.
    expect([Number(x), Number(y)]).toEqual([expect.closeTo(1, 1), expect.closeTo(8, 1)]);
    const removed = await see(page, added.address, [{ click: 'points', at: [0.5, 0.25] }]);
    expect(removed.address).toBe(`#line?${drawn}`);
    const byKey = await see(page, `#line?${drawn}`, [
      { key: 'ArrowUp', on: 'points' },
      { key: 'Enter', on: 'points' },
    ]);
    expect(byKey.address).toBe('#line?drawn=0.5,2+1.5,6+1,5.24');
    const byDelete = await see(page, byKey.address, [{ key: 'Delete', on: 'points' }]);
    expect(byDelete.address).toBe(`#line?${drawn}`);
    const others = await see(page, byDelete.address, [{ set: { points: '2' } }]);
    expect(others.address).toBe('#line?points=50');
  });

  it.each([
    { cost: 'sum', shape: 'ring', depth: '2', width: '6' },
    { cost: 'mean', shape: 'spiral', depth: '3', width: '8' },
    { cost: 'entropy', shape: 'xor', depth: '2', width: '6' },
    { cost: 'entropy', shape: 'moons', depth: '2', width: '6' },
  ])('a network brings its cost down to what is acceptable: %o', async (some) => {
    const training = new NetworkTraining({
      ...{ noise: '0.05', activation: 'tanh', rule: 'adam', rate: '0.01', batch: '10', acceptable: '0.05', seed: '2' },
      ...some,
    });
    expect(await training.train(HERE)).toBe(true);
    const { status, numbers, drawn } = await see(page, `#network?${new URLSearchParams(some)}&${FAST}`);
    expect(status).toMatch(/^Reached: after [\d,]+ epochs the cost is/);
    expect(Number(numbers.cost)).toBeLessThanOrEqual(training.acceptable);
    expect(Number.parseFloat(numbers.accuracy as string)).toBeGreaterThan(95);
    const bits = training.layers.flatMap(({ weights, biases }) => [weights, biases]);
    expect(numbers).toMatchObject({ epoch: String(training.epochs), bits: fingerprint(bits) });
    for (const figure of ['surface', 'network', 'costs']) expect(drawn[figure]?.letters).toBeGreaterThan(1000);
    for (const figure of ['surface', 'network']) expect(drawn[figure]?.colours).toBeGreaterThan(20);
  });

  it('rules race down a cost from where somebody clicks, to the same bits everywhere', async () => {
    const { rows, status, address, drawn } = await see(page, `#costs?${FAST}`, [
      { click: 'map', at: [0.25, 0.75] },
      ...PLAY,
    ]);
    const [, u = '', v = ''] = /&x=([-\d.]+)&y=([-\d.]+)$/.exec(address) ?? [];
    expect([Number(u), Number(v)]).toEqual([expect.closeTo(-1.2, 1), expect.closeTo(-1, 1)]);
    const settings = { cost: 'valley', rate: '0.07', adaptive: '0.1', x: u, y: v };
    for (const [i, rule] of (['sgd', 'momentum', 'rmsprop', 'adam'] as const).entries()) {
      const { points, end } = await walk(rule, settings);
      const [x, y] = points[points.length - 1] as readonly [number, number];
      expect(end).toBe('arrived');
      expect(rows[i]?.slice(1, 4)).toEqual([String(points.length - 1), exact(x), exact(y)]);
    }
    expect(status).toMatch(/^Arrived: /);
    expect(drawn.map?.colours).toBeGreaterThan(20);
  });

  it('before a race begins the table has the cost at the start', async () => {
    const { rows } = await see(page, '#costs?cost=bowl&x=-2&y=1', [{ shows: {} }]);
    expect(rows[0]).toEqual(['plain descent', '0', '−2', '1', '2.5', '']);
  });

  it.each([
    ['cost=valley&rate=0.1', /Diverged: plain descent after \d+ steps\. A step went farther up/],
    ['cost=bowl&rate=2', /Not arrived: plain descent after 2,000 steps\. It is slow, circles/],
    ['cost=basins&rate=0.05&adaptive=0.05&x=0.3&y=1.6', /^In the higher basin: /],
    ['cost=saddle&rate=0.1&adaptive=0.05&x=-2&y=0', /^Not arrived: .*rests where the slope is 0/],
    ['cost=rosenbrock&rate=0.001&adaptive=0.02&x=-1.2&y=1', /^Arrived: momentum after/],
  ])('a race on %s ends in words that say what happened', async (settings, words) => {
    expect((await see(page, `#costs?${settings}&${FAST}`)).status).toMatch(words);
  });

  it('an address that says what cannot be shows the page as it is at first', async () => {
    const address = '#line?batch=17&rate=&seed=-1&rule=none&drawn=1&points=1e9&w=x&speed=no';
    const acts = [{ press: 'update' }, { shows: { update: '1' } }];
    const [odd, first] = [await see(page, address, acts), await see(page, '#line', acts)];
    expect(odd.numbers).toEqual(first.numbers);
  });
});
