import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'downhill-'));

const PROGRAM = `
const loader = new DataLoader(new TensorDataset([[0], [1]], [[1], [3]]), { batchSize: 2 });
const model = new nn.Linear(1, 1);
const optimizer = new optim.SGD(model.parameters(), { lr: 0.3 });
fit(model, loader, { loss: new nn.MSELoss(), optimizer, epochs: 300 }).then(() => console.log(model.weight.item().toFixed(2)));
`;

const imports = `
import { fit } from 'downhill';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';
import { DataLoader, TensorDataset } from 'downhill/data';
`;

const slim = `${imports.replaceAll("'downhill", "'downhill/slim")}
import { loadKernels } from 'downhill/slim';
await loadKernels(import.meta.resolve('downhill/kernels.wasm'));
`;

const requires = `
const { fit } = require('downhill');
const nn = require('downhill/nn');
const optim = require('downhill/optim');
const { DataLoader, TensorDataset } = require('downhill/data');
`;

/** What a user of TypeScript writes: own modules and losses, each kind of dataset and schedule handed on. */
const TYPED = `
import { AveragedModel, Pause, accuracy, f1, fit, tensor, type HistoryRow, type Tensor } from 'downhill';
import * as nn from 'downhill/nn';
import * as optim from 'downhill/optim';
import { DataLoader, IterableDataset, Subset, TensorDataset, WeightedRandomSampler, randomSplit } from 'downhill/data';
import { checkpointTo, loadCheckpoint, toSafetensors } from 'downhill/io';
import { worker } from 'downhill/worker';

class Net extends nn.Module {
  readonly hidden = new nn.Linear(2, 3, { bias: false });
  readonly last = new nn.Linear(3, 1);
  override forward(x: Tensor): Tensor {
    return this.last.forward(this.hidden.forward(x).relu());
  }
}
async function* rows(): AsyncGenerator<[number[], number[]]> {
  yield [[1, 2], [3]];
}
const model = new Net();
const data = new TensorDataset([[1, 2]], tensor([[3]]));
const sampler = new WeightedRandomSampler([1]);
const loaders = [new IterableDataset(rows), data, new Subset(data, [0]), ...randomSplit(data, [1])].map(
  (dataset) => new DataLoader(dataset, { batchSize: 4 }),
);
const optimizer = new optim.Adam([{ params: model.parameters(), lr: 0.1 }], { betas: [0.9, 0.99] });
const steps = new optim.StepLR(optimizer, { stepSize: 2 });
const falling = new optim.LambdaLR(optimizer, { lrLambda: (epoch) => 1 / (1 + epoch) });
const schedulers = [
  steps,
  new optim.SequentialLR(optimizer, { schedulers: [steps, falling], milestones: [2] }),
  new optim.OneCycleLR(optimizer, { maxLr: 0.1, totalSteps: 10 }),
  new optim.ReduceLROnPlateau(optimizer),
];
export async function train(): Promise<HistoryRow | undefined> {
  const shared = { optimizer, epochs: 1, pause: new Pause(), worker, checkpoint: checkpointTo('kept') };
  for (const loader of loaders)
    for (const scheduler of schedulers)
      await fit(model, loader, { ...shared, loss: new nn.MSELoss(), scheduler, resume: await loadCheckpoint('kept') });
  const loss = (output: Tensor, target: Tensor) => output.sub(target).square().mean();
  const metrics = { accuracy, f1: f1({ average: 'macro' }), bias: (o: Tensor, t: Tensor) => o.sub(t).mean().item() };
  const sampled = new DataLoader(data, { sampler });
  const averaging = new AveragedModel(model);
  const history = await fit(model, sampled, { ...shared, loss, metrics, averaging, onEpochEnd: (row) => row.loss });
  toSafetensors(model.stateDict());
  return history.epochs[0];
}
`;

function run(file: string, code: string): string {
  writeFileSync(join(folder, file), code);
  return execFileSync(process.execPath, ['--experimental-require-module', '--no-warnings', file], {
    cwd: folder,
    encoding: 'utf8',
  });
}

describe('the packed tarball, installed in an empty folder', () => {
  beforeAll(() => {
    const [tarball] = JSON.parse(
      execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
        cwd: root,
        encoding: 'utf8',
      }),
    );
    writeFileSync(join(folder, 'package.json'), '{ "private": true }');
    execFileSync('npm', ['install', '--offline', '--no-audit', '--no-fund', `./${tarball.filename}`], {
      cwd: folder,
      stdio: 'pipe',
    });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('has no dependencies, and holds nothing but the build and its papers', () => {
    expect(readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual(['downhill']);
    const files = readdirSync(join(folder, 'node_modules/downhill')).sort();
    expect(files).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'dist', 'package.json']);
  });

  it('trains when it is imported', () => {
    expect(run('main.mjs', imports + PROGRAM)).toBe('2.00\n');
  });

  it('trains when it is required, where the engine can', () => {
    expect(run('main.cjs', requires + PROGRAM)).toBe('2.00\n');
  });

  it('trains when its kernels are a file', () => {
    expect(run('slim.mjs', slim + PROGRAM)).toBe('2.00\n');
  });

  it('trains when it is bundled and run alone', async () => {
    writeFileSync(join(folder, 'entry.mjs'), imports + PROGRAM);
    await build({
      entryPoints: [join(folder, 'entry.mjs')],
      outfile: join(folder, 'alone/bundle.mjs'),
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'neutral',
      logLevel: 'error',
    });
    expect(run('alone.mjs', "import './alone/bundle.mjs';")).toBe('2.00\n');
  });

  it.each([1, 2])(
    'trains in a realm with the arrays of another, as test runners have, on %d threads',
    async (threads) => {
      const contents = imports + PROGRAM.replace('const loader', `configure({ threads: ${threads} });\nconst loader`);
      const { outputFiles } = await build({
        stdin: { contents: contents.replace('{ fit }', '{ configure, fit }'), resolveDir: folder },
        bundle: true,
        write: false,
        format: 'iife',
        platform: 'neutral',
        logLevel: 'silent',
      });
      const here = {
        ArrayBuffer,
        Uint8Array,
        TextEncoder,
        TextDecoder,
        performance,
        process,
        setTimeout,
        setImmediate,
      };
      const printed = new Promise((resolve) => {
        runInNewContext(outputFiles[0]?.text ?? '', { ...here, console: { log: resolve, warn: resolve } });
      });
      expect(await printed).toBe('2.00');
    },
  );

  it('ships no estimator with fit alone, and no other with one', async () => {
    const shipped = async (names: string) => {
      const contents = `import { ${names} } from 'downhill'; console.log(${names});`;
      const { outputFiles } = await build({
        stdin: { contents, resolveDir: folder },
        bundle: true,
        write: false,
        format: 'esm',
        platform: 'neutral',
        logLevel: 'error',
      });
      return new Set(outputFiles[0]?.text.match(/LinearRegression|LogisticRegression|MLPClassifier|MLPRegressor/g));
    };
    expect(await shipped('fit')).toEqual(new Set());
    expect(await shipped('LinearRegression')).toEqual(new Set(['LinearRegression']));
  });

  it('has types that hold for strict TypeScript, the declarations themselves among them', () => {
    writeFileSync(join(folder, 'typed.mts'), TYPED);
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const libs = 'es2022,dom';
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--lib', libs];
    const { stdout } = spawnSync(process.execPath, [tsc, 'typed.mts', ...options], { cwd: folder, encoding: 'utf8' });
    expect(stdout).toBe('');
  }, 60_000);

  it('starts no runtime when it is only imported', () => {
    const code =
      'const { Memory } = WebAssembly; let made = 0; WebAssembly.Memory = class extends Memory { constructor(d) { super(d); made++; } };\n';
    expect(run('idle.mjs', `${code}await import('downhill'); console.log(made);`)).toBe('0\n');
  });
});
