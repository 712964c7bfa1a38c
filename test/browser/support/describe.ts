import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BROWSERS, type Driver } from './browsers';
import { type Answer, type PageOptions, Server } from './server';

/** The browser of a test. */
export interface Page {
  readonly browser: string;
  /** What the default export of a module of test/browser/pages returns, as JSON says it; what it throws is thrown. */
  run(page: string, options?: PageOptions): Promise<unknown>;
}

/**
 * Describes tests in each browser. One that is not installed is left out, which the run says at its end; where CI is set, it
 * fails instead.
 */
export function describeBrowsers(tests: (page: Page) => void): void {
  for (const kind of BROWSERS) {
    if (kind.isInstalled()) describe(`in ${kind.name}`, () => inBrowser(kind, tests));
    else if (process.env.CI) it(`${kind.name} is installed`, () => expect.fail(`apt-get install -y ${kind.packages}`));
    else describe.skip(`in ${kind.name}, which is not installed`, () => tests({ browser: kind.name, run }));
  }
}

const run = () => Promise.reject(new Error('There is no browser.'));

function inBrowser(kind: (typeof BROWSERS)[number], tests: (page: Page) => void): void {
  const server = new Server();
  let driver: Driver | undefined;
  beforeAll(async () => {
    driver = await kind.launch();
  }, 60_000);
  afterAll(async () => {
    await driver?.close();
    await server.close();
  }, 20_000);

  async function run(page: string, options: PageOptions = {}): Promise<unknown> {
    const url = await server.serve(page, options);
    const answer = JSON.parse((await driver?.ask(url)) ?? '') as Answer;
    if ('error' in answer) throw new Error(`In ${kind.name}: ${answer.error}`);
    return answer.value;
  }
  tests({ browser: kind.name, run });
}
