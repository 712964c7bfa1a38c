import { Kernel } from '../../assembly/kernel';
import { checkOptions, OptionError, StateError } from '../errors';
import { drawBlocks, type RandomKey } from '../wasm/random';
import { emit, isTracing, newStorage, outsideTrace } from './driver';
import { type Data, type DType, fillFrom, flatten, isInteger, workedOut } from './literal';
import { checkShape, type Shape, sizeOf } from './shape';
import { Tensor } from './tensor';

/** What `tensor` takes. */
export interface TensorOptions {
  /** Another shape for the same elements in order. Default: that of the nesting. */
  shape?: Shape;
  /** 'float32', or 'int32' for labels and indices. Default: 'int32' for integer typed arrays, else 'float32'. */
  dtype?: DType;
}

/**
 * A tensor of given values.
 *
 * @param data a number, nested arrays, or a typed array.
 * @throws ShapeError for ragged rows or a shape that does not fit; OptionError for values that are no numbers.
 * @example
 * expect(tensor([[1, 2], [3, 4]]).shape).toEqual([2, 2]);
 * expect(tensor(new Float32Array(6), { shape: [2, 3] }).shape).toEqual([2, 3]);
 */
export function tensor(data: Data, options: TensorOptions = {}): Tensor {
  checkOptions('tensor', options, ['shape', 'dtype']);
  const dtype = options.dtype ?? (isInteger(data) ? 'int32' : 'float32');
  if (dtype !== 'float32' && dtype !== 'int32') {
    throw new OptionError(`tensor got dtype "${String(dtype)}"; it must be 'float32' or 'int32'.`);
  }
  const { flat, shape } = flatten(data, 'tensor');
  const full = options.shape ? workedOut(options.shape, flat.length) : shape;
  return outsideTrace(() => {
    const t = new Tensor({ storage: newStorage(flat.length * 4), shape: full, dtype });
    fillFrom(t.storage, flat, dtype);
    return t;
  });
}

/**
 * A tensor that training changes: `requiresGrad` is true.
 *
 * @example
 * expect(parameter([1, 2]).requiresGrad).toBe(true);
 */
export function parameter(data: Data | Tensor, options: { shape?: Shape } = {}): Tensor {
  checkOptions('parameter', options, ['shape']);
  const t =
    data instanceof Tensor
      ? data
          .to('float32')
          .reshape(options.shape ?? data.shape)
          .clone()
      : tensor(data, { ...options, dtype: 'float32' });
  return t.train();
}

function empty(owner: string, shape: Shape): Tensor {
  const checked = checkShape(owner, shape);
  return new Tensor({ storage: newStorage(sizeOf(checked) * 4), shape: checked, dtype: 'float32' });
}

/**
 * Zeros.
 *
 * @example
 * expect(zeros([2]).toArray()).toEqual([0, 0]);
 */
export function zeros(shape: Shape): Tensor {
  const y = empty('zeros', shape);
  emit(Kernel.fillWords, y, y.size, 0);
  return y;
}

/**
 * Ones.
 *
 * @example
 * expect(ones([2]).toArray()).toEqual([1, 1]);
 */
export function ones(shape: Shape): Tensor {
  const y = zeros(shape);
  return y.onesLike();
}

/** Elements in a block of Philox. */
const BLOCK = 4;

function draw(
  kernel: Kernel.fillUniform | Kernel.fillNormal,
  owner: string,
  { shape, a, b }: { shape: Shape; a: number; b: number },
): Tensor {
  if (isTracing()) {
    throw new StateError(
      `${owner}() was called inside a compiled step, which would repeat its numbers; draw before, or train with fit({ compiled: false }).`,
    );
  }
  const y = empty(owner, shape);
  const { key, stream, first }: RandomKey = drawBlocks(Math.ceil(y.size / BLOCK));
  emit(kernel, y, y.size, key[0], key[1], stream, first, a, b);
  return y;
}

/** @internal low + (high - low) u */
export function uniform(shape: Shape, { low, high }: { low: number; high: number }): Tensor {
  return draw(Kernel.fillUniform, 'rand', { shape, a: low, b: high });
}

/** @internal mean + std z */
export function normal(shape: Shape, { mean, std }: { mean: number; std: number }): Tensor {
  return draw(Kernel.fillNormal, 'randn', { shape, a: mean, b: std });
}

/**
 * Numbers drawn evenly from [0, 1), by Philox4x32-10 from the seed of `manualSeed`.
 *
 * @example
 * manualSeed(1);
 * expect(rand([3]).shape).toEqual([3]);
 */
export function rand(shape: Shape): Tensor {
  return uniform(shape, { low: 0, high: 1 });
}

/**
 * Numbers drawn from the normal distribution of mean 0 and deviation 1 (Box and Muller 1958), from the seed of `manualSeed`.
 *
 * @example
 * manualSeed(1);
 * expect(randn([2, 2]).shape).toEqual([2, 2]);
 */
export function randn(shape: Shape): Tensor {
  return normal(shape, { mean: 0, std: 1 });
}
