// @ts-check

/**
 * Shows how far a training is: on a terminal a bar that is redrawn while it runs, elsewhere what is noted, line by line.
 * @param {number} epochs
 * @returns {Promise<{
 *   onProgress: (progress: import('downhill').Progress) => void,
 *   note: (line: string) => void,
 *   stop: () => void,
 * }>}
 */
export async function progress(epochs) {
  if (!process.stdout.isTTY) return { onProgress() {}, note: (line) => console.log(`  ${line}`), stop() {} };
  const { default: cliProgress } = await import('cli-progress');
  const bar = new cliProgress.SingleBar({
    format: '  [{bar}] epoch {epoch}/{total}  loss {loss}  {rate} rows/s  {left} s left',
    barsize: 24,
    stream: process.stdout,
    hideCursor: true,
  });
  bar.start(epochs, 0, { epoch: 1, loss: '-', rate: '-', left: '-' });
  return {
    onProgress({ epoch, batch, batches, loss, rowsPerSecond, secondsLeft }) {
      const rate = Math.round(rowsPerSecond).toLocaleString('en');
      const shown = { epoch, loss: loss.toFixed(4), rate, left: secondsLeft.toFixed(1) };
      bar.update(epoch - 1 + batch / batches, shown);
    },
    note() {},
    stop: () => bar.stop(),
  };
}
