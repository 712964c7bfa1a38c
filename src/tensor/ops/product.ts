import { Activation, BLOCK, Kernel, NARROW, PACKED_COLUMNS, PACKED_ROWS, PANEL } from '../../../assembly/kernel';
import { ShapeError } from '../../errors';
import { roundUp } from '../../wasm/allocator';
import { record } from '../autograd';
import { emit } from '../driver';
import { broadcastShapes, type Shape, sameShape, show, sizeFromEnd, sizeOf } from '../shape';
import type { Tensor } from '../tensor';
import { expand } from './move';
import { needFloats, sumTo } from './reduce';

/** Can a matrix be read as it lies? One of its strides must be 1. */
function readable(x: Tensor): Tensor {
  const [row, column] = x.strides;
  return row === 1 || column === 1 ? x : x.contiguous();
}

/** A matrix whose columns (rows, for the left operand) lie contiguous. */
function upright(x: Tensor): Tensor {
  return x.strides[0] === 1 ? x : x.transpose().contiguous().transpose();
}

const sizes = (x: Tensor) => x.shape as readonly [number, number];
const strides = (x: Tensor) => x.strides as readonly [number, number];

/** The room for the packed panels of b, and for rows packed from the columns of a. */
function panels(a: Tensor, n: number): Tensor {
  const [m, k] = sizes(a);
  const rows = strides(a)[1] === 1 ? 0 : roundUp(Math.min(m, PACKED_ROWS), 4);
  return a.spawn([Math.min(k, BLOCK) * (roundUp(Math.min(n, PACKED_COLUMNS), PANEL) + rows)]);
}

/**
 * a b + bias for two matrices, without a gradient. Fewer than 8 outputs are summed in order (b), others in order (a). A sum
 * over the rows of a batch (`overRows`) is always in blocks of rows, which is (a) too, or order (c) for a single number.
 */
function multiply(
  a: Tensor,
  b: Tensor,
  { bias, overRows = false }: { bias?: Tensor | undefined; overRows?: boolean } = {},
): Tensor {
  const [m, k] = sizes(a);
  const [, n] = sizes(b);
  const c = a.spawn([m, n]);
  if (overRows && m * n === 1) {
    emit(Kernel.sumRows, a.contiguous(), c, 1, k, 1, 1, 0, 0, b.contiguous());
    return c;
  }
  if (n < NARROW && !overRows) {
    const columns = upright(b);
    emit(Kernel.productNarrow, a.contiguous(), columns, strides(columns)[1], c, m, n, k, bias, Activation.none);
    return c;
  }
  const left = readable(a);
  const right = readable(b);
  const [ra, ca] = strides(left);
  const [rb, cb] = strides(right);
  emit(Kernel.product, left, ra, ca, right, rb, cb, c, m, n, k, bias, Activation.none, panels(left, n), undefined);
  return c;
}

/** The product of two matrices with its gradients. */
function matrices(a: Tensor, b: Tensor): Tensor {
  return record(
    multiply(a, b),
    [a, b],
    [(dy) => multiply(dy, b.transpose()), (dy) => multiply(a.transpose(), dy, { overRows: true })],
  );
}

/** x broadcast to a shape, with its gradient. */
function stretched(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.shape, shape) ? x : record(expand(x, shape), [x], [(dy) => sumTo(dy, x.shape)]);
}

/** A stack of products: the leading axes are broadcast, and each pair of matrices is multiplied. */
function stacked(a: Tensor, b: Tensor): Tensor {
  if (b.shape.length === 2) {
    const rows = a.reshape([sizeOf(a.shape.slice(0, -1)), sizeFromEnd(a.shape, 1) as number]);
    return matrices(rows, b).reshape([...a.shape.slice(0, -1), sizeFromEnd(b.shape, 1) as number]);
  }
  const lead = broadcastShapes('matmul', a.shape.slice(0, -2), b.shape.slice(0, -2));
  const count = sizeOf(lead);
  const matrix = (x: Tensor, i: number) => {
    if (x.shape.length === 2) return x;
    const size = x.shape.slice(-2);
    return stretched(x, [...lead, ...size])
      .reshape([count, ...size])
      .slice(i, i + 1)
      .reshape(size);
  };
  const parts = Array.from({ length: count }, (_, i) => matrices(matrix(a, i), matrix(b, i)));
  const [first, ...rest] = parts;
  if (!first) return a.spawn([...lead, sizeFromEnd(a.shape, 2) as number, sizeFromEnd(b.shape, 1) as number]);
  return first.stack(rest).reshape([...lead, ...first.shape]);
}

export function matmul(a: Tensor, b: Tensor): Tensor {
  needFloats('matmul', a, b);
  const rows = a.shape.length === 1 ? a.reshape([1, -1]) : a;
  const columns = b.shape.length === 1 ? b.reshape([-1, 1]) : b;
  const fits = a.shape.length > 0 && b.shape.length > 0 && sizeFromEnd(rows.shape, 1) === sizeFromEnd(columns.shape, 2);
  if (!fits) {
    throw new ShapeError(
      `matmul got ${show(a.shape)} and ${show(b.shape)}; the last size of the first must be the last but one of the second.`,
    );
  }
  const y = rows.shape.length === 2 && columns.shape.length === 2 ? matrices(rows, columns) : stacked(rows, columns);
  if (a.shape.length > 1 && b.shape.length > 1) return y;
  const shape: Shape = [
    ...y.shape.slice(0, -2),
    ...(a.shape.length > 1 ? [sizeFromEnd(y.shape, 2)] : []),
    ...(b.shape.length > 1 ? [sizeFromEnd(y.shape, 1)] : []),
  ] as number[];
  return y.reshape(shape);
}

/** x Wᵀ + b for rows x of [m, k], W of [n, k] and b of [n]. */
export function linear(x: Tensor, weight: Tensor, bias: Tensor | undefined): Tensor {
  needFloats('Linear', x);
  const y = multiply(x, weight.transpose(), { bias });
  const inputs = bias ? [x, weight, bias] : [x, weight];
  return record(y, inputs, [
    (dy) => multiply(dy, weight),
    (dy) => multiply(dy.transpose(), x, { overRows: true }),
    (dy) => sumTo(dy, (bias as Tensor).shape),
  ]);
}
