import { LinearRegression, OptionError, predict, StateError, type Tensor, tensor, zeros } from 'downhill';
import { toONNX } from 'downhill/io';
import * as nn from 'downhill/nn';
import * as ort from 'onnxruntime-web';
import { describe, expect, it } from 'vitest';
import { expectClose } from './golden/read';
import { CLASSIFIERS, modelCases, REGRESSORS, ROWS_OF_ESTIMATORS as X } from './support/exported';
import { any, failure, testFailures } from './support/failures';

ort.env.wasm.numThreads = 1;

/** What ONNX Runtime makes of rows. */
async function run(model: Uint8Array, x: Tensor): Promise<Record<string, ort.Tensor>> {
  const session = await ort.InferenceSession.create(model);
  const data = x.toTypedArray();
  const shape = [...x.shape];
  const input = x.dtype === 'int32' ? BigInt64Array.from(Array.from(data, BigInt)) : (data as Float32Array);
  return session.run({ x: new ort.Tensor(any(x.dtype === 'int32' ? 'int64' : 'float32'), any(input), shape) });
}

const numbers = (t: ort.Tensor | undefined) => Array.from((t as ort.Tensor).data as ArrayLike<number | bigint>, Number);

const flat = (rows: unknown) => (rows as unknown[]).flat(Number.POSITIVE_INFINITY as 1) as number[];

/** What float32 rounds off, there and here. */
const rounding = (expected: number) => 1e-5 * (1 + Math.abs(expected));

describe('ONNX Runtime predicts with what toONNX gives as predict does', () => {
  it.each(modelCases())('for $name', async ({ name, model, x }) => {
    const bytes = toONNX(model, x.slice(0, 1));
    for (const rows of [x, x.slice(2, 3)]) {
      const { y } = await run(bytes, rows);
      const expected = await predict(model, rows);
      expect(y?.dims).toEqual(expected.shape);
      expectClose(name, numbers(y), expected.toTypedArray(), rounding);
    }
  });

  it.each(REGRESSORS)('for $name', async ({ name, make, y: targets }) => {
    const model = await make().fit(X, any(targets));
    const { y } = await run(toONNX(model), tensor(X as number[][]));
    const expected = model.predict(X as number[][]);
    expect(y?.dims.length).toBe(Array.isArray(expected[0]) ? 2 : 1);
    expectClose(name, numbers(y), flat(expected), rounding);
  });

  it.each(CLASSIFIERS)('for $name', async ({ name, make, y }) => {
    const model = await make().fit(X, any(y));
    const { label, probabilities } = await run(toONNX(model), tensor(X as number[][]));
    const kind = typeof model.classes[0];
    const given = Array.from(label?.data as ArrayLike<unknown>, (v) =>
      kind === 'string' ? v : kind === 'boolean' ? Boolean(v) : Number(v),
    );
    expect(given).toEqual(model.predict(X as number[][]));
    expectClose(name, numbers(probabilities), flat(model.predictProba(X as number[][])), rounding);
  });
});

it('the file names its inputs, outputs and weights as the model does', async () => {
  const model = new nn.Sequential(new nn.Linear(3, 2), new nn.ReLU());
  const bytes = toONNX(model, zeros([1, 3]));
  const session = await ort.InferenceSession.create(bytes);
  expect([session.inputNames, session.outputNames]).toEqual([['x'], ['y']]);
  const file = new TextDecoder('latin1').decode(bytes);
  for (const name of ['0.weight', '0.bias', 'Gemm', 'Relu', 'rows', String(model)]) expect(file).toContain(name);
});

it('a network has a node for each layer, and no others but one for the output', () => {
  const model = new nn.Sequential(new nn.Linear(3, 20), new nn.ReLU(), new nn.Linear(20, 2), new nn.Softmax());
  const file = new TextDecoder('latin1').decode(toONNX(model, zeros([1, 3])));
  const nodes = [...file.matchAll(/\x22.([A-Z][A-Za-z]+)/g)].map((match) => match[1]);
  expect(nodes).toEqual(['Gemm', 'Relu', 'Gemm', 'Softmax', 'Identity']);
});

describe('toONNX refuses, and says what to do', () => {
  testFailures([
    failure('what is no model', () => toONNX(any(5)), OptionError, /toONNX got 5; give it a Module, or an estimator/),
    failure('a module without rows', () => toONNX(any(new nn.ReLU())), OptionError, /: toONNX\(model, X\)\.$/),
    failure('an estimator before fit', () => toONNX(new LinearRegression()), StateError, /await fit\(X, y\) first/),
  ]);
});
