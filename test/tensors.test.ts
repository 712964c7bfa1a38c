import { inspect } from 'node:util';
import { parameter, tensor } from 'downhill';
import * as nn from 'downhill/nn';
import { expect, it } from 'vitest';

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
