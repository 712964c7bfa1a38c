import { OptionError } from '../errors';
import { ELU, GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Softplus, Tanh } from '../nn/activation';
import { BCEWithLogitsLoss, CrossEntropyLoss, NLLLoss } from '../nn/classification';
import { Dropout, Embedding, Flatten, LogSoftmax, Softmax } from '../nn/layers';
import { Linear } from '../nn/linear';
import { Loss, type LossFunction } from '../nn/loss';
import type { Module } from '../nn/module';
import { BatchNorm1d, LayerNorm } from '../nn/normalization';
import { HuberLoss, KLDivLoss, L1Loss, MSELoss, PoissonNLLLoss, SmoothL1Loss } from '../nn/regression';
import { Sequential } from '../nn/sequential';
import { Tensor } from '../tensor/tensor';
import { call, indented, type Source, tensorOf } from './python';

/** What PyTorch is given to make such a thing: positional arguments, and named ones by our names. */
type Arguments = [positional: unknown[], named?: object];

// biome-ignore lint/suspicious/noExplicitAny: each class with a function of its own instances.
type Rule = [kind: new (...args: any[]) => unknown, args: (made: any) => Arguments];

/** Undefined where it is what PyTorch does without it. */
const unless = <T>(usual: T, value: T) => (value === usual ? undefined : value);

/** In a function, so that who exports nothing to PyTorch ships none of the classes. */
const moduleRules = (): Rule[] => [
  [Linear, (m: Linear) => [[m.inputs, m.outputs], { bias: m.bias ? undefined : false }]],
  [ReLU, () => [[]]],
  [LeakyReLU, ({ negativeSlope }: LeakyReLU) => [[], { negativeSlope }]],
  [ELU, ({ alpha }: ELU) => [[], { alpha }]],
  [SiLU, () => [[]]],
  [GELU, () => [[]]],
  [Softplus, ({ beta, threshold }: Softplus) => [[], { beta, threshold }]],
  [Tanh, () => [[]]],
  [Sigmoid, () => [[]]],
  [Softmax, ({ axis }: Softmax) => [[], { dim: axis }]],
  [LogSoftmax, ({ axis }: LogSoftmax) => [[], { dim: axis }]],
  [Dropout, ({ p }: Dropout) => [[p]]],
  [Flatten, ({ startAxis, endAxis }: Flatten) => [[], { startDim: startAxis, endDim: endAxis }]],
  [Embedding, (m: Embedding) => [[m.count, m.dim], { paddingIdx: m.paddingIdx }]],
  [
    LayerNorm,
    (m: LayerNorm) => [[m.features], { eps: m.eps, elementwiseAffine: unless(true, m.weight !== undefined) }],
  ],
  [
    BatchNorm1d,
    ({ features, eps, momentum, weight, runningMean }: BatchNorm1d) => [
      [features],
      {
        eps,
        momentum,
        affine: unless(true, weight !== undefined),
        trackRunningStats: unless(true, runningMean !== undefined),
      },
    ],
  ],
];

/** What a rule says of exactly this class, not of those derived from it, whose forward is their own. */
function argumentsFor(made: object, rules: readonly Rule[]): Arguments | undefined {
  return rules.find(([kind]) => kind === made.constructor)?.[1](made);
}

/** A module as a Python expression. */
export function moduleSource(module: Module, seen = new Set<object>()): string {
  const name = module.constructor.name;
  if (seen.has(module))
    throw new OptionError(
      `toPyTorch: this ${name} is in the model twice, which PyTorch's state dict names twice; make it a module of your own there.`,
    );
  seen.add(module);
  for (const value of Object.values(module)) {
    if (seen.has(value))
      throw new OptionError(
        `toPyTorch: a parameter of this ${name} is another module's too, and the modules of PyTorch would each have their own; tie them there, in a module of your own.`,
      );
    if (value instanceof Tensor) seen.add(value);
  }
  if (module.constructor === Sequential) {
    const parts = (module as Sequential).layers.map((layer) => `\n${moduleSource(layer, seen)},`);
    return `nn.Sequential(${indented(parts.join(''))}\n)`;
  }
  const args = argumentsFor(module, moduleRules());
  if (args) return call(`nn.${name}`, ...args).text;
  throw new OptionError(
    `toPyTorch can't write the forward of ${name} in Python; give it a Sequential of the library's modules, or take the weights alone: toSafetensors(model.stateDict()).`,
  );
}

const weightOf = (weight: Tensor | undefined) => weight && tensorOf(weight.toArray());

const lossRules = (): Rule[] => [
  [MSELoss, () => [[]]],
  [L1Loss, () => [[]]],
  [HuberLoss, ({ delta }: HuberLoss) => [[], { delta }]],
  [SmoothL1Loss, ({ beta }: SmoothL1Loss) => [[], { beta }]],
  [PoissonNLLLoss, ({ logInput, full, eps }: PoissonNLLLoss) => [[], { logInput, full, eps }]],
  [KLDivLoss, ({ logTarget }: KLDivLoss) => [[], { logTarget }]],
  [BCEWithLogitsLoss, ({ posWeight }: BCEWithLogitsLoss) => [[], { posWeight: weightOf(posWeight) }]],
  [NLLLoss, ({ weight, ignoreIndex }: NLLLoss) => [[], { weight: weightOf(weight), ignoreIndex }]],
  [
    CrossEntropyLoss,
    ({ weight, ignoreIndex, labelSmoothing }: CrossEntropyLoss) => [
      [],
      { weight: weightOf(weight), ignoreIndex, labelSmoothing },
    ],
  ],
];

/** A loss as Python expressions: the sum of the losses, what it is divided by, and the type of the targets. */
export interface LossSource {
  loss: string;
  divisor: string;
  target: string;
}

/** The number of rows whose label counts, or the sum of their weights. */
function labelDivisor({ weight, ignoreIndex }: NLLLoss | CrossEntropyLoss): string {
  const kept = ignoreIndex === undefined ? 'target' : `target[target != ${ignoreIndex}]`;
  const own: Source | undefined = weightOf(weight);
  return own ? `${own.text}.to(DEVICE)[${kept}].sum()` : `len(${kept})`;
}

/** @param target a row of the dataset's last column. */
export function lossSource(loss: LossFunction, target: readonly number[]): LossSource {
  const args = loss instanceof Loss && loss.reduction !== 'none' ? argumentsFor(loss, lossRules()) : undefined;
  if (!(loss instanceof Loss) || !args)
    throw new OptionError(
      "toPyTorch can't write this loss in Python; give it a loss of the library, such as new MSELoss(), whose reduction is 'mean' or 'sum'.",
    );
  const [positional, named = {}] = args;
  const source = call(`nn.${loss.constructor.name}`, positional, { ...named, reduction: 'sum' }).text;
  const ofClasses = loss instanceof NLLLoss || loss instanceof CrossEntropyLoss;
  const ofLabels = ofClasses && target.length === 0;
  const whole = ofClasses || loss.reduction === 'batchmean' ? 'len(target)' : 'target.numel()';
  const mean = ofLabels ? labelDivisor(loss) : whole;
  return { loss: source, divisor: loss.reduction === 'sum' ? '1' : mean, target: ofLabels ? 'long()' : 'float()' };
}
