import { configure, OptionError } from 'downhill';
import { describe, expect, it } from 'vitest';
import { describeEngines } from './support/describe';

interface Trained {
  build: string;
  historyBuild: string;
  losses: number[];
}

/** The engines without relaxed SIMD: Node before 22, WebKitGTK 2.50. */
const WITHOUT = ['WebKitGTK', ...(Number.parseInt(process.versions.node, 10) < 22 ? ['this Node'] : [])];

describeEngines((page) => {
  const train = (fast: boolean) => page.run('relaxed.ts', { parameters: { fast } }) as Promise<Trained>;

  it('fastMath runs the relaxed kernels where there are any, and says so', async () => {
    const [plain, fast] = [await train(false), await train(true)];
    expect([plain.build, plain.historyBuild]).toEqual(['simd', 'simd']);
    const expected = WITHOUT.includes(page.engine) ? 'simd' : 'relaxed-simd';
    expect([fast.build, fast.historyBuild]).toEqual([expected, expected]);
    fast.losses.forEach((loss, i) => {
      expect(loss).toBeCloseTo(plain.losses[i] as number, 5);
    });
    if (expected === 'simd') expect(fast.losses).toEqual(plain.losses);
  });
});

describe('configure', () => {
  it('takes true or false for fastMath', () => {
    expect(() => configure({ fastMath: 'yes' as never })).toThrow(OptionError);
    expect(() => configure({ fastMath: 'yes' as never })).toThrow('fastMath is "yes"; it must be true or false.');
  });
});
