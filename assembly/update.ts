/**
 * One optimizer step for one parameter of n elements, flat. Hyperparameters are floats in a row of the step's table.
 *
 * Moments below 2^-100 become 0: they decay there where a feature goes quiet, their squares vanish in f32, and past 2^-126
 * subnormal arithmetic would slow the update down.
 */
const TINY: f32 = 7.888609052210118e-31;

function flush(x: v128): v128 {
  return v128.andnot(x, f32x4.lt(f32x4.abs(x), f32x4.splat(TINY)));
}

function option(row: usize, i: i32): v128 {
  return v128.load32_splat(row + (<usize>i << 2));
}

/**
 *     g <- g + decay p;   v <- momentum v + keep g;   p <- p - lr (g + momentum v  if nesterov, v  otherwise)
 *
 * row: | lr | momentum | keep = 1 - dampening, 1 at the first step | decay |. v is 0 where there is no momentum: p <- p - lr g.
 */
export function updateSgd(p: usize, g: usize, v: usize, n: i32, row: usize, nesterov: i32): void {
  const lr = option(row, 0);
  const momentum = option(row, 1);
  const keep = option(row, 2);
  const decay = option(row, 3);
  const end = p + (<usize>n << 2);
  for (; p < end; p += 16, g += 16) {
    const pi = v128.load(p);
    const gi = f32x4.add(v128.load(g), f32x4.mul(decay, pi));
    let step = gi;
    if (v) {
      const vi = flush(f32x4.add(f32x4.mul(momentum, v128.load(v)), f32x4.mul(keep, gi)));
      v128.store(v, vi);
      step = nesterov ? f32x4.add(gi, f32x4.mul(momentum, vi)) : vi;
      v += 16;
    }
    v128.store(p, f32x4.sub(pi, f32x4.mul(lr, step)));
  }
}

/**
 * Kingma and Ba 2015, with the bias corrections folded into the row:
 *
 *     g <- g + decay p;   u <- beta1 u + (1 - beta1) g;   v <- beta2 v + (1 - beta2) g^2
 *     p <- p - rate u / (sqrt(v) root + eps)
 *
 * row: | rate = lr / (1 - beta1^t) | beta1 | 1 - beta1 | beta2 | 1 - beta2 | root = 1 / sqrt(1 - beta2^t) | eps | decay |
 */
export function updateAdam(p: usize, g: usize, u: usize, v: usize, n: i32, row: usize): void {
  const rate = option(row, 0);
  const beta1 = option(row, 1);
  const rest1 = option(row, 2);
  const beta2 = option(row, 3);
  const rest2 = option(row, 4);
  const root = option(row, 5);
  const eps = option(row, 6);
  const decay = option(row, 7);
  const end = p + (<usize>n << 2);
  for (; p < end; p += 16, g += 16, u += 16, v += 16) {
    const pi = v128.load(p);
    const gi = f32x4.add(v128.load(g), f32x4.mul(decay, pi));
    const ui = flush(f32x4.add(f32x4.mul(beta1, v128.load(u)), f32x4.mul(rest1, gi)));
    const vi = flush(f32x4.add(f32x4.mul(beta2, v128.load(v)), f32x4.mul(rest2, f32x4.mul(gi, gi))));
    v128.store(u, ui);
    v128.store(v, vi);
    const size = f32x4.add(f32x4.mul(f32x4.sqrt(vi), root), eps);
    v128.store(p, f32x4.sub(pi, f32x4.mul(rate, f32x4.div(ui, size))));
  }
}
