import { OptionError } from '../errors';
import type { ReduceLROnPlateau } from '../optim/schedules/plateau';
import type { AnySchedule } from '../optim/schedules/schedule';
import type { HistoryRow } from './history';
import type { FitOptions } from './options';

/** The schedule that goes on with each step of the optimizer, if there is one. */
export function perStep({ scheduler }: FitOptions): AnySchedule | undefined {
  return scheduler?.per === 'step' ? (scheduler as AnySchedule) : undefined;
}

/** The rate of the last step. */
export function rateOf(options: FitOptions): number {
  const schedule = perStep(options);
  if (!schedule) return options.optimizer.lr;
  return schedule.ratesAt(schedule.count - 1)[0] as number;
}

/** What an epoch's end does to a schedule. */
export function stepEpoch({ scheduler }: FitOptions, row: HistoryRow): void {
  if (scheduler?.per !== 'epoch') return;
  if (!('monitor' in scheduler)) {
    (scheduler as AnySchedule).step();
    return;
  }
  const name = scheduler.monitor || ('valLoss' in row ? 'valLoss' : 'loss');
  const metric = row[name];
  if (metric === undefined)
    throw new OptionError(
      `ReduceLROnPlateau looks at ${name}, which is not there; there are ${Object.keys(row).join(', ')}.`,
    );
  (scheduler as ReduceLROnPlateau).step(metric);
}
