import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as nn from 'downhill/nn';
import { type BuildResult, build } from 'esbuild';
import { expect, it } from 'vitest';

const LINE = `
import { fit } from 'downhill';
import { Linear, MSELoss } from 'downhill/nn';
import { SGD } from 'downhill/optim';
import { DataLoader, TensorDataset } from 'downhill/data';
export { DataLoader, fit, Linear, MSELoss, SGD, TensorDataset };`;

const NETWORK = `
import { fit } from 'downhill';
import { CrossEntropyLoss, Linear, ReLU, Sequential } from 'downhill/nn';
import { Adam } from 'downhill/optim';
import { DataLoader, TensorDataset } from 'downhill/data';
export { Adam, CrossEntropyLoss, DataLoader, fit, Linear, ReLU, Sequential, TensorDataset };`;

const WHOLE = `export * from 'downhill';`;

const SLIM = LINE.replaceAll("'downhill", "'downhill/slim").replaceAll('fit', 'fit, loadKernels');

/** A program with what it takes from the build, kernels in, minified. */
function bundle(contents: string): Promise<BuildResult<{ write: false }>> {
  return build({
    stdin: { contents, resolveDir: join(import.meta.dirname, '..') },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'neutral',
    write: false,
    logLevel: 'silent',
    tsconfigRaw: {},
  });
}

it('modules and optimizers keep their names in it', async () => {
  const { outputFiles } = await bundle(NETWORK);
  const url = `data:text/javascript;base64,${Buffer.from(outputFiles[0]?.contents ?? '').toString('base64')}`;
  const { Adam, Linear, ReLU, Sequential } = await import(url);
  const model = new Sequential(new Linear(2, 3), new ReLU());
  expect(String(model)).toBe(String(new nn.Sequential(new nn.Linear(2, 3), new nn.ReLU())));
  expect(() => new Adam(model.parameters(), { rate: 1 })).toThrow('Adam has no option "rate"');
});

it.each(['index', 'nn', 'optim', 'data', 'io', 'worker'])('who imports %s loads three files', async (name) => {
  const entryPoints = [join(import.meta.dirname, `../dist/${name}.js`)];
  const { metafile } = await build({
    entryPoints,
    bundle: true,
    format: 'esm',
    write: false,
    metafile: true,
    ignoreAnnotations: true,
  });
  expect(Object.keys(metafile.inputs)).toHaveLength(3);
});

const README = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');

/** The KB that the README gives a program. */
const said = (program: string) => Number(README.split(`| ${program} `)[1]?.split('|')[1]);

it.each([
  ['a linear regression', LINE],
  ['a network with Adam', NETWORK],
  ['all of `downhill`', WHOLE],
  ['a linear regression without its kernels', SLIM],
])('%s is as large as the README says, and a bundler has nothing to warn of', async (name, program) => {
  const { outputFiles, warnings } = await bundle(program);
  expect(warnings).toEqual([]);
  const size = gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length / 1000;
  expect(size).toBeLessThanOrEqual(said(name));
  expect(size).toBeGreaterThan(said(name) - 0.4);
});
