/** Milliseconds of a frame that a training may take: half of the frame's, within these. */
const BUDGETS = [12, 100] as const;
/** Milliseconds between two pictures for who wants less motion. */
const CALM = 500;

/** How a training goes on. */
export interface Pace {
  /** Tells it that it is to end. */
  readonly signal: AbortSignal;
  /** Resolves when one more update may be made, or when the training is to end. */
  ready(after?: { epochEnded?: boolean }): Promise<void> | void;
}

/**
 * Lets a training go on, update by update, as fast as is wished: it awaits `ready()` before each update. One player is for one
 * run: `stop` lets it go for good.
 */
export class Player implements Pace {
  readonly #stopping = new AbortController();
  readonly #calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  /** Updates a second. */
  speed = 1;
  #playing = false;
  /** Updates that may be made. */
  #due = 0;
  #toEpochEnd = false;
  #release: (() => void) | undefined;
  #frame = 0;
  /** When the last frame began, and how long a training may take of it. */
  #began = 0;
  #budget: number = BUDGETS[0];
  /** When the last picture was drawn. */
  #drawn = 0;

  /** @param show draws what there is, after updates. */
  constructor(private readonly show: () => void) {}

  get playing(): boolean {
    return this.#playing;
  }

  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  play(): void {
    this.#playing = true;
    this.#due = 1;
    this.#next();
  }

  pause(): void {
    this.#playing = false;
    this.#toEpochEnd = false;
    this.#due = 0;
  }

  /** Lets one update be made. */
  update(): void {
    this.pause();
    this.#due = 1;
    this.#next();
  }

  /** Lets the updates up to the end of the epoch be made. */
  epoch(): void {
    this.update();
    this.#toEpochEnd = true;
  }

  stop(): void {
    this.pause();
    this.#stopping.abort();
    this.#release?.();
  }

  ready({ epochEnded = false } = {}): Promise<void> | void {
    if (epochEnded && this.#toEpochEnd) this.pause();
    const late = performance.now() - this.#began > this.#budget;
    if (this.signal.aborted || (!late && this.#take())) return;
    return new Promise((resolve) => {
      this.#release = resolve;
      this.#next();
    });
  }

  #take(): boolean {
    if (this.#toEpochEnd) return true;
    if (this.#due < 1) return false;
    this.#due--;
    return true;
  }

  #next(): void {
    this.#frame ||= requestAnimationFrame((now) => {
      this.#frame = 0;
      this.#onFrame(now);
    });
  }

  #onFrame(now: number): void {
    const going = this.#playing || this.#toEpochEnd;
    if (!this.#calm || !going || now - this.#drawn >= CALM) {
      this.#drawn = now;
      this.show();
    }
    const passed = performance.now() - this.#began;
    this.#budget = Math.max(BUDGETS[0], Math.min(BUDGETS[1], passed / 2));
    // What a page in the background missed is not made up for.
    const seconds = Math.min(0.1, passed / 1000);
    if (this.#playing) this.#due = Math.min(this.#due + this.speed * seconds, Math.max(1, this.speed * 0.1));
    this.#began = performance.now();
    if (this.#release && !this.signal.aborted && this.#take()) {
      const release = this.#release;
      this.#release = undefined;
      release();
    }
    if (this.#playing) this.#next();
  }
}
