import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { Leashed, within } from '../../support/leash';

/** A port that was free a moment ago: WebKitWebDriver does not choose one by itself. */
async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  await once(server.close(), 'close');
  return port;
}

/** A command of the W3C's WebDriver protocol: https://www.w3.org/TR/webdriver2/#endpoints */
async function send(url: string, body?: unknown): Promise<unknown> {
  const request = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
  const response = await fetch(url, { ...request, signal: AbortSignal.timeout(120_000) });
  const { value } = (await response.json()) as { value: { message?: string } };
  if (!response.ok) throw new Error(`WebDriver: ${value.message ?? response.status}`);
  return value;
}

/** How a session is opened: the driver's program, the browser's own options, and the environment of both. */
export interface SessionOptions {
  driver: string;
  options: Readonly<Record<string, unknown>>;
  env: Readonly<Record<string, string>>;
}

interface Session {
  /** Loads the page and waits for its answer. */
  ask(url: string): Promise<string>;
  close(): Promise<void>;
}

/** Starts a driver and a browser session in it. */
export async function openSession({ driver, options, env }: SessionOptions): Promise<Session> {
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const leashed = new Leashed([driver, `--port=${port}`], env);
  try {
    const ready = () => send(`${base}/status`).catch(() => undefined);
    await within(30_000, ready, () => `${driver}, which said:\n${leashed.said}`);
    const capabilities = { alwaysMatch: { ...options, timeouts: { script: 110_000 } } };
    const { sessionId } = (await send(`${base}/session`, { capabilities })) as { sessionId: string };
    const session = `${base}/session/${sessionId}`;
    return {
      async ask(url) {
        await send(`${session}/url`, { url });
        // The page may be another process than the one before it, and not be there yet.
        const script =
          'const look = (tell) => (globalThis.answer ? answer().then(tell) : setTimeout(look, 20, tell)); look(arguments[0]);';
        return (await send(`${session}/execute/async`, { script, args: [] })) as string;
      },
      close: () => leashed.release(),
    };
  } catch (error) {
    await leashed.release();
    throw error;
  }
}
