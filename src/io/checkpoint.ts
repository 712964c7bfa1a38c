import { version } from '../../package.json';
import { checkNumber, checkOptions, FormatError, isRate, OptionError, quoted } from '../errors';
import type { OptimizerState } from '../optim/optimizer';
import type { Tensor } from '../tensor/tensor';
import type { HistoryRow } from '../train/history';
import { type Part, type Parts, restore, type States, statesOf } from '../train/parts';
import type { Checkpointer, Moment } from '../train/progress';
import { random } from '../wasm/random';
import { runtimeInfo } from '../wasm/runtime';
import { seal, unseal } from './container';
import { type Place, placeOf, type Target } from './storage';
import { flat, unflat } from './tree';

/** What a checkpoint holds: the states of its parts by their names, as their `stateDict()` gave them. */
export interface Checkpoint {
  /** What `model.loadStateDict` takes, if a model is a part. */
  model?: Record<string, Tensor>;
  /** What `optimizer.loadStateDict` takes, if an optimizer is a part. */
  // biome-ignore lint/suspicious/noExplicitAny: the options are the optimizer's own.
  optimizer?: OptimizerState<any>;
  /** The version of downhill and the build of its kernels that wrote it. */
  madeBy: { version: string; build: string };
  [part: string]: unknown;
}

const isPart = (value: unknown): value is Part =>
  typeof (value as Part | null | undefined)?.stateDict === 'function' &&
  typeof (value as Part).loadStateDict === 'function';

/** Those of the parts that have a state to put back. */
const partsIn = (parts: Readonly<Record<string, unknown>>): Parts =>
  Object.fromEntries(Object.entries(parts).filter((entry): entry is [string, Part] => isPart(entry[1])));

/** The names that checkpoints and `fit` give. */
function checkParts(parts: Readonly<Record<string, unknown>>, taken: readonly string[]): void {
  if (typeof parts !== 'object' || !parts || 'stateDict' in parts)
    throw new OptionError(
      `A checkpoint got ${quoted(parts)} for its parts; give them names, as in { model, optimizer }.`,
    );
  const bad = Object.keys(parts).find((name) => taken.includes(name) || /Extra$|^__proto__$/.test(name));
  if (bad) throw new OptionError(`A part of a checkpoint is called ${bad}, which is taken; give it another name.`);
}

async function keep(place: Place, states: States): Promise<void> {
  const { json, tensors } = flat(states);
  const { build } = runtimeInfo();
  await place.write(seal(tensors, { version, build, state: json }));
}

/**
 * Keeps the states of a training's parts in one file, which is replaced as a whole or not at all.
 *
 * It also holds the state that `manualSeed` sets. The file is one of safetensors, so other programs can read its tensors.
 *
 * @param target a path in Node; in browsers a key of IndexedDB, or a FileSystemFileHandle.
 * @param parts by names of your own, such as `{ model, optimizer, scheduler, loader, scaler, epoch }`: what has `stateDict()` and
 * `loadStateDict()`, and plain values.
 * @throws OptionError for a part that can't be kept; StateError where the target can't be written, such as on a full disk: what
 * was there is still there.
 * @example
 * const model = new nn.Linear(2, 1);
 * const optimizer = new optim.Adam(model.parameters());
 * await saveCheckpoint('eager.safetensors', { model, optimizer, epoch: 3 });
 * const { epoch } = await loadCheckpoint('eager.safetensors', { model, optimizer });
 * expect(epoch).toBe(3);
 */
export async function saveCheckpoint(target: Target, parts: Readonly<Record<string, unknown>>): Promise<void> {
  checkParts(parts, ['random', 'madeBy']);
  const place = placeOf(target);
  await keep(place, { ...parts, ...statesOf({ random, ...partsIn(parts) }) });
}

/**
 * What `saveCheckpoint`, or `fit` with `checkpointTo`, has kept; undefined where there is nothing yet.
 *
 * @param target as for `saveCheckpoint`.
 * @param parts whose states are put back, and that of `manualSeed` with them, all or none; default none: `fit({ resume })` does it.
 * @throws FormatError for a file that is cut off, damaged, no checkpoint, or of a newer version: it says which. StateError or
 * ShapeError for parts that are not as those that were kept.
 * @example
 * const model = new nn.Linear(2, 1);
 * await saveCheckpoint('weights.safetensors', { model });
 * const checkpoint = await loadCheckpoint('weights.safetensors');
 * expect(checkpoint.model.weight.shape).toEqual([1, 2]);
 * expect(await loadCheckpoint('nothing.safetensors')).toBe(undefined);
 */
export async function loadCheckpoint(
  target: Target,
  parts?: Readonly<Record<string, unknown>>,
): Promise<Checkpoint | undefined> {
  if (parts) checkParts(parts, []);
  const place = placeOf(target);
  const bytes = await place.read();
  if (!bytes) return undefined;
  const { tensors, metadata } = unseal(bytes, place.name);
  const { version = '', build = '', state: json = '' } = metadata;
  const states = statesIn({ json, tensors });
  if (parts) restore({ random, ...partsIn(parts) }, states);
  return { ...states, madeBy: { version, build } };
}

function statesIn(kept: Parameters<typeof unflat>[0]): States {
  try {
    return unflat(kept) as States;
  } catch (error) {
    if (error instanceof FormatError) throw error;
    throw new FormatError(`The checkpoint's state can't be read: ${(error as Error).message}`);
  }
}

/** When and what `checkpointTo` keeps. */
export interface CheckpointOptions {
  /** Seconds between two checkpoints; one more is made at the end. Default: 30. */
  everySeconds?: number;
  /** Where the checkpoint after the best epoch so far is kept. Default: nowhere. */
  keepBest?: Target;
  /** The name in the history's rows that says which epoch is the best. Default: 'valLoss' where there is one, else 'loss'. */
  monitor?: string;
  /** Is less of it better, or more? Default: 'min'. */
  mode?: 'min' | 'max';
  /** More to keep, such as `{ scaler }`. */
  parts?: Readonly<Record<string, unknown>>;
}

/** Is the last row better than all before it? */
function isBest(rows: readonly HistoryRow[], { monitor, mode }: CheckpointOptions): boolean {
  const row = rows[rows.length - 1] as HistoryRow;
  const name = monitor ?? (row.valLoss === undefined ? 'loss' : 'valLoss');
  const sign = mode === 'max' ? -1 : 1;
  const values = rows.map((r) => sign * (r[name] ?? Number.NaN));
  if (row[name] === undefined)
    throw new OptionError(`keepBest looks at ${name}, which is not there; there are ${Object.keys(row).join(', ')}.`);
  const own = values.pop() as number;
  return !Number.isNaN(own) && values.every((value) => !(value <= own));
}

function checkCheckpointOptions(options: CheckpointOptions): void {
  checkOptions('checkpointTo', options, ['everySeconds', 'keepBest', 'monitor', 'mode', 'parts']);
  const { everySeconds, mode = 'min', parts = {} } = options;
  if (everySeconds !== undefined) checkNumber('everySeconds', everySeconds, isRate);
  if (mode !== 'min' && mode !== 'max') throw new OptionError(`mode is ${String(mode)}; it must be 'min' or 'max'.`);
  checkParts(parts, ['random', 'madeBy', 'model', 'optimizer', 'loader', 'scheduler', 'averaging', 'progress']);
}

/**
 * Keeps a training as it goes, for `fit({ checkpoint })`: every so many seconds, in the middle of an epoch too, and at its end.
 * Each checkpoint takes the place of the one before, as a whole or not at all.
 *
 * A process that is killed loses what came after the last one; resumed from there, the training ends with the same bits as one
 * that was not.
 *
 * @param target as for `saveCheckpoint`.
 * @param options `everySeconds` 30; `keepBest`, with `monitor` and `mode` 'min'; `parts`.
 * @throws OptionError for options that are unknown or out of range.
 * @example
 * const loader = new DataLoader(new TensorDataset([[0], [1], [2]], [[1], [3], [5]]), { shuffle: true });
 * const model = new nn.Linear(1, 1);
 * const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
 * const train = async (epochs) =>
 *   fit(model, loader, {
 *     loss: new nn.MSELoss(),
 *     optimizer,
 *     epochs,
 *     checkpoint: checkpointTo('run.safetensors'),
 *     resume: await loadCheckpoint('run.safetensors'),
 *   });
 * await train(5);
 * expect((await train(8)).epochs.length).toBe(8);
 */
export function checkpointTo(target: Target, options: CheckpointOptions = {}): Checkpointer {
  checkCheckpointOptions(options);
  const { everySeconds = 30, keepBest, parts = {} } = options;
  const place = placeOf(target);
  const best = keepBest === undefined ? undefined : placeOf(keepBest);
  let last = performance.now();
  return {
    async visit(take: () => States | Promise<States>, { rows, epochEnded, ended }: Moment) {
      const all = async () => ({ ...parts, ...statesOf(partsIn(parts)), ...(await take()) });
      if (epochEnded && best && isBest(rows, options)) await keep(best, await all());
      if (!ended && performance.now() - last < everySeconds * 1000) return;
      await keep(place, await all());
      last = performance.now();
    },
  };
}
