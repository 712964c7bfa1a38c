import { expect, it } from 'vitest';
import { describeBrowsers } from './support/describe';

/** What only this browser calls itself. */
const AGENTS: Record<string, RegExp> = {
  Chromium: /Chrome\//,
  Firefox: /Firefox\//,
  WebKitGTK: /Version\/.* Safari\//,
};

interface Regression {
  agent: string;
  isolated: boolean;
  line: [number, number];
}

describeBrowsers((page) => {
  it.each([true, false])('a page whose isolation is %s trains a line', async (isolated) => {
    const trained = (await page.run('regression.ts', { isolated, parameters: { epochs: 5 } })) as Regression;
    expect(trained.agent).toMatch(AGENTS[page.engine] as RegExp);
    expect(trained.isolated).toBe(isolated);
    expect(trained.line[0]).toBeCloseTo(3, 4);
    expect(trained.line[1]).toBeCloseTo(2, 4);
  });

  it('a page that may not compile says so', async () => {
    const headers = { 'content-security-policy': "script-src 'self' 'unsafe-inline'" };
    await expect(page.run('regression.ts', { headers, parameters: { epochs: 1 } })).rejects.toThrow(
      /CompileError|EvalError/,
    );
  });

  it('what a page throws is thrown', async () => {
    await expect(page.run('failure.ts')).rejects.toThrow(/ShapeError/);
  });
});
