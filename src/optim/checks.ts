import { checkNumber, isFraction, OptionError } from '../errors';

/** What decays by itself, or stays as it is at 1. */
export const isShare = { needed: 'from 0 to 1', holds: (n: number) => n >= 0 && n <= 1 };

/** Throws unless `betas` is two numbers, each at least 0 and less than 1. */
export function checkBetas(betas: unknown): void {
  if (!Array.isArray(betas) || betas.length !== 2)
    throw new OptionError(`betas is ${String(betas)}; it must be two numbers, such as [0.9, 0.999].`);
  for (const beta of betas) checkNumber('Each of betas', beta, isFraction);
}
