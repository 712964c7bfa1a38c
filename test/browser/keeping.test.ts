import { expect, it } from 'vitest';
import { describeBrowsers } from './support/describe';

const RIGHT = { before: 'nothing', same: true, epoch: 7, error: 'FormatError' };

/** The engines whose handles replace a file as a whole. */
const WITH_HANDLES = ['Chromium', 'Firefox'];

describeBrowsers((page) => {
  it('a training is kept and goes on to the same bits', async () => {
    const places = WITH_HANDLES.includes(page.engine) ? { database: RIGHT, file: RIGHT } : { database: RIGHT };
    expect(await page.run('keeping.ts')).toEqual(places);
  });
});
