import type { AnySchedule } from '../optim/schedules/schedule';
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
