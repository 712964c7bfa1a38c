import * as fs from 'node:fs';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FitOptions, FormatError, fit, manualSeed, rand, StateError, type Tensor, tensor, zeros } from 'downhill';
import { StandardScaler } from 'downhill/data';
import { type CheckpointOptions, checkpointTo, fromSafetensors, loadCheckpoint, saveCheckpoint } from 'downhill/io';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { version } from '../package.json';
import { bitsOf } from './golden/bits.js';
import { any, errorOf, failure, testFailures } from './support/failures';
import { numbers } from './support/numbers';
import { classification, rowsOf, stateOf } from './support/training';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'downhill-checkpoint-'));
  path = join(folder, 'run.safetensors');
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const network = () => new nn.Sequential(new nn.Linear(2, 3), new nn.Dropout(0.5), new nn.Linear(3, 1));

/** A step of the eager loop. */
function step(model: nn.Module, optimizer: optim.Adam): void {
  optimizer.zeroGrad();
  model
    .forward(tensor([[1, 2]]))
    .square()
    .sum()
    .backward();
  optimizer.step();
}

describe('a checkpoint of an eager loop', () => {
  it('puts back all of its parts, and what is drawn next', async () => {
    manualSeed(3);
    const make = () => {
      const model = network();
      const optimizer = new optim.Adam(model.parameters(), { lr: 0.1 });
      const scheduler = new optim.ReduceLROnPlateau(optimizer, { patience: 0 });
      return { model, optimizer, scheduler, scaler: new StandardScaler() };
    };
    const a = make();
    a.scaler.fit([[1], [3]]);
    for (let i = 0; i < 3; i++) step(a.model, a.optimizer);
    a.scheduler.step(Number.POSITIVE_INFINITY);
    rand([5]);
    const values = { odd: [Number.NaN, Number.NEGATIVE_INFINITY, -0, 0.1], none: null, text: 'ü"\\', t: tensor([1]) };
    await saveCheckpoint(path, { ...a, values });
    manualSeed(4);
    const b = make();
    const loaded = await loadCheckpoint(path, { ...b, values: {} });
    expect(bitsOf(loaded?.values)).toEqual(bitsOf(values));
    expect(loaded?.madeBy).toEqual({ version, build: 'simd' });
    const seen = [a, b].map(({ model, optimizer, scheduler, scaler }) => {
      manualSeed(3);
      rand([5]);
      step(model, optimizer);
      return bitsOf([model.stateDict(), optimizer.stateDict(), scheduler.stateDict(), scaler.stateDict()]);
    });
    expect(seen[1]).toEqual(seen[0]);
  });

  it('puts back what is drawn next, if it puts parts back', async () => {
    manualSeed(3);
    rand([5]);
    await saveCheckpoint(path, {});
    const next = rand([2]).toArray();
    manualSeed(4);
    const other = rand([2]).toArray();
    manualSeed(4);
    await loadCheckpoint(path);
    expect(rand([2]).toArray()).toEqual(other);
    await loadCheckpoint(path, {});
    expect(rand([2]).toArray()).toEqual(next);
  });

  it('is a safetensors file, in which the weights have their names', async () => {
    const model = network();
    await saveCheckpoint(path, { model });
    const { tensors } = fromSafetensors(readFileSync(path));
    const named = Object.entries(model.stateDict()).map(([name, t]) => [`model.${name}`, t]);
    expect(bitsOf(tensors)).toMatchObject(bitsOf(Object.fromEntries(named)) as object);
  });

  it('keeps two tensors apart whose paths read alike', async () => {
    await saveCheckpoint(path, { a: { 'b.c': tensor(1) }, 'a.b': { c: tensor(2) } });
    const { a, 'a.b': ab } = (await loadCheckpoint(path)) as unknown as Record<string, Record<string, Tensor>>;
    expect([a?.['b.c']?.item(), ab?.c?.item()]).toEqual([1, 2]);
  });

  it('changes nothing where one of its parts does not fit', async () => {
    const [model, other] = [network(), network()];
    const optimizer = new optim.Adam(model.parameters());
    step(model, optimizer);
    await saveCheckpoint(path, { model, optimizer });
    const sgd = new optim.SGD(other.parameters());
    const [before, seed] = [bitsOf([other.stateDict(), sgd.stateDict()]), manualSeed(8)];
    expect(seed).toBe(undefined);
    await expect(loadCheckpoint(path, { model: other, optimizer: sgd })).rejects.toThrow(StateError);
    await expect(loadCheckpoint(path, { model: other, scaler: new StandardScaler() })).rejects.toThrow(
      /The checkpoint has no scaler; it has model, optimizer, random, modelExtra/,
    );
    expect(bitsOf([other.stateDict(), sgd.stateDict()])).toEqual(before);
    const drawn = rand([2]).toArray();
    manualSeed(8);
    expect(rand([2]).toArray()).toEqual(drawn);
  });

  testFailures([
    failure(
      'has no place for a function',
      () => saveCheckpoint(path, { f: () => 1 }),
      Error,
      /^OptionError: A checkpoint can't hold f, a Function/,
    ),
    failure(
      'has no place for a map within',
      () => saveCheckpoint(path, { a: { b: [new Map()] } }),
      Error,
      /^OptionError: A checkpoint can't hold a.b.0, a Map/,
    ),
    failure(
      'has no place for names with $',
      () => saveCheckpoint(path, { a: { $tensor: 'x' } }),
      Error,
      /^OptionError: A checkpoint can't hold a, a Object/,
    ),
    failure(
      'keeps its own names',
      () => saveCheckpoint(path, { random: 1 }),
      Error,
      /^OptionError: A part of a checkpoint is called random, which is taken/,
    ),
    failure(
      'needs a target',
      () => saveCheckpoint('', {}),
      Error,
      /^OptionError: The target of a checkpoint is an empty string/,
    ),
    failure(
      'needs a target that is one',
      () => loadCheckpoint(any(7)),
      Error,
      /^OptionError: The target of a checkpoint is 7; give a path/,
    ),
    failure(
      'says where it could not be written',
      () => saveCheckpoint(join(folder, 'no/such/folder'), {}),
      Error,
      /^StateError: The checkpoint .*no\/such\/folder could not be written; .*ENOENT/,
    ),
    failure(
      'says where it could not be read',
      () => loadCheckpoint(folder),
      Error,
      /^StateError: The checkpoint .* could not be read: EISDIR/,
    ),
    failure(
      'of fit has options',
      () => checkpointTo(path, any({ evrySeconds: 1 })),
      Error,
      /^OptionError: checkpointTo has no option "evrySeconds"; did you mean "everySeconds"/,
    ),
    failure(
      'of fit comes every so many seconds',
      () => checkpointTo(path, { everySeconds: -1 }),
      Error,
      /^OptionError: everySeconds is -1/,
    ),
    failure('of fit has a mode', () => checkpointTo(path, { mode: any('most') }), Error, /^OptionError: mode is most/),
    failure(
      'of fit has names of its own',
      () => checkpointTo(path, { parts: { model: network() } }),
      Error,
      /^OptionError: A part of a checkpoint is called model, which is taken/,
    ),
    failure(
      'is one for fit',
      () => train({ checkpoint: any(path) }),
      Error,
      /^OptionError: checkpoint is .*; it must be checkpointTo\(target\)/,
    ),
    failure(
      'is awaited for fit',
      () => train({ resume: any(loadCheckpoint('nothing')) }),
      Error,
      /^OptionError: resume is .*; it must be await loadCheckpoint\(target\)/,
    ),
    failure(
      'of a loop is none of fit',
      async () => {
        await saveCheckpoint(path, { epoch: 3 });
        await train({ resume: await loadCheckpoint(path) });
      },
      Error,
      /^StateError: The checkpoint has no model, modelExtra, optimizer, loader, progress; it has epoch, random/,
    ),
  ]);

  it('is undefined where there is none yet', async () => {
    expect(await loadCheckpoint(path)).toBe(undefined);
  });
});

async function train(more: Partial<FitOptions> = {}, made = classification()): Promise<unknown> {
  const { model, loader, loss, optimizer } = made;
  const history = await fit(model, loader, { loss, optimizer, epochs: 4, ...more });
  return { history: rowsOf(history), state: stateOf(made) };
}

describe('checkpointTo', () => {
  const options = (more: CheckpointOptions = {}) => ({ checkpoint: checkpointTo(path, { everySeconds: 0, ...more }) });

  it('keeps what a training goes on from, in either driver', async () => {
    const end = await train();
    for (const compiled of [true, false]) {
      const stop = new AbortController();
      const onBatchEnd = ({ epoch, batch }: { epoch: number; batch: number }) =>
        epoch === 2 && batch === 3 && stop.abort();
      await train({ ...options(), onBatchEnd, signal: stop.signal, compiled });
      expect(readdirSync(folder)).toEqual(['run.safetensors']);
      expect(await train({ resume: await loadCheckpoint(path), compiled: !compiled })).toEqual(end);
    }
  });

  it('keeps the end, however few seconds it took', async () => {
    const end = await train({ checkpoint: checkpointTo(path) });
    expect(await train({ resume: await loadCheckpoint(path) })).toEqual(end);
  });

  it('keeps more parts, which are put back before', async () => {
    const scaler = new StandardScaler().fit([[1], [5]]);
    await train(options({ parts: { scaler, note: 'x' } }));
    const other = new StandardScaler();
    const resume = await loadCheckpoint(path, { scaler: other });
    expect([other.mean, resume?.note]).toEqual([[3], 'x']);
    await train({ ...options(), resume });
  });

  it.each(['min', 'max'] as const)('keeps the best epoch: the first of those with the %s', async (mode) => {
    const best = join(folder, 'best');
    const scores = [3, 1, 5, 1, 5, 2];
    const models: unknown[] = [];
    const made = classification();
    let epoch = 0;
    const onEpochEnd = () => void models.push(bitsOf(made.model.stateDict()));
    const metrics = { score: () => scores[epoch++] as number };
    await train({ ...options({ keepBest: best, monitor: 'score', mode }), epochs: 6, metrics, onEpochEnd }, made);
    const { model, progress } = (await loadCheckpoint(best)) as unknown as {
      model: unknown;
      progress: { epoch: number };
    };
    const at = mode === 'min' ? 1 : 2;
    expect(bitsOf(model)).toEqual(models[at]);
    expect(progress.epoch).toBe(at + 2);
  });

  it('says what keepBest could look at', async () => {
    const keepBest = join(folder, 'best');
    await expect(train(options({ keepBest, monitor: 'valLos' }))).rejects.toThrow(
      /keepBest looks at valLos, .* there are epoch, loss, lr/,
    );
  });

  it('takes two writes to one file one after the other', async () => {
    await Promise.all([1, 2, 3, 4].map((epoch) => saveCheckpoint(path, { epoch, weights: zeros([1000 * epoch]) })));
    expect((await loadCheckpoint(path))?.epoch).toBe(4);
    expect(readdirSync(folder)).toEqual(['run.safetensors']);
  });
});

/** Each way in which keeping a file can fail, as the system reports it. */
const FAULTS: Record<string, (files: typeof fs.promises) => Partial<typeof fs.promises>> = {
  'the file beside it can not be made': () => ({ open: () => full() }),
  'the disk is full after some bytes': (files) => ({
    open: async (at, flags) => {
      const file = await files.open(at, flags);
      file.writeFile = async (bytes) => {
        await file.write(bytes as Uint8Array, 0, 100);
        return full();
      };
      return file;
    },
  }),
  'the disk is full when it is synced': (files) => ({
    open: async (at, flags) => Object.assign(await files.open(at, flags), { sync: full }),
  }),
  'it can not be renamed': () => ({ rename: full }),
};

function full(): Promise<never> {
  return Promise.reject(Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' }));
}

describe('a disk that is full', () => {
  function break_(fault: (files: typeof fs.promises) => Partial<typeof fs.promises>): void {
    const { getBuiltinModule } = process;
    vi.spyOn(process, 'getBuiltinModule').mockImplementation(((name: string) =>
      name === 'node:fs' ? { promises: { ...fs.promises, ...fault(fs.promises) } } : getBuiltinModule(name)) as never);
  }

  it.each(Object.entries(FAULTS))('where %s leaves the last good file, and nothing beside it', async (_, fault) => {
    await saveCheckpoint(path, { epoch: 1 });
    const before = readFileSync(path);
    break_(fault);
    const error = (await errorOf(() => saveCheckpoint(path, { epoch: 2 }))) as Error;
    expect(error).toBeInstanceOf(StateError);
    expect(error.message).toMatch(
      /could not be written; the one before is still there: ENOSPC: no space left on device/,
    );
    expect(error.cause).toHaveProperty('code', 'ENOSPC');
    expect(readFileSync(path)).toEqual(before);
    expect(readdirSync(folder)).toEqual(['run.safetensors']);
  });

  it.each([true, false])(
    'ends fit with the error; the model keeps what it has learned (compiled: %s)',
    async (compiled) => {
      const made = classification();
      await train({ checkpoint: checkpointTo(path), compiled, epochs: 1 }, made);
      const [before, weights] = [readFileSync(path), bitsOf(made.model.stateDict())];
      break_(FAULTS['the disk is full after some bytes'] as never);
      const checkpoint = checkpointTo(path, { everySeconds: 0 });
      await expect(train({ checkpoint, compiled }, made)).rejects.toThrow(/ENOSPC/);
      expect(bitsOf(made.model.stateDict())).not.toEqual(weights);
      expect(readFileSync(path)).toEqual(before);
      vi.restoreAllMocks();
      await train({ compiled }, made);
    },
  );
});

describe('a file that is no good', () => {
  const kept = async () => {
    const model = network();
    const optimizer = new optim.Adam(model.parameters());
    step(model, optimizer);
    await saveCheckpoint(path, { model, optimizer });
    return readFileSync(path);
  };
  const says = async (bytes: Uint8Array): Promise<string> => {
    writeFileSync(path, bytes);
    const error = (await errorOf(() => loadCheckpoint(path))) as Error;
    expect(error).toBeInstanceOf(FormatError);
    return error.message;
  };

  it('is said to be cut off, wherever it ends', async () => {
    const bytes = await kept();
    for (let n = 0; n < bytes.length; n += n < 300 ? 1 : 37) {
      const needed = n < 125 ? 'at least 125' : bytes.length;
      expect(await says(bytes.subarray(0, n)), `${n}`).toContain(`is cut off: it has ${n} of ${needed} bytes`);
    }
  });

  it('is said to be damaged, whichever bit is turned', async () => {
    const bytes = await kept();
    const next = numbers(5);
    // Each bit of the fields of fixed lengths, and one bit of each byte behind them.
    for (let bit = 0; bit < bytes.length * 8; bit += bit < 1000 ? 1 : 8) {
      const turned = new Uint8Array(bytes);
      const at = bit >> 3;
      turned[at] = (turned[at] as number) ^ (1 << (bit < 1000 ? bit & 7 : Math.floor(next() * 8)));
      expect(await says(turned), `bit ${bit}`).toMatch(/is damaged: its bits are not those that were written/);
    }
    expect(await says(Uint8Array.of(...bytes, 0))).toMatch(/is damaged/);
    expect(await says(new Uint8Array(bytes).fill(0, 400, 500))).toMatch(/is damaged/);
  });

  it.each([
    ['text', new TextEncoder().encode(`a diary: ${'dear diary, '.repeat(50)}`)],
    ['zeros', new Uint8Array(500)],
    [
      'a picture',
      Uint8Array.from({ length: 500 }, (_, i) => [0x89, 0x50, 0x4e, 0x47, 0xd, 0xa, 0x1a, 0xa][i] ?? (i * 7) & 255),
    ],
    [
      'safetensors of others',
      new TextEncoder().encode(`@\0\0\0\0\0\0\0{"attn.0":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}    ABCD`),
    ],
  ])('is said to be no checkpoint: %s', async (_, bytes) => {
    expect(await says(bytes)).toMatch(/run.safetensors is no checkpoint of downhill/);
  });

  it('is said to be newer', async () => {
    const text = (await kept()).toString('latin1').replace('"format":"0001"', '"format":"0002"');
    const bytes = Buffer.from(text, 'latin1');
    expect(await says(bytes), 'with the old sum').toMatch(/is damaged/);
    bytes.write(crc32(bytes.subarray(0, 117)), 117, 'latin1');
    expect(await says(bytes)).toMatch(/is of format 2, and this version of downhill reads format 1. Use a newer one/);
  });

  it('with sums that are right can still be wrong, and is said to be', async () => {
    for (const [was, is] of [
      ['$tensor', '$tensoR'],
      ['model.0.weight"', 'model.0.weighT"'],
      ['"F32"', '"F3X"'],
      ['state":"{', 'state":"['],
    ] as const) {
      const bytes = Buffer.from((await kept()).toString('latin1').replace(was, is), 'latin1');
      bytes.write(crc32(bytes.subarray(125)), 100, 'latin1');
      bytes.write(crc32(bytes.subarray(0, 117)), 117, 'latin1');
      writeFileSync(path, bytes);
      const error = await errorOf(() => loadCheckpoint(path, { model: network() }));
      expect((error as Error).name, `${was}: ${error}`).toMatch(/^(FormatError|StateError|ShapeError)$/);
    }
  });

  it('is not there for a process that has not written yet', () => {
    expect(existsSync(path)).toBe(false);
  });
});

/** The CRC-32 of zip and PNG, bit by bit. */
function crc32(bytes: Uint8Array): string {
  let rest = 0xffffffff;
  for (const byte of bytes) {
    rest ^= byte;
    for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  }
  return (~rest >>> 0).toString(16).padStart(8, '0');
}

it('the check of these tests is CRC-32', () => {
  // https://reveng.sourceforge.io/crc-catalogue/all.htm: CRC-32/ISO-HDLC
  expect(crc32(new TextEncoder().encode('123456789'))).toBe('cbf43926');
});
