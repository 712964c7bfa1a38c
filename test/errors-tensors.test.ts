import {
  noGrad,
  OptionError,
  ones,
  parameter,
  rand,
  randn,
  ShapeError,
  StateError,
  type Tensor,
  tensor,
  zeros,
} from 'downhill';
import * as nn from 'downhill/nn';
import { describe, expect, it } from 'vitest';
import { any, failure, testFailures } from './support/failures';

const making = [
  failure(
    'no big integers',
    () => tensor(any(new BigInt64Array(0))),
    OptionError,
    /the data is an array; it must be a/,
  ),
  failure('ragged rows', () => tensor([[1, 2], [3]]), ShapeError, /row 1 has 1 elements; it must be 2 elements/),
  failure('a number among rows', () => tensor([[1, 2], 3]), ShapeError, /row 1 has a number; it must be 2 elements/),
  failure('a row among numbers', () => tensor([1, [2]]), ShapeError, /row 1 has 1 elements; it must be a number/),
  failure(
    'ragged rows further in',
    () =>
      tensor([
        [[1], [2]],
        [[3], [4, 5]],
      ]),
    ShapeError,
    /element 1, 1 has 2 elements/,
  ),
  failure(
    'a typed row of another length',
    () => tensor([new Float32Array(2), new Float32Array(3)]),
    ShapeError,
    /row 1 has 3/,
  ),
  failure('a string', () => tensor(any([1, '2'])), OptionError, /row 1 is "2"; it must be a number/),
  failure('null in a row', () => tensor(any([[1], [null]])), OptionError, /element 1, 0 is null/),
  failure('a boolean', () => tensor(any([true])), OptionError, /row 0 is true/),
  failure('nothing', () => tensor(any(undefined)), OptionError, /the data is undefined/),
  failure('null', () => tensor(any(null)), OptionError, /the data is null/),
  failure('an object', () => tensor(any({})), OptionError, /it must be a number/),
  failure('big integers', () => tensor(any(new BigInt64Array(2))), OptionError, /number/),
  failure(
    'too many elements for the shape',
    () => tensor([1, 2], { shape: [3] }),
    ShapeError,
    /2 elements .* \[3\]; .* multiply to 2/,
  ),
  failure('a shape of two open sizes', () => tensor([1, 2], { shape: [-1, -1] }), ShapeError, /\[-1, -1\]/),
  failure('a shape that is a number', () => tensor([1, 2], { shape: any(2) }), ShapeError, /2/),
  failure(
    'an unknown type',
    () => tensor([1], { dtype: any('float64') }),
    OptionError,
    /"float64"; it must be 'float32' or 'int32'/,
  ),
  failure('a fraction as int32', () => tensor([1, 1.5], { dtype: 'int32' }), OptionError, /Element 1 is 1.5/),
  failure('a number beyond int32', () => tensor([2 ** 31], { dtype: 'int32' }), OptionError, /Element 0 is 2147483648/),
  failure('zeros of a number', () => zeros(any(3)), ShapeError, /zeros got the shape 3; it needs one array/),
  failure('zeros of a negative size', () => zeros([2, -1]), ShapeError, /zeros got the shape \[2, -1\]/),
  failure('ones of a fraction', () => ones([1.5]), ShapeError, /\[1.5\]/),
  failure('rand of nothing', () => rand(any(undefined)), ShapeError, /rand got the shape undefined/),
  failure('randn of NaN', () => randn([Number.NaN]), ShapeError, /randn got the shape \[NaN\]/),
  failure('a ragged parameter', () => parameter([[1], [2, 3]]), ShapeError, /row 1/),
];

const a = () => ones([2, 3]);

const computing = [
  failure('shapes that do not broadcast', () => a().add(ones([2])), ShapeError, /add got shapes \[2, 3\] and \[2\]/),
  failure('a product of other sizes', () => a().matmul(a()), ShapeError, /matmul got \[2, 3\] and \[2, 3\]/),
  failure('a product with a number', () => a().matmul(tensor(1)), ShapeError, /matmul got \[2, 3\] and \[\]/),
  failure('a reshape to another size', () => a().reshape([4]), ShapeError, /6 elements .* \[4\]/),
  failure('a reshape to a number', () => a().reshape(any(6)), ShapeError, /reshape got the shape 6/),
  failure('an axis that is not there', () => a().sum({ axis: 2 }), OptionError, /sum got axis 2; .* axes -2 to 1/),
  failure('an axis that is a fraction', () => a().mean({ axis: 0.5 }), OptionError, /mean got axis 0.5/),
  failure('an axis given by itself', () => a().sum(any(0)), OptionError, /sum got 0 for its options/),
  failure('an axis of a transpose', () => a().transpose(0, 5), OptionError, /transpose got axis 5/),
  failure('a fraction of a position', () => a().slice(0.5), OptionError, /slice got the position 0.5/),
  failure(
    'other sizes to concat',
    () => a().concat(ones([2, 2])),
    ShapeError,
    /concat along axis 0 got \[2, 3\] .* \[2, 2\]/,
  ),
  failure('other types to concat', () => a().concat(ones([2, 3]).to('int32')), ShapeError, /float32 .* int32/),
  failure('other sizes to stack', () => a().stack(ones([2, 2])), ShapeError, /\[1, 2, 3\] .* \[1, 2, 2\]/),
  failure(
    'an index beyond the rows',
    () => a().gather([0, 2]),
    OptionError,
    /gather got the index 2 at position 1; .* 0 to 1/,
  ),
  failure('a negative index', () => a().gather([-1]), OptionError, /the index -1 at position 0/),
  failure('half an index', () => a().gather([0.5]), OptionError, /Element 0 is 0.5|the index 0.5/),
  failure('indices in rows', () => a().gather(ones([1, 1])), ShapeError, /indices of shape \[1, 1\]/),
  failure('bounds the wrong way round', () => a().clamp(2, 1), OptionError, /clamp got the bounds 2 and 1/),
  failure('the largest of nothing', () => ones([0]).max(), OptionError, /max of no elements/),
  failure('a function of integers', () => a().to('int32').exp(), OptionError, /exp got an int32 tensor/),
  failure('a root of integers', () => a().to('int32').sqrt(), OptionError, /sqrt got an int32 tensor/),
  failure('a difference of integers', () => a().sub(a().to('int32')), OptionError, /sub got an int32 tensor/),
  failure('integers plus a number', () => a().to('int32').add(1), OptionError, /add got an int32 tensor/),
  failure(
    'a softplus of integers',
    () => new nn.Softplus().forward(a().to('int32')),
    OptionError,
    /got an int32 tensor/,
  ),
  failure('a power of integers', () => a().pow(a().to('int32')), OptionError, /pow got an int32 tensor/),
  failure('a product of integers', () => a().matmul(ones([3, 1]).to('int32')), OptionError, /matmul got an int32/),
  failure('a layer of integers', () => new nn.Linear(3, 1).forward(a().to('int32')), OptionError, /int32/),
  failure('an unknown type', () => a().to(any('float16')), OptionError, /"float16"/),
  failure(
    'the item of many',
    () => a().item(),
    ShapeError,
    /item\(\) needs a tensor of one element; this one is \[2, 3\]/,
  ),
  failure(
    'another shape in place',
    () => a().assign([[1, 2]]),
    ShapeError,
    /assign got shape \[1, 2\]; this tensor is \[2, 3\]/,
  ),
  failure('a flat array in place', () => a().assign([1, 2, 3, 4, 5, 6]), ShapeError, /assign got shape \[6\]/),
  failure(
    'another shape as a gradient',
    () => Object.assign(a(), { grad: ones([3]) }),
    ShapeError,
    /grad got shape \[3\]/,
  ),
  failure('integers as a gradient', () => Object.assign(a(), { grad: a().to('int32') }), OptionError, /grad.*int32/),
  failure('an array as a gradient', () => Object.assign(a(), { grad: [1] }), OptionError, /grad/),
  failure(
    'an array to add',
    () => a().add(any([1, 2])),
    OptionError,
    /add got an array, which is no tensor; .*tensor\(/,
  ),
  failure(
    'a tensor of another library',
    () => a().add(any({ dtype: 'float32', shape: [2, 3] })),
    OptionError,
    /add got \[object Object\], which is no tensor/,
  ),
  failure('a namespace to add', () => a().add(any(Object.create(null))), OptionError, /add got an object, which is no/),
  failure('an axis of a number', () => ones([]).softmax(), OptionError, /softmax got axis -1; a number has no axes/),
  failure('nothing to subtract', () => a().sub(any(undefined)), OptionError, /sub got undefined, which is no tensor/),
  failure('a string to compare with', () => a().gt(any('1')), OptionError, /gt got "1", which is no tensor/),
  failure('an array to choose', () => a().where(any([1]), 0), OptionError, /where got an array, which is no tensor/),
  failure('an array to multiply', () => a().matmul(any([[1]])), OptionError, /matmul got an array, which is no/),
  failure('an array to concat', () => a().concat(any([[1, 2, 3]])), OptionError, /concat got .*, which is no tensor/),
  failure('nothing to stack', () => a().stack(any(undefined)), OptionError, /stack got undefined, which is no tensor/),
  failure('one index alone', () => a().gather(any(1)), OptionError, /gather got 1, which is no tensor/),
  failure('a word for keepDims', () => a().sum({ keepDims: any('no') }), OptionError, /keepDims is "no"; .* true or/),
  failure('a start among the options', () => a().slice(0, 1, any({ start: 1 })), OptionError, /no option "start"/),
  failure(
    'arithmetic with a tensor',
    () => (a() as never as number) + 1,
    StateError,
    /A tensor is not a number: use item\(\)/,
  ),
];

const differentiating = [
  failure(
    'backward() of many',
    () => parameter([1, 2]).mul(2).backward(),
    ShapeError,
    /backward\(\) needs a tensor of one element.*\[2\]/,
  ),
  failure('backward() of a constant', () => ones([1]).sum().backward(), StateError, /found no graph/),
  failure('backward() under noGrad', () => noGrad(() => parameter([1]).sum()).backward(), StateError, /found no graph/),
  failure(
    'backward() twice',
    () => {
      const loss = parameter([1, 2]).square().sum();
      loss.backward();
      loss.backward();
    },
    StateError,
    /has already used its graph.*retainGraph: true/,
  ),
];

const disposed = (use: (t: Tensor) => unknown) => () => {
  const t = ones([2]);
  t.dispose();
  return use(t);
};

const using = [
  failure(
    'a read',
    disposed((t) => t.toArray()),
    StateError,
    /used after it was disposed/,
  ),
  failure(
    'an operation',
    disposed((t) => t.add(1)),
    StateError,
    /used after it was disposed/,
  ),
  failure(
    'a change',
    disposed((t) => t.assign([1, 2])),
    StateError,
    /used after it was disposed/,
  ),
  failure(
    'a second operand',
    disposed((t) => ones([2]).add(t)),
    StateError,
    /used after it was disposed/,
  ),
];

describe('a tensor cannot be made of', () => {
  testFailures(making);
});

describe('a tensor does not compute', () => {
  testFailures(computing);
});

describe('there is no gradient from', () => {
  testFailures(differentiating);
});

describe('a tensor that was disposed does not stand', () => {
  testFailures(using);

  it('but says that it was disposed where it is printed', () => {
    const t = ones([2, 3]);
    t.dispose();
    expect(String(t)).toBe('Tensor [2, 3] (disposed)');
  });
});

describe('what failed', () => {
  it('has changed nothing: an assign of another shape leaves the values', () => {
    const t = tensor([1, 2]);
    expect(() => t.assign([1, 2, 3])).toThrow(ShapeError);
    expect(() => t.assign(any([5, 'x']))).toThrow(OptionError);
    expect(t.toArray()).toEqual([1, 2]);
  });

  it('has its own shape: the array that it was given may change', () => {
    const shape = [2, 3];
    const made = [zeros(shape), tensor(new Float32Array(6), { shape }), zeros([6]).reshape(shape), rand(shape)];
    shape[0] = 200;
    for (const t of made) expect([t.shape, t.size]).toEqual([[2, 3], 6]);
  });

  it('leaves no gradient behind: backward() of many', () => {
    const w = parameter([1, 2]);
    expect(() => w.square().backward()).toThrow(ShapeError);
    expect(w.grad).toBeUndefined();
  });

  it('leaves gradients on: noGrad of a function that throws', () => {
    const thrown = new Error('mine');
    expect(() =>
      noGrad(() => {
        throw thrown;
      }),
    ).toThrow(thrown);
    expect(parameter([1]).mul(2).requiresGrad).toBe(true);
  });
});
