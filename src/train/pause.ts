/** Lets everything else that waits run once: a macrotask, without the delay of a timer where there is another way. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') return void setImmediate(resolve);
    if (typeof MessageChannel === 'undefined') return void setTimeout(resolve);
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

/** So many looks at the clock count as the time between two pauses: Cloudflare's stands still. */
const LOOKS = 250;

/** When the last pause of all trainings was, so that many short ones in a row leave room for the page too. */
let last = 0;

/**
 * A button that holds trainings up: while it is pressed, those that were given it wait between two slices, with nothing
 * lost. The result is the same to the last bit. An AbortSignal still stops them.
 *
 * @example
 * const button = new Pause();
 * const loader = new DataLoader(new TensorDataset([[0], [1]], [[1], [3]]), { batchSize: 2 });
 * const model = new nn.Linear(1, 1);
 * const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
 * const pauseAtTen = ({ epoch }) => { if (epoch === 10) button.pause(); };
 * const training = fit(model, loader, { loss: new nn.MSELoss(), optimizer, epochs: 20, pause: button, onEpochEnd: pauseAtTen });
 * setTimeout(() => button.resume(), 20);
 * expect((await training).epochs.length).toBe(20);
 */
export class Pause {
  private pressed = false;
  private readonly waiting = new Set<() => void>();

  /** Is it pressed? */
  get paused(): boolean {
    return this.pressed;
  }

  /** Holds the trainings that have it up before their next slice. */
  pause(): void {
    this.pressed = true;
  }

  /** Lets them go on. */
  resume(): void {
    this.pressed = false;
    for (const go of this.waiting) go();
  }

  /** @internal Waits while it is pressed and nobody aborts. */
  async over(signal: AbortSignal | undefined): Promise<void> {
    while (this.pressed && !signal?.aborted) await this.next(signal);
  }

  private next(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const go = () => {
        this.waiting.delete(go);
        signal?.removeEventListener('abort', go);
        resolve();
      };
      this.waiting.add(go);
      signal?.addEventListener('abort', go);
    });
  }
}

interface PacerOptions {
  /** Milliseconds between two pauses. Default: PAUSE_EVERY. */
  every?: number | undefined;
  signal?: AbortSignal | undefined;
  pause?: Pause | undefined;
}

/** What comes between two slices of work: the rest of the page, a user's pause, a signal to stop. */
export class Pacer {
  /** Milliseconds that a user's pauses have taken. */
  held = 0;

  constructor(private readonly options: PacerOptions = {}) {}

  get signal(): AbortSignal | undefined {
    return this.options.signal;
  }

  get stopped(): boolean {
    return this.signal?.aborted ?? false;
  }

  /** There has just been a pause. */
  rest(): void {
    last = performance.now();
  }

  /** Pauses when it is time to. Is the work to go on? */
  async tick(): Promise<boolean> {
    const { every = PAUSE_EVERY, pause, signal } = this.options;
    last -= every / LOOKS;
    const since = performance.now() - last;
    // Less than none: somebody set the clock back.
    if (since >= every || since < 0) {
      await turn();
      last = performance.now();
    }
    if (pause?.paused) {
      const began = performance.now();
      await pause.over(signal);
      last = performance.now();
      this.held += last - began;
    }
    return !this.stopped;
  }
}
