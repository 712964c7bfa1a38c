import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BROWSERS } from './browsers';
import type { Driver, Engine } from './engine';
import { BASELINE, PROCESSES } from './processes';
import type { PageOptions } from './server';
import { WORKERDS } from './workerd';

/** The engine of a test. */
export interface Page {
  readonly engine: string;
  /** What the default export of a module of test/browser/pages returns, as JSON says it; what it throws is thrown. */
  run(page: string, options?: PageOptions): Promise<unknown>;
}

/**
 * Describes tests in each browser. One that is not installed is left out, which the run says at its end; where CI is set, it
 * fails instead.
 */
export function describeBrowsers(tests: (page: Page) => void): void {
  for (const browser of BROWSERS) describeEngine(browser, tests);
}

/** The engines without pages, which have threads. */
export const PROCESS_NAMES: readonly string[] = PROCESSES.map(({ name }) => name);

/** Describes tests in each browser, and in Node of several versions, Bun and Deno, which have no page and take its parameters and `slim` only. */
export function describeEngines(tests: (page: Page) => void): void {
  for (const engine of [...PROCESSES, ...BROWSERS]) describeEngine(engine, tests);
}

/** Describes tests in Cloudflare's workerd, which has no page and takes its parameters and `slim` only. */
export function describeWorkerd(tests: (page: Page) => void): void {
  for (const engine of WORKERDS) describeEngine(engine, tests);
}

/** Describes tests in an engine that has no more than the oldest browsers. */
export function describeBaseline(tests: (page: Page) => void): void {
  describeEngine(BASELINE, tests);
}

function describeEngine(engine: Engine, tests: (page: Page) => void): void {
  if (engine.toInstall === undefined) describe(`in ${engine.name}`, () => testIn(engine, tests));
  else if (process.env.CI) it(`${engine.name} is installed`, () => expect.fail(`It is not: ${engine.toInstall}`));
  else describe.skip(`in ${engine.name}, which is not installed`, () => tests({ engine: engine.name, run }));
}

const run = () => Promise.reject(new Error('The engine is not installed.'));

function testIn(engine: Engine, tests: (page: Page) => void): void {
  let driver: Driver | undefined;
  beforeAll(async () => {
    driver = await engine.launch();
  }, 60_000);
  afterAll(() => driver?.close(), 20_000);

  tests({
    engine: engine.name,
    async run(page, options = {}) {
      const answer = await (driver as Driver).run(page, options);
      if ('error' in answer) throw new Error(`In ${engine.name}: ${answer.error}`);
      return answer.value;
    },
  });
}
