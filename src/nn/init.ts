import { checkNumber, checkOptions, checkValue, isOneOf, isReal, OptionError, ShapeError } from '../errors';
import { normal as drawNormal, uniform as drawUniform } from '../tensor/create';
import { show, sizeOf } from '../tensor/shape';
import { Tensor } from '../tensor/tensor';

/** What follows a layer, for the gain of its first values. */
export type Nonlinearity = 'linear' | 'sigmoid' | 'tanh' | 'relu' | 'leakyRelu' | 'selu';

/** What the xavier initialisations take. */
export interface XavierOptions {
  /** Multiplies the deviation, see `calculateGain`. Default: 1. */
  gain?: number;
}

/** What the kaiming initialisations take. */
export interface KaimingOptions {
  /** The negative slope of a 'leakyRelu'. Default: 0. */
  a?: number;
  /** Keep the variance of what goes forward ('fanIn'), or of the gradients ('fanOut'). Default: 'fanIn'. */
  mode?: 'fanIn' | 'fanOut';
  /** What follows the layer. Default: 'leakyRelu'. */
  nonlinearity?: Nonlinearity;
}

const GAINS: { readonly [K in Nonlinearity]: (slope: number) => number } = {
  linear: () => 1,
  sigmoid: () => 1,
  tanh: () => 5 / 3,
  relu: () => Math.sqrt(2),
  leakyRelu: (slope) => Math.sqrt(2 / (1 + slope * slope)),
  selu: () => 3 / 4,
};

const isDeviation = { needed: 'a finite number of at least 0', holds: (n: number) => Number.isFinite(n) && n >= 0 };

/** Throws unless t is a tensor of floats. */
function needTensor(owner: string, t: Tensor): void {
  if (t instanceof Tensor && t.dtype === 'float32') return;
  const got = t instanceof Tensor ? 'an int32 tensor' : String(t);
  throw new OptionError(`init.${owner} got ${got}; give it a parameter, such as layer.weight.`);
}

/** The numbers that an output is made of, and those that an input goes to. */
function fans(owner: string, t: Tensor): { fanIn: number; fanOut: number } {
  needTensor(owner, t);
  const [outputs, inputs] = t.shape;
  if (outputs === undefined || inputs === undefined) {
    throw new ShapeError(
      `init.${owner} got a tensor of shape ${show(t.shape)}; it must have two axes or more, as the weight of a layer has.`,
    );
  }
  const each = sizeOf(t.shape.slice(2));
  return { fanIn: inputs * each, fanOut: outputs * each };
}

function xavierDeviation(owner: string, t: Tensor, options: XavierOptions): number {
  const { fanIn, fanOut } = fans(owner, t);
  checkOptions(`init.${owner}`, options, ['gain']);
  const { gain = 1 } = options;
  checkNumber('gain', gain, isDeviation);
  return gain * Math.sqrt(2 / (fanIn + fanOut));
}

function kaimingDeviation(owner: string, t: Tensor, options: KaimingOptions): number {
  const both = fans(owner, t);
  checkOptions(`init.${owner}`, options, ['a', 'mode', 'nonlinearity']);
  const { a = 0, mode = 'fanIn', nonlinearity = 'leakyRelu' } = options;
  checkValue('mode', mode, isOneOf('fanIn', 'fanOut'));
  return calculateGain(nonlinearity, a) / Math.sqrt(both[mode]);
}

/** Even in ±√3 deviation, whose deviation that is. */
function evenly(t: Tensor, deviation: number): Tensor {
  const b = Math.sqrt(3) * deviation;
  return uniform(t, { a: -b, b });
}

/**
 * The factor that keeps the variance through a nonlinearity: 1 for 'linear' and 'sigmoid', 5/3 for 'tanh', √2 for 'relu',
 * √(2 / (1 + slope²)) for 'leakyRelu', 3/4 for 'selu'.
 *
 * As https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.calculate_gain.
 *
 * @param nonlinearity its name.
 * @param slope the negative slope of a 'leakyRelu'; default 0.01.
 * @throws OptionError for another name.
 * @example
 * expect(nn.init.calculateGain('tanh')).toBeCloseTo(5 / 3);
 */
export function calculateGain(nonlinearity: Nonlinearity, slope = 0.01): number {
  checkNumber('The negative slope', slope, isReal);
  if (Object.keys(GAINS).includes(nonlinearity)) return GAINS[nonlinearity](slope);
  throw new OptionError(
    `nonlinearity is ${String(nonlinearity)}; it must be one of ${Object.keys(GAINS)
      .map((name) => `'${name}'`)
      .join(', ')}.`,
  );
}

/**
 * Fills a tensor with numbers drawn evenly from [a, b), from the seed of `manualSeed`.
 *
 * @param options `a`: default 0; `b`: default 1.
 * @returns the tensor.
 * @throws OptionError for anything but a float32 tensor and finite bounds.
 * @example
 * const { weight } = new nn.Linear(3, 2);
 * expect(Math.max(...nn.init.uniform(weight, { a: 5, b: 6 }).toTypedArray())).toBeLessThan(6);
 */
export function uniform(t: Tensor, options: { a?: number; b?: number } = {}): Tensor {
  needTensor('uniform', t);
  checkOptions('init.uniform', options, ['a', 'b']);
  const { a = 0, b = 1 } = options;
  checkNumber('a', a, isReal);
  checkNumber('b', b, isReal);
  return t.assign(drawUniform(t.shape, { low: a, high: b }));
}

/**
 * Fills a tensor with numbers drawn from a normal distribution, from the seed of `manualSeed`.
 *
 * @param options `mean`: default 0; `std`, the standard deviation: default 1.
 * @returns the tensor.
 * @throws OptionError for anything but a float32 tensor, a finite mean and a finite deviation of at least 0.
 * @example
 * const { weight } = new nn.Linear(3, 2);
 * expect(nn.init.normal(weight, { mean: 4, std: 0 }).toTypedArray()[0]).toBe(4);
 */
export function normal(t: Tensor, options: { mean?: number; std?: number } = {}): Tensor {
  needTensor('normal', t);
  checkOptions('init.normal', options, ['mean', 'std']);
  const { mean = 0, std = 1 } = options;
  checkNumber('mean', mean, isReal);
  checkNumber('std', std, isDeviation);
  return t.assign(drawNormal(t.shape, { mean, std }));
}

/**
 * Fills a tensor with one value.
 *
 * @returns the tensor.
 * @throws OptionError for anything but a float32 tensor and a finite value.
 * @example
 * const { bias } = new nn.Linear(3, 2);
 * expect(nn.init.constant(bias, 0.5).toArray()).toEqual([0.5, 0.5]);
 */
export function constant(t: Tensor, value: number): Tensor {
  needTensor('constant', t);
  checkNumber('The value of init.constant', value, isReal);
  return t.assign(t.filled(t.shape, value));
}

/**
 * Fills a tensor with zeros.
 *
 * @returns the tensor.
 * @throws OptionError for anything but a float32 tensor.
 * @example
 * expect(nn.init.zeros(new nn.Linear(3, 2).bias).toArray()).toEqual([0, 0]);
 */
export function zeros(t: Tensor): Tensor {
  return constant(t, 0);
}

/**
 * Fills a tensor with ones.
 *
 * @returns the tensor.
 * @throws OptionError for anything but a float32 tensor.
 * @example
 * expect(nn.init.ones(new nn.Linear(3, 2).bias).toArray()).toEqual([1, 1]);
 */
export function ones(t: Tensor): Tensor {
  return constant(t, 1);
}

/**
 * Numbers drawn evenly from ±gain √(6 / (fanIn + fanOut)) (Glorot and Bengio 2010), where a weight of [out, in] has in and out.
 *
 * As https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.xavier_uniform_.
 *
 * @param t of two axes or more.
 * @param options `gain`: default 1.
 * @returns the tensor.
 * @throws ShapeError for fewer axes; OptionError for options that are unknown or out of range.
 * @example
 * const { weight } = new nn.Linear(4, 2);
 * expect(Math.max(...nn.init.xavierUniform(weight).abs().toTypedArray())).toBeLessThanOrEqual(1);
 */
export function xavierUniform(t: Tensor, options: XavierOptions = {}): Tensor {
  return evenly(t, xavierDeviation('xavierUniform', t, options));
}

/**
 * Numbers drawn from the normal distribution of mean 0 and deviation gain √(2 / (fanIn + fanOut)) (Glorot and Bengio 2010).
 *
 * As https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.xavier_normal_.
 *
 * @param t of two axes or more.
 * @param options `gain`: default 1.
 * @returns the tensor.
 * @throws ShapeError for fewer axes; OptionError for options that are unknown or out of range.
 * @example
 * const { weight } = new nn.Linear(4, 2);
 * expect(nn.init.xavierNormal(weight, { gain: 0 }).abs().sum().item()).toBe(0);
 */
export function xavierNormal(t: Tensor, options: XavierOptions = {}): Tensor {
  return normal(t, { std: xavierDeviation('xavierNormal', t, options) });
}

/**
 * Numbers drawn evenly from ±gain √(3 / fan) (He et al. 2015), with the gain of the nonlinearity.
 *
 * As https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.kaiming_uniform_.
 *
 * @param t of two axes or more.
 * @param options `a`, the negative slope: default 0; `mode`: 'fanIn' (default) or 'fanOut'; `nonlinearity`: default 'leakyRelu'.
 * @returns the tensor.
 * @throws ShapeError for fewer axes; OptionError for options that are unknown or out of range.
 * @example
 * const { weight } = new nn.Linear(6, 2);
 * nn.init.kaimingUniform(weight, { nonlinearity: 'relu' });
 * expect(Math.max(...weight.abs().toTypedArray())).toBeLessThanOrEqual(1);
 */
export function kaimingUniform(t: Tensor, options: KaimingOptions = {}): Tensor {
  return evenly(t, kaimingDeviation('kaimingUniform', t, options));
}

/**
 * Numbers drawn from the normal distribution of mean 0 and deviation gain / √fan (He et al. 2015), with the gain of the
 * nonlinearity.
 *
 * As https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.kaiming_normal_.
 *
 * @param t of two axes or more.
 * @param options `a`, the negative slope: default 0; `mode`: 'fanIn' (default) or 'fanOut'; `nonlinearity`: default 'leakyRelu'.
 * @returns the tensor.
 * @throws ShapeError for fewer axes; OptionError for options that are unknown or out of range.
 * @example
 * const { weight } = new nn.Linear(6, 2);
 * expect(nn.init.kaimingNormal(weight, { mode: 'fanOut' })).toBe(weight);
 */
export function kaimingNormal(t: Tensor, options: KaimingOptions = {}): Tensor {
  return normal(t, { std: kaimingDeviation('kaimingNormal', t, options) });
}
