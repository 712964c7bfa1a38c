import { Kernel } from '../../../assembly/kernel';
import { OptionError } from '../../errors';
import { isTraced, outsideTrace, writerOf } from '../driver';
import type { Tensor } from '../tensor';

/** What a traced batch was gathered from: the whole column of the data, whose values are known. */
function known(labels: Tensor): Tensor | undefined {
  if (!isTraced(labels.storage)) return labels;
  const writer = writerOf(labels.storage);
  return writer?.kernel === Kernel.gatherRows ? (writer.args[0] as Tensor) : undefined;
}

function needInRange(owner: string, labels: Tensor, count: number, ignored: number | undefined): void {
  const values = outsideTrace(() => labels.toTypedArray());
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if ((Number.isInteger(value) && value >= 0 && value < count) || value === ignored) continue;
    throw new OptionError(
      `${owner} got the index ${value} at position ${i}; with ${count} to choose from it must be a whole number from 0 to ${count - 1}${ignored === undefined ? '' : `, or ${ignored}`}.`,
    );
  }
}

/**
 * Indices as int32, each checked to be whole and in [0, count), or the one that is ignored. In a compiled step the whole column that the batches come
 * from is checked, before anything is trained.
 */
export function checkLabels(owner: string, labels: Tensor, count: number, ignored?: number): Tensor {
  const all = known(labels);
  if (all) needInRange(owner, all, count, ignored);
  return labels.to('int32').contiguous();
}
