/** Lets everything else that waits run once: a macrotask without the delay of a timer. */
function pause(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/** Milliseconds between two pauses, so that a page stays alive. */
export const PAUSE_EVERY = 10;

/** Pauses when it is time to. */
export class Pacer {
  private last = performance.now();

  constructor(readonly every = PAUSE_EVERY) {}

  async tick(): Promise<void> {
    if (performance.now() - this.last < this.every) return;
    await pause();
    this.last = performance.now();
  }
}
