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
 * The family of Adam (Kingma and Ba 2015), with the bias corrections folded into the row:
 *
 *     g <- g + decay p, or p <- p - decay p  if the decay stands apart
 *     u <- beta1 u + (1 - beta1) g;   v <- beta2 v + (1 - beta2) g^2;   top <- max(top, v)
 *     p <- p - rate (next u + now g  if it looks ahead, u  otherwise) / (sqrt(top) root + eps)
 *
 * row: | rate | beta1 | 1 - beta1 | beta2 | 1 - beta2 | root | eps | decay | next | now |
 *
 * top is 0 where nothing keeps the largest v: then v stands in its place. root 0 and eps 1 leave out the division.
 * Tested at its end, the loop has its constants in registers.
 */
export function updateAdam(
  p: usize, g: usize, u: usize, v: usize, top: usize, n: i32, row: usize, apart: i32, ahead: i32,
): void {
  const rate = option(row, 0);
  const beta1 = option(row, 1);
  const rest1 = option(row, 2);
  const beta2 = option(row, 3);
  const rest2 = option(row, 4);
  const root = option(row, 5);
  const eps = option(row, 6);
  const decay = option(row, 7);
  const decays = f32.load(row, 28) != 0;
  const end = p + (<usize>n << 2);
  if (p >= end) return;
  do {
    let pi = v128.load(p);
    let gi = v128.load(g);
    if (apart) pi = f32x4.sub(pi, f32x4.mul(decay, pi));
    else if (decays) gi = f32x4.add(gi, f32x4.mul(decay, pi));
    let ui = flush(f32x4.add(f32x4.mul(beta1, v128.load(u)), f32x4.mul(rest1, gi)));
    // Never below 0, it needs no absolute value to be flushed.
    let vi = f32x4.add(f32x4.mul(beta2, v128.load(v)), f32x4.mul(rest2, f32x4.mul(gi, gi)));
    vi = v128.andnot(vi, f32x4.lt(vi, f32x4.splat(TINY)));
    v128.store(u, ui);
    v128.store(v, vi);
    if (top) {
      vi = f32x4.max(v128.load(top), vi);
      v128.store(top, vi);
      top += 16;
    }
    const size = f32x4.add(f32x4.mul(f32x4.sqrt(vi), root), eps);
    if (ahead) ui = f32x4.add(f32x4.mul(option(row, 8), ui), f32x4.mul(option(row, 9), gi));
    v128.store(p, f32x4.sub(pi, f32x4.mul(rate, f32x4.div(ui, size))));
    p += 16;
    g += 16;
    u += 16;
    v += 16;
  } while (p < end);
}

/**
 * RMSprop, and Adagrad with keep = rest = 1:
 *
 *     g <- g + decay p;   v <- keep v + rest g^2;   mean <- keep mean + rest g
 *     step = g / (sqrt(v - mean^2) + eps);   b <- momentum b + step;   p <- p - rate b
 *
 * row: | rate | keep | rest | eps | decay | momentum |
 *
 * mean and b are 0 where there is none: then v stays as it is, and p <- p - rate step.
 */
export function updateRmsprop(p: usize, g: usize, v: usize, mean: usize, b: usize, n: i32, row: usize): void {
  const rate = option(row, 0);
  const keep = option(row, 1);
  const rest = option(row, 2);
  const eps = option(row, 3);
  const decay = option(row, 4);
  const momentum = option(row, 5);
  const end = p + (<usize>n << 2);
  for (; p < end; p += 16, g += 16, v += 16) {
    const pi = v128.load(p);
    const gi = f32x4.add(v128.load(g), f32x4.mul(decay, pi));
    let vi = flush(f32x4.add(f32x4.mul(keep, v128.load(v)), f32x4.mul(rest, f32x4.mul(gi, gi))));
    v128.store(v, vi);
    if (mean) {
      const mi = flush(f32x4.add(f32x4.mul(keep, v128.load(mean)), f32x4.mul(rest, gi)));
      v128.store(mean, mi);
      mean += 16;
      // A variance, which rounding must not make negative.
      vi = f32x4.max(f32x4.sub(vi, f32x4.mul(mi, mi)), f32x4.splat(0));
    }
    let step = f32x4.div(gi, f32x4.add(f32x4.sqrt(vi), eps));
    if (b) {
      step = flush(f32x4.add(f32x4.mul(momentum, v128.load(b)), step));
      v128.store(b, step);
      b += 16;
    }
    v128.store(p, f32x4.sub(pi, f32x4.mul(rate, step)));
  }
}

/**
 * Zeiler 2012, Adadelta:
 *
 *     g <- g + decay p;   v <- rho v + (1 - rho) g^2
 *     step = sqrt(a + eps) / sqrt(v + eps) g;   a <- rho a + (1 - rho) step^2;   p <- p - rate step
 *
 * row: | rate | rho | 1 - rho | eps | decay |
 */
export function updateAdadelta(p: usize, g: usize, v: usize, a: usize, n: i32, row: usize): void {
  const rate = option(row, 0);
  const rho = option(row, 1);
  const rest = option(row, 2);
  const eps = option(row, 3);
  const decay = option(row, 4);
  const end = p + (<usize>n << 2);
  for (; p < end; p += 16, g += 16, v += 16, a += 16) {
    const pi = v128.load(p);
    const ai = v128.load(a);
    const gi = f32x4.add(v128.load(g), f32x4.mul(decay, pi));
    const vi = flush(f32x4.add(f32x4.mul(rho, v128.load(v)), f32x4.mul(rest, f32x4.mul(gi, gi))));
    v128.store(v, vi);
    const scale = f32x4.div(f32x4.sqrt(f32x4.add(ai, eps)), f32x4.sqrt(f32x4.add(vi, eps)));
    const step = f32x4.mul(scale, gi);
    v128.store(a, flush(f32x4.add(f32x4.mul(rho, ai), f32x4.mul(rest, f32x4.mul(step, step)))));
    v128.store(p, f32x4.sub(pi, f32x4.mul(rate, step)));
  }
}

/**
 * Kingma and Ba 2015, Adamax, with the bias correction folded into the row:
 *
 *     g <- g + decay p;   u <- beta1 u + (1 - beta1) g;   v <- max(beta2 v, |g| + eps);   p <- p - rate u / v
 *
 * row: | rate = lr / (1 - beta1^t) | beta1 | 1 - beta1 | beta2 | eps | decay |
 */
export function updateAdamax(p: usize, g: usize, u: usize, v: usize, n: i32, row: usize): void {
  const rate = option(row, 0);
  const beta1 = option(row, 1);
  const rest1 = option(row, 2);
  const beta2 = option(row, 3);
  const eps = option(row, 4);
  const decay = option(row, 5);
  const end = p + (<usize>n << 2);
  for (; p < end; p += 16, g += 16, u += 16, v += 16) {
    const pi = v128.load(p);
    const gi = f32x4.add(v128.load(g), f32x4.mul(decay, pi));
    const ui = flush(f32x4.add(f32x4.mul(beta1, v128.load(u)), f32x4.mul(rest1, gi)));
    const vi = flush(f32x4.max(f32x4.mul(beta2, v128.load(v)), f32x4.add(f32x4.abs(gi), eps)));
    v128.store(u, ui);
    v128.store(v, vi);
    v128.store(p, f32x4.sub(pi, f32x4.mul(rate, f32x4.div(ui, vi))));
  }
}

/** x / |x|, and 0 for 0: what is not finite becomes NaN instead of a sign. */
function sign(x: v128): v128 {
  return v128.andnot(f32x4.div(x, f32x4.abs(x)), f32x4.eq(x, f32x4.splat(0)));
}

/**
 * Chen et al. 2023, Lion:
 *
 *     p <- p - shrink p - lr sign(beta1 u + (1 - beta1) g);   u <- beta2 u + (1 - beta2) g
 *
 * row: | lr | beta1 | 1 - beta1 | beta2 | 1 - beta2 | shrink |
 */
export function updateLion(p: usize, g: usize, u: usize, n: i32, row: usize): void {
  const lr = option(row, 0);
  const beta1 = option(row, 1);
  const rest1 = option(row, 2);
  const beta2 = option(row, 3);
  const rest2 = option(row, 4);
  const shrink = option(row, 5);
  const end = p + (<usize>n << 2);
  for (; p < end; p += 16, g += 16, u += 16) {
    const pi = v128.load(p);
    const gi = v128.load(g);
    const ui = v128.load(u);
    const step = sign(f32x4.add(f32x4.mul(beta1, ui), f32x4.mul(rest1, gi)));
    v128.store(u, flush(f32x4.add(f32x4.mul(beta2, ui), f32x4.mul(rest2, gi))));
    v128.store(p, f32x4.sub(f32x4.sub(pi, f32x4.mul(shrink, pi)), f32x4.mul(lr, step)));
  }
}
