import { OptionError } from '../../errors';
import type { Storage } from '../../wasm/heap';
import { isTraced, outsideTrace } from '../driver';
import type { Tensor } from '../tensor';

/** Has all labels of a column checked. */
type Column = (check: (labels: Tensor) => void) => void;

/** What batches that have no values yet are gathered from. */
const columns = new WeakMap<Storage, Column>();

/** Notes the rows that all batches at this place come from. */
export function gatheredFrom(batch: Tensor, column: Column): void {
  columns.set(batch.storage, column);
}

/** Indices may be whole numbers from 0 to count - 1, or the one that is ignored. */
interface Choice {
  count: number;
  ignored?: number | undefined;
}

function needInRange(owner: string, labels: Tensor, { count, ignored }: Choice): void {
  const values = labels.toTypedArray();
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if ((Number.isInteger(value) && value >= 0 && value < count) || value === ignored) continue;
    throw new OptionError(
      `${owner} got the index ${value} at position ${i}; with ${count} to choose from it must be a whole number from 0 to ${count - 1}${ignored === undefined ? '' : `, or ${ignored}`}.`,
    );
  }
}

/**
 * Indices as int32, each checked to be one of the choice. In a compiled step the whole column that the batches come from is
 * checked, before anything is trained.
 */
export function checkLabels(owner: string, labels: Tensor, choice: Choice): Tensor {
  const column = columns.get(labels.storage);
  const check = (all: Tensor) => needInRange(owner, all, choice);
  if (!isTraced(labels.storage)) outsideTrace(() => check(labels));
  else if (column) outsideTrace(() => column(check));
  return labels.to('int32').contiguous();
}
