import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Runs a command in a process group of its own, and ends the whole group when the standard input ends: when we end it, and
 * also when we are killed. What does not heed SIGTERM within 2 seconds is killed.
 */
const LEASH = `
trap : TERM
"$@" </dev/null & child=$!
cat >/dev/null
kill -TERM 0
{ sleep 2; kill -KILL 0; } &
wait $child
kill -KILL 0`;

/** A program on a leash: nothing of it outlives `release`, nor the process that took it. */
export class Leashed {
  readonly #process: ChildProcess;
  #said = '';

  constructor(command: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#process = spawn('sh', ['-c', LEASH, 'leash', ...command], {
      detached: true,
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#said += text;
      });
    }
  }

  /** What the program has printed. */
  get said(): string {
    return this.#said;
  }

  /** The first group of the pattern in what the program prints. */
  hear(pattern: RegExp, milliseconds = 30_000): Promise<string> {
    return within(
      milliseconds,
      async () => pattern.exec(this.#said)?.[1],
      () => `${pattern} in:\n${this.#said}`,
    );
  }

  async release(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.stdin?.end();
    await ended;
  }
}

/** Asks every 20 milliseconds until there is an answer; after `milliseconds` it fails with what was waited for. */
export async function within<T>(
  milliseconds: number,
  ask: () => Promise<T | undefined>,
  waitedFor: () => string,
): Promise<T> {
  const end = performance.now() + milliseconds;
  while (performance.now() < end) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`Waited ${milliseconds} ms for ${waitedFor()}`);
}
