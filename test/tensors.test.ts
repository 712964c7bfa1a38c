import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import { ones, parameter, tensor } from 'downhill';
import * as nn from 'downhill/nn';
import { expect, it } from 'vitest';
import { runtime } from '../src/wasm/runtime';

const square = () =>
  tensor([
    [1, 2],
    [3, 4],
  ]);

it('a parameter made of a tensor takes another shape', () => {
  const w = parameter(square(), { shape: [4, 1] });
  expect(w.toArray()).toEqual([[1], [2], [3], [4]]);
  expect(w.node).toBeUndefined();
});

it.each([[[1, 0, 1]], [new Uint8Array([1, 0, 1])], [new Float32Array([1, 0, 1])]])(
  'rows are gathered by any list of whole numbers: %o',
  (rows) => {
    expect(square().gather(rows).toArray()).toEqual([
      [3, 4],
      [1, 2],
      [3, 4],
    ]);
  },
);

it('arrays of another realm, such as a test runner has, are what they are in this one', () => {
  const floats = tensor(runInNewContext('new Float32Array([0.5, 1])'));
  expect([floats.dtype, floats.toArray()]).toEqual(['float32', [0.5, 1]]);
  expect(tensor(runInNewContext('new Uint8Array([1, 2])')).dtype).toBe('int32');
  expect(tensor(runInNewContext('[[0.5], [1]]')).toArray()).toEqual([[0.5], [1]]);
});

it('a stack of matrices times one matrix takes as many calls whatever is stacked', () => {
  const calls = (shape: number[]) => {
    const [x, w] = [ones([...shape, 4, 3]), ones([3, 2])];
    const before = runtime().calls;
    expect(x.matmul(w).shape).toEqual([...shape, 4, 2]);
    return runtime().calls - before;
  };
  expect(calls([100])).toBe(calls([2, 5]));
});

it('a console shows a tensor’s values', () => {
  expect(inspect(square())).toBe('Tensor [2, 2] [[1,2],[3,4]]');
});

it('a state goes through JSON and back', () => {
  const [from, to] = [new nn.BatchNorm1d(2), new nn.BatchNorm1d(2)];
  from.forward(square());
  to.loadStateDict(JSON.parse(JSON.stringify(from.stateDict())));
  expect(to.namedBuffers().map(([, t]) => t.toArray())).toEqual(from.namedBuffers().map(([, t]) => t.toArray()));
  expect(to.namedBuffers()[2]?.[1].toTypedArray()).toEqual(new Int32Array([1]));
});
