import { DataLoader, TensorDataset } from 'downhill/data';
import * as nn from 'downhill/nn';
import { expect, it } from 'vitest';

/** Values that types forbid and JavaScript lets through. */
export const any = (value: unknown) => value as never;

/** What is misused: three rows, a loader of two batches, a layer that fits them. */
export const data = () =>
  new TensorDataset(
    [
      [1, 2],
      [3, 4],
      [5, 6],
    ],
    [[1], [2], [3]],
  );
export const loader = () => new DataLoader(data(), { batchSize: 2 });
export const model = () => new nn.Linear(2, 1);

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
