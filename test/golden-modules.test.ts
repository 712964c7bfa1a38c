import type { Tensor } from 'downhill';
import type * as nn from 'downhill/nn';
import { describe, expect, it } from 'vitest';
import { buildModel, type Layer } from './golden/models.js';
import {
  constant,
  expectClose,
  expectTensorClose,
  gradientOf,
  readGolden,
  type Stated,
  variable,
} from './golden/read.js';

interface ModuleCase {
  name: string;
  layers: Layer[];
  input: Stated;
  state: Record<string, Stated>;
  output: { shape: number[]; data: number[] };
  upstream: Stated;
  inputGradient: number[];
  gradients: Record<string, number[]>;
}

const { cases } = readGolden<{ cases: ModuleCase[] }>('modules');

function backward(c: ModuleCase, model: nn.Module, x: Tensor): void {
  model.forward(x).mul(constant(c.upstream)).sum().backward();
}

describe('modules', () => {
  it.each(cases)("have PyTorch's output: $name", (c) => {
    const model = buildModel(c.layers, c.state);
    expectTensorClose('output', model.forward(constant(c.input)), c.output);
  });

  it.each(cases)("have PyTorch's gradients for the input and every parameter: $name", (c) => {
    const model = buildModel(c.layers, c.state);
    const x = variable(c.input);
    backward(c, model, x);
    expectClose('gradient of the input', gradientOf('the input', x).toTypedArray(), c.inputGradient);
    const parameters = [...model.namedParameters()];
    expect(parameters.map(([name]) => name)).toEqual(Object.keys(c.gradients));
    for (const [name, parameter] of parameters) {
      const gradient = gradientOf(name, parameter);
      expect([...gradient.shape], `gradient of ${name}: shape`).toEqual(c.state[name]?.shape);
      expectClose(`gradient of ${name}`, gradient.toTypedArray(), c.gradients[name] ?? []);
    }
  });

  it.each(cases.filter((c) => Object.keys(c.gradients).length > 0))(
    'add up the gradients of two passes: $name',
    (c) => {
      const model = buildModel(c.layers, c.state);
      backward(c, model, constant(c.input));
      backward(c, model, constant(c.input));
      for (const [name, parameter] of model.namedParameters()) {
        const twice = (c.gradients[name] ?? []).map((g) => 2 * g);
        expectClose(`gradient of ${name}`, gradientOf(name, parameter).toTypedArray(), twice);
      }
    },
  );
});
