import { Kernel } from '../../assembly/kernel';
import { checkOptions, OptionError, ShapeError, StateError } from '../errors';
import type { Storage } from '../wasm/heap';
import { runtime } from '../wasm/runtime';
import { backward, type Node, noteChange } from './autograd';
import { emit, isTracing, needValues, newStorage, noteLeaf, outsideTrace } from './driver';
import { type Data, type DType, fillFrom, flatten, type TypedArray } from './literal';
import * as elementwise from './ops/elementwise';
import * as move from './ops/move';
import * as product from './ops/product';
import * as reduce from './ops/reduce';
import { type Shape, sameShape, show, sizeOf, stridesOf } from './shape';

/** What is reduced, and what remains. */
export interface ReduceOptions {
  /** The axis to reduce, counted from the end if negative. Default: all. */
  axis?: number;
  /** Keep the axis with size 1. Default: false. */
  keepDims?: boolean;
}

/** Along which axis. */
export interface AxisOptions {
  /** Counted from the end if negative. */
  axis?: number;
}

/** A tensor, or a number that stands for one of shape []. */
export type Value = Tensor | number;

/** Nested arrays of a tensor's elements; a number for shape []. */
export type Nested = number | Nested[];

export interface TensorFields {
  storage: Storage;
  shape: Shape;
  dtype: DType;
  strides?: readonly number[];
}

/**
 * An array of numbers in one memory, with a shape. Nobody has to dispose of it.
 *
 * Methods that compute return a new tensor and follow NumPy's broadcasting: dimensions are matched from the last, and a 1
 * stretches. Where a gradient exists, `backward()` on the result brings it to the tensors that `requiresGrad`.
 */
export class Tensor {
  /** The sizes of its axes; [] for a number. */
  readonly shape: Shape;
  /** 'float32', or 'int32' for labels and indices. */
  readonly dtype: DType;
  /** Does `backward()` bring a gradient here? */
  requiresGrad = false;
  /** @internal Is it one of its module's parameters, also while it is frozen? */
  isParameter = false;
  /** @internal The gradient so far. */
  gradient: Tensor | undefined = undefined;
  /** @internal Somebody outside has asked for this gradient and may hold it. */
  shown = false;
  /** @internal */
  readonly storage: Storage;
  /** @internal Bytes from the storage's start. */
  readonly offset = 0;
  /** @internal In elements. */
  readonly strides: readonly number[];
  /** @internal How this came about. */
  node: Node | undefined = undefined;
  /** @internal The gradient of a root with respect to itself. */
  isOne = false;
  private disposed = false;
  /** @internal Shares the storage of another tensor. */
  readonly isView: boolean;

  /** @internal Use `tensor`, `zeros` and the like. */
  constructor({ storage, shape, dtype, strides }: TensorFields, isView = false) {
    this.storage = storage;
    this.shape = shape;
    this.dtype = dtype;
    this.strides = strides ?? stridesOf(shape);
    this.isView = isView;
  }

  /** The number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /** d(root) / d(this), summed over the `backward()` calls since `zeroGrad()`; undefined before the first. */
  get grad(): Tensor | undefined {
    if (this.gradient) this.gradient.shown = true;
    return this.gradient;
  }

  set grad(value: Tensor | undefined) {
    if (value !== undefined) {
      if (!(value instanceof Tensor) || value.dtype !== 'float32') {
        throw new OptionError(
          `grad got ${value instanceof Tensor ? 'an int32 tensor' : String(value)}; it must be a float32 tensor, or undefined.`,
        );
      }
      this.needShape('grad', value.shape);
      value.shown = true;
    }
    this.gradient = value;
  }

  /** @internal Forgets the gradient, and frees it where nobody else can hold it. */
  dropGradient(): void {
    noteLeaf(this);
    if (this.gradient && !this.gradient.shown) this.gradient.dispose();
    this.gradient = undefined;
  }

  // ---- values

  /**
   * The one element as a number.
   *
   * @throws ShapeError for more than one element; StateError inside a compiled step.
   * @example
   * expect(tensor([3]).item()).toBe(3);
   */
  item(): number {
    if (this.size !== 1) {
      throw new ShapeError(`item() needs a tensor of one element; this one is ${show(this.shape)}. Use toArray().`);
    }
    return this.toTypedArray()[0] as number;
  }

  /**
   * The elements as nested arrays.
   *
   * @example
   * expect(tensor([[1, 2], [3, 4]]).toArray()).toEqual([[1, 2], [3, 4]]);
   */
  toArray(): Nested {
    const flat = this.toTypedArray();
    const nest = (axis: number, at: number, step: number): Nested => {
      const n = this.shape[axis];
      if (n === undefined) return flat[at] as number;
      return Array.from({ length: n }, (_, i) => nest(axis + 1, at + (i * step) / n, step / n));
    };
    return nest(0, 0, this.size);
  }

  /**
   * A copy of the elements, row by row.
   *
   * @example
   * expect(tensor([1, 2]).toTypedArray()).toEqual(new Float32Array([1, 2]));
   */
  toTypedArray(): Float32Array | Int32Array {
    needValues('A read of values (item(), toArray(), toTypedArray())');
    const whole = this.contiguous();
    const bytes = runtime().heap.read(whole.storage, { offset: whole.offset, bytes: this.size * 4 });
    return this.dtype === 'int32' ? new Int32Array(bytes) : new Float32Array(bytes);
  }

  /**
   * Puts other values in place. A graph that needs what was there can't be used for `backward()` any more.
   *
   * @param data a tensor, number, nested or typed array of this shape.
   * @throws ShapeError for another shape.
   * @example
   * const w = parameter([1, 2]);
   * w.assign([3, 4]);
   * expect(w.toArray()).toEqual([3, 4]);
   */
  assign(data: Data | Tensor): this {
    if (data instanceof Tensor) {
      this.needShape('assign', data.shape);
      const source = data.to(this.dtype);
      noteChange(this);
      move.copyInto(source.storage === this.storage ? source.clone() : source, this);
      return this;
    }
    needValues('assign() of plain values');
    const { flat, shape } = flatten(data, 'assign');
    const flatData = shape.length === 1 && flat.length === this.size;
    if (!flatData || !ArrayBuffer.isView(data)) this.needShape('assign', shape);
    noteChange(this);
    if (this.isContiguous) fillFrom(this.storage, flat, this.dtype);
    else {
      const values = this.spawn(this.shape, this.dtype);
      fillFrom(values.storage, flat, this.dtype);
      move.copyInto(values, this);
    }
    return this;
  }

  private needShape(call: string, shape: Shape): void {
    if (sameShape(shape, this.shape)) return;
    throw new ShapeError(
      `${call} got shape ${show(shape)}; this tensor is ${show(this.shape)} and stays so. Use reshape.`,
    );
  }

  /** A tensor over the same elements that no gradient passes. */
  detach(): Tensor {
    return this.view(this.shape, this.strides);
  }

  /** A copy that no gradient passes. */
  clone(): Tensor {
    const y = this.spawn(this.shape, this.dtype);
    emit(Kernel.copyWords, this.contiguous(), y, this.size);
    return y;
  }

  /**
   * Frees the elements now. Nobody has to: memory that is no longer used is found anyway.
   *
   * @example
   * using t = zeros([1000, 1000]);
   * expect(t.size).toBe(1_000_000);
   */
  dispose(): void {
    if (isTracing() || this.disposed) return;
    this.disposed = true;
    if (--this.storage.holders === 0) runtime().heap.free(this.storage);
  }

  /** `dispose()`, for `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /**
   * Brings d(this)/dt to the `grad` of every tensor t that this came from and that `requiresGrad`, adding to what is there.
   *
   * @param options `retainGraph`: keep the graph, for another backward() through it; default false.
   * @throws ShapeError for more than one element; StateError where there is no graph, or where what it needs was changed since.
   * @example
   * const w = parameter([3]);
   * w.square().sum().backward();
   * expect(w.grad?.toArray()).toEqual([6]);
   */
  backward(options: { retainGraph?: boolean } = {}): void {
    checkOptions('backward', options, ['retainGraph']);
    backward(this, options.retainGraph ?? false);
  }

  /** @internal Makes this leaf one that training changes. */
  train(): this {
    this.requiresGrad = true;
    this.isParameter = true;
    return this;
  }

  /** @internal Exchanges the elements with those of another tensor of this shape and type. */
  exchange(other: Tensor): void {
    const { storage } = this;
    (this as { storage: Storage }).storage = other.storage;
    (other as { storage: Storage }).storage = storage;
  }

  // ---- what the ops build on

  /** @internal A new tensor for a result. */
  spawn(shape: Shape, dtype: DType = 'float32'): Tensor {
    return new Tensor({ storage: newStorage(sizeOf(shape) * 4), shape, dtype });
  }

  /** @internal Another look at the same elements. */
  view(shape: Shape, strides?: readonly number[]): Tensor {
    this.storage.holders++;
    return new Tensor({ storage: this.storage, shape, dtype: this.dtype, ...(strides && { strides }) }, true);
  }

  /** @internal The same elements under another shape, instead of this. */
  as(shape: Shape): Tensor {
    return new Tensor({ storage: this.storage, shape, dtype: this.dtype });
  }

  /** @internal Are there elements to read? Not in what belongs to a compiled step, nor after `dispose`. */
  get hasValues(): boolean {
    const { block, outside } = this.storage;
    return block !== undefined || outside !== undefined;
  }

  /** @internal */
  get isContiguous(): boolean {
    let stride = 1;
    for (let i = this.shape.length - 1; i >= 0; i--) {
      if (this.shape[i] !== 1 && this.strides[i] !== stride) return false;
      stride *= this.shape[i] as number;
    }
    return true;
  }

  /** @internal This, or a copy whose elements lie row by row. */
  contiguous(): Tensor {
    return move.contiguous(this);
  }

  /** @internal */
  filled(shape: Shape, value: number): Tensor {
    return move.filled(this, { shape, value });
  }

  /** @internal A constant made of plain values. */
  constant(data: readonly number[] | TypedArray): Tensor {
    const storage = outsideTrace(() => newStorage(data.length * 4));
    fillFrom(storage, data, 'int32');
    return new Tensor({ storage, shape: [data.length], dtype: 'int32' });
  }

  /** @internal */
  onesLike(): Tensor {
    return this.filled(this.shape, 1);
  }

  // ---- elementwise

  /** this + b */
  add(b: Value): Tensor {
    return elementwise.add(this, b);
  }
  /** this - b */
  sub(b: Value): Tensor {
    return elementwise.sub(this, b);
  }
  /** this × b */
  mul(b: Value): Tensor {
    return elementwise.mul(this, b);
  }
  /** this / b */
  div(b: Value): Tensor {
    return elementwise.div(this, b);
  }
  /** -this */
  neg(): Tensor {
    return elementwise.neg(this);
  }
  /** this² */
  square(): Tensor {
    return elementwise.square(this);
  }
  /** √this; NaN for negative elements. */
  sqrt(): Tensor {
    return elementwise.sqrt(this);
  }
  /** e^this */
  exp(): Tensor {
    return elementwise.exp(this);
  }
  /** The natural logarithm; -Infinity for 0, NaN for negative elements. */
  log(): Tensor {
    return elementwise.log(this);
  }
  /** |this|; the gradient at 0 is 0. */
  abs(): Tensor {
    return elementwise.abs(this);
  }
  /** The sine, in radians. */
  sin(): Tensor {
    return elementwise.sin(this);
  }
  /** The cosine, in radians. */
  cos(): Tensor {
    return elementwise.cos(this);
  }
  /** (e^x - e^-x) / (e^x + e^-x) */
  tanh(): Tensor {
    return elementwise.tanh(this);
  }
  /** 1 / (1 + e^-x) */
  sigmoid(): Tensor {
    return elementwise.sigmoid(this);
  }
  /** max(x, 0); the gradient at 0 is 0. */
  relu(): Tensor {
    return elementwise.relu(this);
  }
  /** this^b; NaN for a negative element and a b that is not whole. */
  pow(b: Value): Tensor {
    return elementwise.pow(this, b);
  }
  /** min(max(x, low), high); the gradient passes where low ≤ x ≤ high. */
  clamp(low: number, high: number): Tensor {
    return elementwise.clamp(this, low, high);
  }
  /** The larger of each pair; the gradient of a tie goes half to each. */
  maximum(b: Value): Tensor {
    return elementwise.maximum(this, b);
  }
  /** The smaller of each pair; the gradient of a tie goes half to each. */
  minimum(b: Value): Tensor {
    return elementwise.minimum(this, b);
  }
  /** a where this is not 0, else b. */
  where(a: Value, b: Value): Tensor {
    return elementwise.where(this, a, b);
  }
  /** 1 where this = b, else 0. */
  eq(b: Value): Tensor {
    return elementwise.eq(this, b);
  }
  /** 1 where this > b, else 0. */
  gt(b: Value): Tensor {
    return elementwise.gt(this, b);
  }
  /** 1 where this < b, else 0. */
  lt(b: Value): Tensor {
    return elementwise.lt(this, b);
  }
  /** The same values as another type: 'int32' rounds towards 0; no gradient passes. */
  to(dtype: DType): Tensor {
    return elementwise.to(this, dtype);
  }

  // ---- products and moves

  /** The matrix product: [m, k] × [k, n] → [m, n]; a vector counts as one row on the left, one column on the right. */
  matmul(b: Tensor): Tensor {
    return product.matmul(this, b);
  }
  /** A view with two axes exchanged, by default the last two. */
  transpose(i = -2, j = -1): Tensor {
    return move.transpose(this, i, j);
  }
  /** The same elements in another shape; one size may be -1 and is worked out. */
  reshape(shape: Shape): Tensor {
    return move.reshape(this, shape);
  }
  /** This and the others, one after another along an axis (default 0). */
  concat(others: Tensor | readonly Tensor[], options: AxisOptions = {}): Tensor {
    return move.concat([this, ...[others].flat()], options);
  }
  /** This and the others along a new axis (default 0). */
  stack(others: Tensor | readonly Tensor[], options: AxisOptions = {}): Tensor {
    return move.stack([this, ...[others].flat()], options);
  }
  /** The elements from `start` up to and without `end` along an axis (default 0). Negative positions count from the end. */
  slice(start: number, end?: number, options: AxisOptions = {}): Tensor {
    return move.slice(this, { start, end, options });
  }
  /** The rows (or other slices along `axis`, default 0) with these indices, in their order. */
  gather(indices: Tensor | readonly number[] | TypedArray, options: AxisOptions = {}): Tensor {
    return move.gather(this, indices, options);
  }

  // ---- reductions

  /** The sum along an axis, or of all. */
  sum(options: ReduceOptions = {}): Tensor {
    return reduce.sum(this, options);
  }
  /** The mean along an axis, or of all. */
  mean(options: ReduceOptions = {}): Tensor {
    return reduce.mean(this, options);
  }
  /** The largest along an axis, or of all; the gradient is shared by ties. */
  max(options: ReduceOptions = {}): Tensor {
    return reduce.max(this, options);
  }
  /** The smallest along an axis, or of all; the gradient is shared by ties. */
  min(options: ReduceOptions = {}): Tensor {
    return reduce.min(this, options);
  }
  /** The index of the first largest element along an axis (of all, flat, without one), as int32. */
  argMax(options: ReduceOptions = {}): Tensor {
    return reduce.argMax(this, options);
  }
  /** The index of the first smallest element along an axis (of all, flat, without one), as int32. */
  argMin(options: ReduceOptions = {}): Tensor {
    return reduce.argMin(this, options);
  }
  /** e^x / Σ e^x along an axis (default: the last). */
  softmax(options: AxisOptions = {}): Tensor {
    return reduce.softmax(this, options);
  }
  /** log(softmax), without the overflow. */
  logSoftmax(options: AxisOptions = {}): Tensor {
    return reduce.logSoftmax(this, options);
  }

  /** @internal For consoles. */
  toString(): string {
    if (this.storage.freed) return `Tensor ${show(this.shape)} (disposed)`;
    if (isTracing()) return `Tensor ${show(this.shape)} (in a compiled step)`;
    if (this.size > 100) return `Tensor ${show(this.shape)} ${this.dtype}`;
    return `Tensor ${show(this.shape)} ${JSON.stringify(this.toArray())}`;
  }

  /** @internal For Node's console. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  /** For JSON.stringify: what `loadStateDict` takes. */
  toJSON(): {
    /** The sizes of its axes. */
    shape: Shape;
    /** Its elements, row by row. */
    data: number[];
  } {
    return { shape: this.shape, data: Array.from(this.toTypedArray()) };
  }

  /** A tensor has no truth value of its own: comparing tensors makes tensors. */
  valueOf(): never {
    throw new StateError(
      'A tensor is not a number: use item() for its value, and add, sub, mul, gt, lt … to compute with it.',
    );
  }
}
