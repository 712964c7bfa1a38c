/** How often the faster way is taken before the other is tried again: at first, and at the most. */
const SOON = 8;
const LATE = 512;
/** How often the other is tried: the first time it finds its data in another core's cache. */
const TRIES = 2;
/** What the last piece counts in the mean of their times. */
const SMOOTHING = 0.25;
/** How many times slower the other is if trying it once is enough. */
const HOPELESS = 2;

/**
 * Finds out whether several threads do some work faster than one. Both give the same bits, so the faster way is taken, and the
 * other now and then, since another process may take a core or leave one.
 */
export class Trial {
  /** Should the next piece of work be shared? */
  shared = false;
  /** What the faster way takes for a piece of work, smoothed. */
  private time = 0;
  /** The least that the other way took, while it is tried. */
  private other = Number.POSITIVE_INFINITY;
  private tries = 0;
  private wait = SOON;
  private left = TRIES;

  /** Takes note of how long a piece of work took, in a unit that makes pieces alike. */
  note(time: number): void {
    if (this.tries === 0) this.keep(time);
    else this.compare(time);
  }

  private keep(time: number): void {
    this.time = this.time === 0 ? time : this.time + (time - this.time) * SMOOTHING;
    if (--this.left > 0) return;
    this.tries = TRIES;
    this.shared = !this.shared;
  }

  private compare(time: number): void {
    this.other = Math.min(this.other, time);
    if (--this.tries > 0 && this.other < HOPELESS * this.time) return;
    this.tries = 0;
    const better = this.other < this.time;
    if (better) this.time = this.other;
    else this.shared = !this.shared;
    this.wait = better ? SOON : Math.min(2 * this.wait, LATE);
    this.left = this.wait;
    this.other = Number.POSITIVE_INFINITY;
  }
}
