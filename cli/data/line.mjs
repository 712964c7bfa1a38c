// @ts-check
import { manualSeed, rand, randn } from 'downhill';
import { Linear } from 'downhill/nn';

/** @typedef {import('downhill').Tensor} Tensor */
/** @typedef {{ w: number, b: number }} Line y = w x + b */

/** @type {Line} */
export const TRUE_LINE = { w: 3.5, b: 1.2 };

/**
 * Points on the true line with normal noise, x uniform in [0, 2): tensors of shape [points, 1].
 * @param {{ points?: number, seed?: number, noise?: number }} [options]
 */
export function noisyLine({ points = 1000, seed = 42, noise = 0.5 } = {}) {
  manualSeed(seed);
  const x = rand([points, 1]).mul(2);
  const y = x
    .mul(TRUE_LINE.w)
    .add(TRUE_LINE.b)
    .add(randn([points, 1]).mul(noise));
  return { x, y };
}

/** @param {Line} line */
export function modelOf({ w, b }) {
  const model = new Linear(1, 1);
  model.weight.assign([[w]]);
  model.bias?.assign([b]);
  return model;
}

/**
 * @param {Linear} model
 * @returns {Line}
 */
export const lineOf = (model) => ({ w: model.weight.item(), b: model.bias?.item() ?? 0 });

/** @type {(output: Tensor, target: Tensor) => Tensor} */
export const halfSquaredError = (output, target) => output.sub(target).square().mean().mul(0.5);
