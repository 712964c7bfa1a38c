// @ts-check

/**
 * Reports steps of long work: a bar that is redrawn on a terminal, a line for each step elsewhere.
 * @param {number} total
 * @returns {Promise<{ step: (note: string) => void, stop: () => void }>}
 */
export async function progress(total) {
  if (!process.stdout.isTTY) return { step: (note) => console.log(`  ${note}`), stop() {} };
  const { default: cliProgress } = await import('cli-progress');
  const bar = new cliProgress.SingleBar({
    format: '  [{bar}] {note}',
    barsize: 24,
    stream: process.stdout,
    hideCursor: true,
  });
  bar.start(total, 0, { note: '' });
  return { step: (note) => bar.increment(1, { note }), stop: () => bar.stop() };
}
