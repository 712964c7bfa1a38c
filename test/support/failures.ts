import { expect, it } from 'vitest';

/** A call that must fail, with what, and what its message must say. */
export interface Failure {
  name: string;
  call: () => unknown;
  error: new (...args: never[]) => Error;
  says: RegExp;
}

/** A row of a table of failures. */
export function failure(name: string, call: () => unknown, error: Failure['error'], says: RegExp): Failure {
  return { name, call, error, says };
}

/** The error of a call, whether it is thrown or its promise is rejected. */
export async function errorOf(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return expect.fail('Nothing was thrown.');
}

async function expectFailure({ call, error, says }: Failure): Promise<void> {
  const thrown = (await errorOf(call)) as Error;
  expect(`${thrown.name}: ${thrown.message}`).toMatch(says);
  expect(thrown).toBeInstanceOf(error);
}

/** A test for each row of a table. */
export function testFailures(failures: readonly Failure[]): void {
  for (const row of failures) it(row.name, () => expectFailure(row));
}
