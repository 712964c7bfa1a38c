import { checkOptions, DownhillError, isAboveZero, OptionError } from '../errors';
import { tensor } from '../tensor/create';
import { noGrad } from '../tensor/driver';
import { Tensor } from '../tensor/tensor';

/** How near the gradients must come. */
export interface GradCheckOptions {
  /** The step of the central difference, relative to max(1, |x|). Default: 0.01. */
  eps?: number;
  /** The largest |a - b| / (1 + |b|) that passes. Default: 0.005. */
  tolerance?: number;
}

/** A fixed pattern of weights, so that errors in different outputs do not cancel. */
function weights(size: number): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => 0.5 + ((i * 7 + 3) % 11) / 11);
}

/** Σ weights × fn(inputs), and its value in double precision. */
function weighted(y: Tensor): Tensor {
  return y.mul(tensor(weights(y.size), { shape: y.shape })).sum();
}

function weightedValue(fn: (...inputs: Tensor[]) => Tensor, inputs: readonly Tensor[]): number {
  const y = noGrad(() => fn(...inputs)).toTypedArray();
  const w = weights(y.length);
  let sum = 0;
  for (let i = 0; i < y.length; i++) sum += (y[i] as number) * (w[i] as number);
  return sum;
}

/** The slope along one element by Richardson's extrapolation of two central differences: the error is of order eps⁴. */
function slope(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  { at, values, eps }: { at: number; values: Float32Array; eps: number },
  x: Tensor,
): number {
  const center = values[at] as number;
  const difference = (h: number) => {
    const ends = [1, -1].map((sign) => {
      const moved = values.slice();
      moved[at] = center + sign * h;
      x.assign(moved);
      return { x: moved[at] as number, y: weightedValue(fn, inputs) };
    }) as [{ x: number; y: number }, { x: number; y: number }];
    return (ends[0].y - ends[1].y) / (ends[0].x - ends[1].x);
  };
  const h = eps * Math.max(1, Math.abs(center));
  return (4 * difference(h) - difference(2 * h)) / 3;
}

/**
 * Compares the gradients of a function with central differences, element by element.
 *
 * @param fn a function of the inputs; any shape.
 * @param inputs tensors made by `parameter`; they are left as they were.
 * @returns true.
 * @throws DownhillError that names the first element whose gradient is wrong, both values, and the tolerance.
 * @example
 * expect(gradCheck((x) => x.square(), [parameter([1, 2, 3])])).toBe(true);
 */
export function gradCheck(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  options: GradCheckOptions = {},
): true {
  checkOptions('gradCheck', options, { eps: isAboveZero, tolerance: isAboveZero });
  const { eps = 0.01, tolerance = 0.005 } = options;
  if (!inputs.every((x) => x instanceof Tensor && x.requiresGrad && x.isContiguous)) {
    throw new OptionError('gradCheck needs inputs that require a gradient; make them with parameter().');
  }
  const before = inputs.map((x) => x.gradient);
  for (const x of inputs) x.gradient = undefined;
  weighted(fn(...inputs)).backward();
  const analytic = inputs.map((x) => x.gradient?.toTypedArray() ?? new Float32Array(x.size));
  inputs.forEach((x, i) => {
    x.gradient = before[i];
  });
  inputs.forEach((x, i) => {
    compare(fn, inputs, { x, i, analytic: analytic[i] as ArrayLike<number>, eps, tolerance });
  });
  return true;
}

interface Comparison {
  x: Tensor;
  i: number;
  analytic: ArrayLike<number>;
  eps: number;
  tolerance: number;
}

function compare(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  { x, i, analytic, eps, tolerance }: Comparison,
): void {
  const values = x.toTypedArray() as Float32Array;
  try {
    for (let at = 0; at < values.length; at++) {
      const given = analytic[at] as number;
      const needed = slope(fn, inputs, { at, values, eps }, x);
      if (Math.abs(given - needed) <= tolerance * (1 + Math.abs(needed))) continue;
      throw new DownhillError(
        `gradCheck: the gradient of input ${i} at element ${at} is ${given}; central differences give ${needed} (tolerance ${tolerance}). Look at the operation's gradient, or at a kink near ${values[at]}.`,
      );
    }
  } finally {
    x.assign(values);
  }
}
