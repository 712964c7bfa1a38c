import { checkNumber, checkOptions, isCount, isFlag, ShapeError } from '../errors';
import { uniform } from '../tensor/create';
import { linear } from '../tensor/ops/product';
import { needTensor, show, sizeFromEnd } from '../tensor/shape';
import type { Tensor } from '../tensor/tensor';
import { Module } from './module';

/**
 * y = x Wᵀ + b, for each row x.
 *
 * Shapes: x of [..., in], y of [..., out]; `weight` of [out, in], `bias` of [out]. Initial values are uniform in ±1/√in.
 * As https://pytorch.org/docs/stable/generated/torch.nn.Linear.html.
 *
 * @param inputs features of a row; `outputs`: numbers computed from it.
 * @param options `bias`: default true.
 * @throws OptionError for sizes that are no positive whole numbers; ShapeError from `forward` for rows of another length.
 * @example
 * const layer = new nn.Linear(3, 2);
 * expect(layer.forward(ones([5, 3])).shape).toEqual([5, 2]);
 */
export class Linear extends Module {
  /** [outputs, inputs] */
  readonly weight: Tensor;
  /** [outputs], or undefined without one. */
  readonly bias: Tensor | undefined;

  constructor(
    /** The last dimension of what comes in. */
    readonly inputs: number,
    /** The last dimension of what goes out. */
    readonly outputs: number,
    options: { bias?: boolean } = {},
  ) {
    super();
    checkOptions('Linear', options, { bias: isFlag });
    checkNumber('The number of inputs of Linear', inputs, isCount);
    checkNumber('The number of outputs of Linear', outputs, isCount);
    const high = 1 / Math.sqrt(inputs);
    this.weight = uniform([outputs, inputs], { low: -high, high }).train();
    this.bias = options.bias === false ? undefined : uniform([outputs], { low: -high, high }).train();
  }

  forward(x: Tensor): Tensor {
    needTensor('Linear', x);
    if (sizeFromEnd(x.shape, 1) !== this.inputs) {
      throw new ShapeError(
        `Linear(${this.describe()}) got x of shape ${show(x.shape)}; its last dimension must be ${this.inputs}.`,
      );
    }
    if (x.shape.length === 2) return linear(x, this.weight, this.bias);
    const y = linear(x.reshape([-1, this.inputs]), this.weight, this.bias);
    return y.reshape([...x.shape.slice(0, -1), this.outputs]);
  }

  protected override describe(): string {
    return `${this.inputs} -> ${this.outputs}`;
  }
}
