import { BROWSERS } from '../browser/support/browsers';
import { PROCESSES } from '../browser/support/processes';
import { WORKERDS } from '../browser/support/workerd';

/** At the end of a run, says what it left out because it is not installed here, and how to get it. */
export function teardown(): void {
  for (const { name, toInstall } of [...PROCESSES, ...WORKERDS, ...BROWSERS]) {
    if (toInstall) console.log(`Left out: what runs in ${name}. To have it tested: ${toInstall}`);
  }
}
