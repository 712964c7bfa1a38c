/** The functions of assembly/math.ts over arrays: n floats at x, a multiple of 4, give n at y. */
import * as math from '../assembly/math';

function map(f: (x: v128) => v128, x: usize, y: usize, n: i32): void {
  for (const end = x + (<usize>n << 2); x < end; x += 16, y += 16) v128.store(y, f(v128.load(x)));
}

export function exp(x: usize, y: usize, n: i32): void {
  map(math.exp, x, y, n);
}

export function log(x: usize, y: usize, n: i32): void {
  map(math.log, x, y, n);
}

export function log1p(x: usize, y: usize, n: i32): void {
  map(math.log1pUnit, x, y, n);
}

export function expm1(x: usize, y: usize, n: i32): void {
  map(math.expm1, x, y, n);
}

export function tanh(x: usize, y: usize, n: i32): void {
  map(math.tanh, x, y, n);
}

export function sigmoid(x: usize, y: usize, n: i32): void {
  map(math.sigmoid, x, y, n);
}

export function erf(x: usize, y: usize, n: i32): void {
  map(math.erf, x, y, n);
}

export function softplus(x: usize, y: usize, n: i32): void {
  map(math.softplus, x, y, n);
}

export function sin(x: usize, y: usize, n: i32): void {
  map(math.sin, x, y, n);
}

export function cos(x: usize, y: usize, n: i32): void {
  map(math.cos, x, y, n);
}

/** z = x to the power of y. */
export function pow(x: usize, y: usize, z: usize, n: i32): void {
  for (const end = x + (<usize>n << 2); x < end; x += 16, y += 16, z += 16) {
    v128.store(z, math.power(v128.load(x), v128.load(y)));
  }
}
