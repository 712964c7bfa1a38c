import { parseArgs } from 'node:util';

/** An error of the user's: its message is all there is to say. */
export class UsageError extends Error {}

const OPTIONS = {
  json: { type: 'string' },
  compare: { type: 'string' },
  quick: { type: 'boolean', default: false },
  cpu: { type: 'boolean', default: false },
  readme: { type: 'boolean', default: false },
  rounds: { type: 'string' },
  threads: { type: 'string', default: '1' },
};

/** What a bench takes that is measured in rounds and nothing else. */
export const ROUNDS = { quick: OPTIONS.quick, rounds: OPTIONS.rounds };

/** What the command line asks for: names, and options. */
export function readOptions(argv, options = OPTIONS) {
  const known = `known options: ${Object.keys(options)
    .map((name) => `--${name}`)
    .join(', ')}`;
  try {
    const { values, positionals } = parseArgs({ args: argv, options, allowPositionals: true });
    const rounds = Number(values.rounds ?? (values.quick ? 3 : 11));
    if (!Number.isInteger(rounds) || rounds < 1)
      throw new UsageError(`--rounds is ${values.rounds}; give a whole number of at least 1.`);
    const threads = values.threads === 'auto' ? 'auto' : Number(values.threads ?? 1);
    return { ...values, rounds, threads, names: positionals };
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(`${error.message} (${known})`);
  }
}

/** The entries whose names are asked for: W1 means W1-b1, W1-b64 and so on. No names mean all but what is only done on request. */
export function chosen(all, names) {
  if (names.length === 0) return all.filter(({ onRequest }) => !onRequest);
  const matches = (entry, name) => {
    const [have, want] = [entry.name.toLowerCase(), name.toLowerCase()];
    return have === want || have.startsWith(`${want}-`);
  };
  const unknown = names.filter((name) => !all.some((entry) => matches(entry, name)));
  if (unknown.length > 0) {
    throw new UsageError(`Unknown: ${unknown.join(', ')}. Known: ${all.map(({ name }) => name).join(', ')}.`);
  }
  return all.filter((entry) => names.some((name) => matches(entry, name)));
}

/** Runs `main`; a usage error is one line and exit code 2. */
export async function command(main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(error.message);
    process.exitCode = 2;
  }
}
