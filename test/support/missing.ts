import { BROWSERS } from '../browser/support/browsers';

/** At the end of a run, says what it left out because it is not installed here, and how to get it. */
export function teardown(): void {
  const missing = BROWSERS.filter((browser) => !browser.isInstalled());
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => name).join(', ');
  const packages = missing.map((browser) => browser.packages).join(' ');
  console.log(`Left out: what runs in ${names}. To have it tested: apt-get install -y ${packages}`);
}
