/**
 * The functions of f32 that training needs, on four lanes. Polynomials are minimax fits on the reduced range; NaN in gives
 * NaN out. sin, cos and pow work lane by lane in f64, whose error vanishes in the rounding to f32.
 */

import { INFINITY, multiplyAdd } from './lanes';

const LN2_HIGH: f32 = 0.693145751953125;
const LN2_LOW: f32 = 1.428606765330187e-6;
const LOG2_E: f32 = 1.4426950408889634;
/** 1.5 * 2^23: added to a number it rounds it to a whole one, to even in the middle, which its last bits then hold. */
const ROUNDING: f32 = 12582912;

export function splat(x: f32): v128 {
  return f32x4.splat(x);
}

function choose(mask: v128, yes: v128, no: v128): v128 {
  return v128.bitselect(yes, no, mask);
}

/** y * x + c. */
function step(y: v128, x: v128, c: f32): v128 {
  return multiplyAdd(splat(c), y, x);
}

/** y with the sign of x, where both have the same sign or y is 0. */
function withSign(y: v128, x: v128): v128 {
  return v128.or(y, v128.and(x, splat(-0.0)));
}

/** 2^n for lanes of integers in [-126, 127]. */
function powerOfTwo(n: v128): v128 {
  return i32x4.shl(i32x4.add(n, i32x4.splat(127)), 23);
}

/** exp(x) = 2^n exp(r), r = x - n ln 2; 2^n in two factors, so that it neither overflows nor goes subnormal early. */
export function exp(x: v128): v128 {
  const limited = f32x4.pmin(f32x4.pmax(x, splat(-104)), splat(89));
  const rounded = f32x4.add(f32x4.mul(limited, splat(LOG2_E)), splat(ROUNDING));
  const n = f32x4.sub(rounded, splat(ROUNDING));
  const r = f32x4.sub(f32x4.sub(limited, f32x4.mul(n, splat(LN2_HIGH))), f32x4.mul(n, splat(LN2_LOW)));
  let q = splat(0.0013951717410236597);
  q = step(q, r, 0.008369598537683487);
  q = step(q, r, 0.0416661873459816);
  q = step(q, r, 0.16666512191295624);
  q = step(q, r, 0.5);
  const y = f32x4.add(f32x4.add(f32x4.mul(q, f32x4.mul(r, r)), r), splat(1));
  const whole = i32x4.sub(rounded, splat(ROUNDING));
  const half = i32x4.shr_s(whole, 1);
  return f32x4.mul(f32x4.mul(y, powerOfTwo(half)), powerOfTwo(i32x4.sub(whole, half)));
}

/** exp(x) - 1, without the cancellation near 0. */
export function expm1(x: v128): v128 {
  let q = splat(2.4970255253720097e-5);
  q = step(q, x, 0.000199740199605003);
  q = step(q, x, 0.0013888543471693993);
  q = step(q, x, 0.00833314098417759);
  q = step(q, x, 0.0416666679084301);
  q = step(q, x, 0.1666666716337204);
  q = step(q, x, 0.5);
  const near = withSign(f32x4.add(f32x4.mul(q, f32x4.mul(x, x)), x), x);
  return choose(f32x4.lt(f32x4.abs(x), splat(0.5)), near, f32x4.sub(exp(x), splat(1)));
}

/** log(2^-scale x) = n ln 2 + log(1 + f), x = 2^(n + scale) (1 + f) positive and normal, 1 + f in [sqrt(1/2), sqrt(2)). */
function logNormal(x: v128, scale: v128): v128 {
  const e = i32x4.shr_s(i32x4.sub(x, i32x4.splat(0x3f3504f3)), 23);
  const f = f32x4.sub(i32x4.sub(x, i32x4.shl(e, 23)), splat(1));
  const n = f32x4.convert_i32x4_s(i32x4.sub(e, scale));
  let q = splat(0.06915804743766785);
  q = step(q, f, -0.11791310459375381);
  q = step(q, f, 0.11873586475849152);
  q = step(q, f, -0.1238415464758873);
  q = step(q, f, 0.14218555390834808);
  q = step(q, f, -0.1666925698518753);
  q = step(q, f, 0.20002231001853943);
  q = step(q, f, -0.24999986588954926);
  q = step(q, f, 0.3333331048488617);
  const f2 = f32x4.mul(f, f);
  let low = f32x4.add(f32x4.mul(f32x4.mul(q, f), f2), f32x4.mul(n, splat(LN2_LOW)));
  low = f32x4.sub(low, f32x4.mul(f2, splat(0.5)));
  return f32x4.add(f32x4.add(low, f), f32x4.mul(n, splat(LN2_HIGH)));
}

/** The natural logarithm. Subnormals are scaled by 2^23 first. */
export function log(x: v128): v128 {
  const small = f32x4.lt(x, splat(1.1754943508222875e-38));
  const y = logNormal(choose(small, f32x4.mul(x, splat(8388608)), x), v128.and(small, i32x4.splat(23)));
  const finite = choose(f32x4.le(x, splat(f32.MAX_VALUE)), y, x);
  const positive = choose(f32x4.lt(x, splat(0)), splat(<f32>NaN), finite);
  return choose(f32x4.eq(x, splat(0)), splat(-INFINITY), positive);
}

/** log(1 + x) for x in [0, 1], or NaN: what the sum 1 + x rounded away comes back as a first-order term. */
export function log1pUnit(x: v128): v128 {
  const u = f32x4.add(x, splat(1));
  return f32x4.add(logNormal(u, i32x4.splat(0)), f32x4.div(f32x4.sub(x, f32x4.sub(u, splat(1))), u));
}

/** tanh(x) = 1 - 2 / (exp(2 |x|) + 1) with the sign of x, and an odd polynomial near 0. */
export function tanh(x: v128): v128 {
  const a = f32x4.abs(x);
  const z = f32x4.mul(x, x);
  let q = splat(-0.005717036314308643);
  q = step(q, z, 0.020650578662753105);
  q = step(q, z, -0.05374349653720856);
  q = step(q, z, 0.13331490755081177);
  q = step(q, z, -0.3333328366279602);
  const near = f32x4.add(a, f32x4.mul(a, f32x4.mul(z, q)));
  const far = f32x4.sub(splat(1), f32x4.div(splat(2), f32x4.add(exp(f32x4.add(a, a)), splat(1))));
  return withSign(choose(f32x4.lt(a, splat(0.625)), near, far), x);
}

/** y / (1 + e) for the lower two lanes; in f64, where the sum and the quotient add nothing to the error of e. */
function overOnePlus(y: v128, e: v128): v128 {
  const sum = f64x2.add(f64x2.promote_low_f32x4(e), f64x2.splat(1));
  return f32x4.demote_f64x2_zero(f64x2.div(f64x2.promote_low_f32x4(y), sum));
}

/** exp(-|x|), which cannot overflow. */
export function expMinus(x: v128): v128 {
  return exp(f32x4.neg(f32x4.abs(x)));
}

/** 1 / (1 + exp(-x)), from e = exp(-|x|). */
export function sigmoidFrom(e: v128, x: v128): v128 {
  const y = choose(f32x4.ge(x, splat(0)), splat(1), e);
  const low = overOnePlus(y, e);
  const high = overOnePlus(v128.shuffle<f64>(y, y, 1, 1), v128.shuffle<f64>(e, e, 1, 1));
  return v128.shuffle<f64>(low, high, 0, 2);
}

export function sigmoid(x: v128): v128 {
  return sigmoidFrom(expMinus(x), x);
}

/** log(1 + exp(x)) = max(x, 0) + log(1 + e), from e = exp(-|x|). */
export function softplusFrom(e: v128, x: v128): v128 {
  return f32x4.add(f32x4.pmax(x, splat(0)), log1pUnit(e));
}

export function softplus(x: v128): v128 {
  return softplusFrom(expMinus(x), x);
}

/** erf(x): an odd polynomial near 0, 1 - exp(-Q(|x|)) with Q = -log(erfc) beyond. */
export function erf(x: v128): v128 {
  const a = f32x4.pmin(f32x4.abs(x), splat(4));
  const z = f32x4.mul(x, x);
  let near = splat(8.53883902891539e-5);
  near = step(near, z, -0.0008181927260011435);
  near = step(near, z, 0.005204435903578997);
  near = step(near, z, -0.026860753074288368);
  near = step(near, z, 0.11283719539642334);
  near = step(near, z, -0.37612634897232056);
  near = step(near, z, 0.12837916612625122);
  near = f32x4.add(x, f32x4.mul(x, near));
  let q = splat(2.055429467873182e-5);
  q = step(q, a, -0.0004282285808585584);
  q = step(q, a, 0.0041409689001739025);
  q = step(q, a, -0.02504054084420204);
  q = step(q, a, 0.10815875977277756);
  q = step(q, a, 0.6334564685821533);
  q = step(q, a, 1.1294611692428589);
  q = step(q, a, -0.00016358765424229205);
  const far = withSign(f32x4.sub(splat(1), exp(f32x4.neg(q))), x);
  return choose(f32x4.lt(a, splat(0.875)), near, far);
}

const HALF_PI_HIGH: f64 = 1.5707963267341256;
const HALF_PI_LOW: f64 = 6.077100506506192e-11;
/** Beyond this |x| the product n * HALF_PI_HIGH is no longer exact and the bits of 2/pi themselves are needed. */
const EXACT_RANGE: f32 = 1048576;

/** The 64 bits of 2/pi that start at bit 64 i after the point. */
function twoOverPi(i: i32): u64 {
  if (i == 0) return 0xa2f9836e4e441529;
  if (i == 1) return 0xfc2757d1f534ddc0;
  return 0xdb6295993c439041;
}

/** The 64 bits of 2/pi from bit `start` after the point; bits before the point are 0. */
function bitsOfTwoOverPi(start: i32): u64 {
  if (start <= -64) return 0;
  if (start < 0) return twoOverPi(0) >> -start;
  const i = start >> 6;
  const shift = start & 63;
  if (shift == 0) return twoOverPi(i);
  return (twoOverPi(i) << shift) | (twoOverPi(i + 1) >> (64 - shift));
}

/** x 2/pi modulo 4 as a fixed-point number with 2 bits before the point (Payne and Hanek 1983), for |x| >= 2^20. */
function turnsOf(x: f32): u64 {
  const bits = reinterpret<u32>(x);
  const exponent = <i32>((bits >> 23) & 255) - 150;
  const mantissa = <u64>((bits & 0x7fffff) | 0x800000);
  const high = bitsOfTwoOverPi(exponent - 2);
  const low = bitsOfTwoOverPi(exponent + 62);
  return mantissa * high + ((mantissa * (low >> 32)) >> 32);
}

/** sin(x + quarter pi / 2), by the quadrant of x. */
function sine(x: f32, quarter: i32): f32 {
  let n: i32;
  let r: f64;
  if (abs(x) < EXACT_RANGE) {
    const whole = nearest(<f64>x * 0.6366197723675814);
    n = <i32>whole;
    r = whole == 0 ? <f64>x : <f64>x - whole * HALF_PI_HIGH - whole * HALF_PI_LOW;
  } else {
    if (!(abs(x) <= f32.MAX_VALUE)) return <f32>NaN;
    const turns = turnsOf(x);
    const rounded = turns + (<u64>1 << 61);
    n = <i32>(rounded >> 62);
    r = <f64>(<i64>(turns - (rounded & (<u64>3 << 62)))) * (1.5707963267948966 / 4611686018427387904.0);
    if (x < 0) {
      n = -n;
      r = -r;
    }
  }
  n += quarter;
  const z = r * r;
  const s = r * (1 + z * (-0.16666666641425976 + z * (0.00833332936223484 + z * (-0.00019839327125031192 + z * 2.71823718588998e-6))));
  const c = 1 + z * (-0.49999999722902577 + z * (0.04166662306416643 + z * (-0.001388675531260132 + z * 2.4389633330362895e-5)));
  const y = n & 1 ? c : s;
  return <f32>(n & 2 ? -y : y);
}

function sineLanes(x: v128, quarter: i32): v128 {
  let y = splat(sine(f32x4.extract_lane(x, 0), quarter));
  y = f32x4.replace_lane(y, 1, sine(f32x4.extract_lane(x, 1), quarter));
  y = f32x4.replace_lane(y, 2, sine(f32x4.extract_lane(x, 2), quarter));
  return f32x4.replace_lane(y, 3, sine(f32x4.extract_lane(x, 3), quarter));
}

export function sin(x: v128): v128 {
  return sineLanes(x, 0);
}

export function cos(x: v128): v128 {
  return sineLanes(x, 1);
}

/** log2(x) for a positive finite f32: the exponent, and 2 atanh(s) / ln 2 with s = (m - 1) / (m + 1). */
function log2(x: f64): f64 {
  const bits = reinterpret<u64>(x) - 0x3fe6a09e00000000;
  const e = <i64>bits >> 52;
  const m = reinterpret<f64>((bits & 0xfffffffffffff) + 0x3fe6a09e00000000);
  const s = (m - 1) / (m + 1);
  const z = s * s;
  const tail = 0.41220933546338134 + z * (0.31990215102937836 + z * 0.2829526752797622);
  return <f64>e + s * (2.8853900817778486 + z * (0.9617966941159137 + z * (0.5770779415786009 + z * tail)));
}

function exp2(x: f64): f64 {
  const t = min(max(x, -200.0), 200.0);
  const n = nearest(t);
  const r = t - n;
  const tail = 0.009618025604074158 + r * (0.0013333422666359227 + r * (0.00015469731680108713 + r * 1.531645692917075e-5));
  const y = 0.9999999999595501 + r * (0.6931471805350338 + r * (0.2402265121358469 + r * (0.05550410976082984 + r * tail)));
  return y * reinterpret<f64>((<i64>n + 1023) << 52);
}

/** x^y with IEEE's special values: 1 for y = 0 or x = 1; NaN for a negative x and a y that is not whole. */
function powerOf(x: f32, y: f32): f32 {
  if (y == 0 || x == 1) return 1;
  if (isNaN(x) || isNaN(y)) return <f32>NaN;
  const a = abs(x);
  const whole = nearest(y) == y;
  const odd = whole && abs(y) < 16777216 && (<i32>y & 1) != 0;
  if (x < 0 && !whole && a != INFINITY) return <f32>NaN;
  let z: f32;
  if (a == 1) z = 1;
  else if (a == 0 || a == INFINITY || abs(y) == INFINITY) z = a > 1 == y > 0 ? INFINITY : 0;
  else z = <f32>exp2(<f64>y * log2(<f64>a));
  return odd && reinterpret<i32>(x) < 0 ? -z : z;
}

export function power(x: v128, y: v128): v128 {
  let z = splat(powerOf(f32x4.extract_lane(x, 0), f32x4.extract_lane(y, 0)));
  z = f32x4.replace_lane(z, 1, powerOf(f32x4.extract_lane(x, 1), f32x4.extract_lane(y, 1)));
  z = f32x4.replace_lane(z, 2, powerOf(f32x4.extract_lane(x, 2), f32x4.extract_lane(y, 2)));
  return f32x4.replace_lane(z, 3, powerOf(f32x4.extract_lane(x, 3), f32x4.extract_lane(y, 3)));
}
