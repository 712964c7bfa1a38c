import { checkNumber, checkOptions, isCount, isIndex, OptionError } from '../errors';
import { parameter, randn, tensor } from '../tensor/create';
import { checkLabels } from '../tensor/ops/labels';
import { dropout } from '../tensor/ops/random';
import { axisOf, needTensor, sizeOf } from '../tensor/shape';
import type { AxisOptions, Tensor } from '../tensor/tensor';
import { checkSeed, currentSeed } from '../wasm/random';
import { Module } from './module';

const isAxis = { needed: 'a whole number', holds: Number.isInteger };

function axisIn(owner: string, options: AxisOptions): number {
  checkOptions(owner, options, ['axis']);
  const axis = options.axis ?? -1;
  checkNumber(`The axis of ${owner}`, axis, isAxis);
  return axis;
}

/**
 * y = e^x / Σ e^x along an axis. For training use CrossEntropyLoss on what comes before it, or LogSoftmax.
 *
 * @param options `axis`: default -1, the last.
 * @throws OptionError from `forward` where there is no such axis.
 * @example
 * expect(new nn.Softmax().forward(tensor([[3, 3]])).toArray()).toEqual([[0.5, 0.5]]);
 */
export class Softmax extends Module {
  /** The axis along which the outputs sum to 1. */
  readonly axis: number;

  constructor(options: AxisOptions = {}) {
    super();
    this.axis = axisIn('Softmax', options);
  }

  forward(x: Tensor): Tensor {
    return x.softmax({ axis: this.axis });
  }

  protected override describe(): string {
    return `axis: ${this.axis}`;
  }
}

/**
 * y = x - log Σ e^x along an axis, without the overflow: what NLLLoss and KLDivLoss take.
 *
 * @param options `axis`: default -1, the last.
 * @throws OptionError from `forward` where there is no such axis.
 * @example
 * expect(new nn.LogSoftmax().forward(tensor([[1000, 0]])).toArray()).toEqual([[0, -1000]]);
 */
export class LogSoftmax extends Module {
  /** The axis along which the outputs sum to 1. */
  readonly axis: number;

  constructor(options: AxisOptions = {}) {
    super();
    this.axis = axisIn('LogSoftmax', options);
  }

  forward(x: Tensor): Tensor {
    return x.logSoftmax({ axis: this.axis });
  }

  protected override describe(): string {
    return `axis: ${this.axis}`;
  }
}

/**
 * The same elements with the axes from `startAxis` to `endAxis` as one: [rows, a, b] becomes [rows, a b].
 *
 * @param options `startAxis`: default 1; `endAxis`: default -1, the last.
 * @throws OptionError from `forward` where there are no such axes.
 * @example
 * expect(new nn.Flatten().forward(zeros([5, 2, 3])).shape).toEqual([5, 6]);
 */
export class Flatten extends Module {
  /** The first axis that is flattened. */
  readonly startAxis: number;
  /** The last axis that is flattened. */
  readonly endAxis: number;

  constructor(options: { startAxis?: number; endAxis?: number } = {}) {
    super();
    checkOptions('Flatten', options, ['startAxis', 'endAxis']);
    this.startAxis = options.startAxis ?? 1;
    this.endAxis = options.endAxis ?? -1;
    checkNumber('The startAxis of Flatten', this.startAxis, isAxis);
    checkNumber('The endAxis of Flatten', this.endAxis, isAxis);
  }

  forward(x: Tensor): Tensor {
    needTensor('Flatten', x);
    const first = axisOf('Flatten', this.startAxis, x.shape.length);
    const end = axisOf('Flatten', this.endAxis, x.shape.length) + 1;
    if (end <= first)
      throw new OptionError(`Flatten has startAxis ${first} after its endAxis ${end - 1}; it must not be.`);
    return x.reshape([...x.shape.slice(0, first), sizeOf(x.shape.slice(first, end)), ...x.shape.slice(end)]);
  }

  protected override describe(): string {
    return `startAxis: ${this.startAxis}, endAxis: ${this.endAxis}`;
  }
}

/**
 * A row of `dim` numbers for each index: y[...] = weight[x[...]].
 *
 * Shapes: x of indices of any shape, y of [...x, dim]; `weight` of [count, dim], normal of mean 0 and deviation 1 at first.
 * As https://pytorch.org/docs/stable/generated/torch.nn.Embedding.html.
 *
 * @param count indices; `dim`: numbers for each.
 * @param options `paddingIdx`: the index of a row that is zeros at first and gets no gradient; default none.
 * @throws OptionError for sizes that are no positive whole numbers; from `forward` for an index that is not whole or not below
 * `count`.
 * @example
 * const layer = new nn.Embedding(10, 3, { paddingIdx: 0 });
 * expect(layer.forward(tensor(new Int32Array([0, 7]))).shape).toEqual([2, 3]);
 * expect(layer.forward(tensor(new Int32Array([0]))).toArray()).toEqual([[0, 0, 0]]);
 */
export class Embedding extends Module {
  /** The vectors, [count, dim]. */
  readonly weight: Tensor;
  /** The row that is not trained. */
  readonly paddingIdx: number | undefined;

  constructor(
    /** How many vectors there are. */
    readonly count: number,
    /** The length of a vector. */
    readonly dim: number,
    options: { paddingIdx?: number } = {},
  ) {
    super();
    checkOptions('Embedding', options, ['paddingIdx']);
    checkNumber('The count of Embedding', count, isCount);
    checkNumber('The dim of Embedding', dim, isCount);
    const { paddingIdx } = options;
    if (paddingIdx !== undefined) {
      checkNumber('The paddingIdx of Embedding', paddingIdx, {
        needed: `a whole number from 0 to ${count - 1}`,
        holds: (n) => isIndex.holds(n) && n < count,
      });
    }
    this.paddingIdx = paddingIdx;
    const rows = Int32Array.from({ length: count }, (_, i) => i);
    const drawn = randn([count, dim]);
    const kept =
      paddingIdx === undefined
        ? drawn
        : tensor(rows, { shape: [count, 1] })
            .eq(paddingIdx)
            .where(0, drawn);
    this.weight = parameter(kept);
  }

  forward(x: Tensor): Tensor {
    const index = checkLabels('Embedding', x, { count: this.count }).reshape([x.size]);
    const y = this.weight.gather(index);
    const passed = this.paddingIdx === undefined ? y : this.withoutPadding(y, index);
    return passed.reshape([...x.shape, this.dim]);
  }

  /** The same numbers; no gradient passes those of the padding. */
  private withoutPadding(y: Tensor, index: Tensor): Tensor {
    const isPadding = index.eq(this.paddingIdx as number).reshape([index.size, 1]);
    return isPadding.where(y.detach(), y);
  }

  protected override describe(): string {
    return `${this.count} -> ${this.dim}`;
  }
}

/**
 * In train mode each element is 0 with probability p, and else divided by 1 - p (Srivastava et al. 2014); in eval mode y = x.
 *
 * The mask is a function of the seed of `manualSeed` when the module was made, its position in the model's `modules()`, how
 * often it has run in train mode, and the element's position. A module is in a model from the first time that the model's
 * `parameters()`, `modules()` or `train()` is called, or that `fit` trains it.
 * As https://pytorch.org/docs/stable/generated/torch.nn.Dropout.html.
 *
 * @param p from 0 to 1, default 0.5.
 * @throws OptionError for a p out of range.
 * @example
 * const layer = new nn.Dropout(0.5);
 * expect(new Set(layer.forward(ones([100])).toArray())).toEqual(new Set([0, 2]));
 * expect(layer.eval().forward(ones([3])).toArray()).toEqual([1, 1, 1]);
 */
export class Dropout extends Module {
  private seed = currentSeed();
  private readonly forwards = tensor(0, { dtype: 'int32' });

  constructor(
    /** The share of the elements that are left out. */
    readonly p = 0.5,
  ) {
    super();
    checkNumber('The p of Dropout', p, { needed: 'from 0 to 1', holds: (n) => n >= 0 && n <= 1 });
  }

  forward(x: Tensor): Tensor {
    if (!this.training || this.p === 0) return x;
    return dropout(x, this.p, { seed: this.seed, place: this.place(), forwards: this.forwards });
  }

  override getExtraState(): Record<string, unknown> {
    return { ...super.getExtraState(), seed: this.seed };
  }

  override setExtraState(state: Record<string, unknown>): void {
    const { seed } = state;
    checkSeed('Dropout', seed);
    super.setExtraState(state);
    this.seed = seed;
  }

  protected override describe(): string {
    return `p: ${this.p}`;
  }
}
