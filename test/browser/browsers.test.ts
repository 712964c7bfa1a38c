import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeBrowsers } from './support/describe';

/** What only this browser calls itself. */
const AGENTS: Record<string, RegExp> = {
  Chromium: /Chrome\//,
  Firefox: /Firefox\//,
  WebKitGTK: /Version\/.* Safari\//,
};

const README = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
const [, HTML, TEXT] = /```html\n([\s\S]*?)```[\s\S]*?```text\n(.*)\n```/.exec(README) ?? [];

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

  it('the page of the README trains with no bundler, to the end that it names', async () => {
    expect(await page.run('framed.ts', { parameters: { html: HTML, until: 'epoch 20' } })).toBe(TEXT);
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
