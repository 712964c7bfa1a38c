import type { Answer, PageOptions } from './server';

/** A running engine. */
export interface Driver {
  /** Runs a module of test/browser/pages. */
  run(page: string, options: PageOptions): Promise<Answer>;
  close(): Promise<void>;
}

/** What tests can run in. */
export interface Engine {
  readonly name: string;
  /** The command that installs it, unless it is there. */
  readonly toInstall: string | undefined;
  launch(): Promise<Driver>;
}
