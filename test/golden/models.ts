import * as nn from 'downhill/nn';
import { type Stated, valuesOf } from './read.js';

export interface Layer {
  module: string;
  sizes?: [inputs: number, outputs: number];
  options: LayerOptions;
}

interface LayerOptions {
  bias?: boolean;
  negativeSlope?: number;
  alpha?: number;
  beta?: number;
  threshold?: number;
}

const ACTIVATIONS: Record<string, (options: LayerOptions) => nn.Module> = {
  ReLU: () => new nn.ReLU(),
  LeakyReLU: (options) => new nn.LeakyReLU(options),
  Tanh: () => new nn.Tanh(),
  Sigmoid: () => new nn.Sigmoid(),
  GELU: () => new nn.GELU(),
  SiLU: () => new nn.SiLU(),
  ELU: (options) => new nn.ELU(options),
  Softplus: (options) => new nn.Softplus(options),
};

/** One layer as it is, several as a Sequential. */
export function buildModel(layers: Layer[], state: Record<string, Stated>): nn.Module {
  const modules = layers.map(buildLayer);
  const [first] = modules;
  const model = first && modules.length === 1 ? first : new nn.Sequential(...modules);
  model.loadStateDict(
    Object.fromEntries(Object.entries(state).map(([name, s]) => [name, { shape: s.shape, data: valuesOf(s) }])),
  );
  return model;
}

function buildLayer({ module, sizes, options }: Layer): nn.Module {
  if (sizes) return new nn.Linear(...sizes, options);
  const build = ACTIVATIONS[module];
  if (!build) throw new Error(`The golden files name a module ${module} that is not in the table.`);
  return build(options);
}

export function parametersByName(model: nn.Module): Record<string, number[]> {
  return Object.fromEntries([...model.namedParameters()].map(([name, p]) => [name, [...p.toTypedArray()]]));
}
