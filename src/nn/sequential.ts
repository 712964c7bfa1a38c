import { OptionError, quoted } from '../errors';
import type { Tensor } from '../tensor/tensor';
import { Module } from './module';

/**
 * Modules one after another: each gets what the one before it gave. Their parameters are named by position: `0.weight`.
 *
 * @throws OptionError for anything that is no module.
 * @example
 * const model = new nn.Sequential(new nn.Linear(4, 8), new nn.ReLU(), new nn.Linear(8, 3));
 * expect(model.forward(zeros([2, 4])).shape).toEqual([2, 3]);
 */
export class Sequential extends Module {
  /** The modules, in their order. */
  readonly layers: readonly Module[];

  constructor(...modules: Module[]) {
    super();
    modules.forEach((m, i) => {
      if (m instanceof Module) return;
      throw new OptionError(`Sequential got ${quoted(m)} at position ${i}; give modules, such as new Linear(2, 1).`);
    });
    this.layers = modules;
  }

  override children(): [string, Module][] {
    return this.layers.map((layer, i) => [String(i), layer]);
  }

  forward(x: Tensor): Tensor {
    return this.layers.reduce((y, layer) => layer.forward(y), x);
  }
}
