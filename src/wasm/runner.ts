import { StateError } from '../errors';
import { type Start, startThread, type Thread } from './thread';

/** How many seconds a thread may take to start, of those in which this one had time to listen. */
const STARTS_WITHIN = 30;

/** Places of memory: address and bytes of each. */
export type Places = readonly (readonly [address: number, bytes: number])[];

/** What a runner is asked for: to put bytes in their places, to run segments, and to give bytes back. */
export interface Request {
  segments: number;
  count: number;
  /** Where it leads other threads; 0 if it does not. */
  pool?: number;
  /** Bytes that its memory must have. */
  size?: number;
  put?: Places;
  bytes?: ArrayBuffer;
  get?: Places;
}

interface Reply {
  /** Did other threads have part in it? */
  together: boolean;
  bytes: ArrayBuffer;
}

interface Waiting {
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

/** A thread that runs what it is asked for, one after another. */
export class Runner {
  /** Why it is no more. */
  why: string | undefined;
  isReady = false;
  /** Settles when it is ready, or will never be. */
  readonly started: Promise<void>;
  private readonly thread: Thread | undefined;
  private waiting: Waiting[] = [];
  private settle: () => void = () => {};

  constructor(start: Start, url: string | undefined) {
    let seconds = 0;
    const clock = setInterval(() => {
      if (++seconds === STARTS_WITHIN) this.close(`it did not start within ${STARTS_WITHIN} seconds`);
    }, 1000);
    this.started = new Promise((resolve) => {
      this.settle = () => {
        clearInterval(clock);
        resolve();
      };
    });
    try {
      this.thread = startThread(start, { said: (m) => this.hear(m), ended: (why) => this.close(why) }, url);
    } catch (error) {
      this.close(String(error));
    }
    // Until it is ready, nobody waits for anything else.
    this.thread?.hold(true);
  }

  private hear(message: unknown): void {
    if (this.isReady) this.answer(message as Reply | string);
    else if (message === null) {
      this.isReady = true;
      this.settle();
    } else this.close(String(message));
    this.thread?.hold(this.waiting.length > 0);
  }

  private answer(reply: Reply | string): void {
    const first = this.waiting.shift();
    if (typeof reply === 'string') first?.reject(new StateError(`The worker of a training failed: ${reply}.`));
    else first?.resolve(reply);
  }

  /** @throws StateError where it is no more, or ends before it is done. */
  ask(request: Request, transfer?: readonly ArrayBuffer[]): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.why !== undefined) {
        reject(this.error());
        return;
      }
      this.waiting.push({ resolve, reject });
      this.thread?.hold(true);
      const nothing = { size: 0, put: [], bytes: undefined, pool: 0, get: [] };
      this.thread?.post({ ...nothing, ...request }, transfer);
    });
  }

  private error(): StateError {
    return new StateError(`The worker of a training has ended: ${this.why}. Train again, or without it.`);
  }

  /** Ends it, for good. */
  close(why: string): void {
    if (this.why !== undefined) return;
    this.why = why;
    this.isReady = false;
    this.thread?.stop();
    this.settle();
    for (const { reject } of this.waiting.splice(0)) reject(this.error());
  }
}
