import { ORACLES } from '../test/support/functions.mjs';
import { ulpsOff } from '../test/support/ulp.mjs';
import { CHUNK, startFunctions } from './lib/functions.mjs';
import { chosen, command, readOptions, UsageError } from './lib/options.mjs';
import { line } from './lib/report.mjs';

const OPTIONS = { stride: { type: 'string', default: '1' } };
const WIDTHS = [10, 14, 10, 48];

/** The distance between float32 neighbours, by the exponent's bits. */
const ULPS = Float64Array.from({ length: 256 }, (_, e) => 2 ** (Math.max(e, 1) - 150));
/** A number's neighbours may be half as far away as those of the number that it was rounded to. */
const SAFE = 0.49;

/** Keeps the worst of what it is shown. */
class Worst {
  ulps = -1;
  what = '';
  count = 0;

  /** Looks at results and at what they should be; `what` says of which arguments. */
  look(results, exact, what) {
    const bits = new Int32Array(results.buffer, results.byteOffset, results.length);
    for (let i = 0; i < results.length; i++) {
      const near = Math.abs(results[i] - exact[i]) / ULPS[(bits[i] >>> 23) & 255];
      if (near < this.ulps * SAFE) continue;
      const ulps = ulpsOff(results[i], exact[i]);
      if (ulps > this.ulps) [this.ulps, this.what] = [ulps, `${what(i)} is ${results[i]}`];
    }
    this.count += results.length;
  }
}

const exact = new Float64Array(CHUNK);

/** Every `stride`th float32, a chunk at a time; those outside of what a function is for are replaced by 0. */
function* floats(x, { stride, from, to }) {
  const bits = new Uint32Array(x.buffer, x.byteOffset, CHUNK);
  for (let first = 0; first < 2 ** 32; first += CHUNK * stride) {
    for (let i = 0; i < CHUNK; i++) bits[i] = first + i * stride;
    if (from !== undefined) for (let i = 0; i < CHUNK; i++) if (!(x[i] >= from && x[i] <= to)) x[i] = 0;
    yield;
  }
}

function unary(name, range) {
  // A function of its own, so that the engine specializes the loop.
  const fill = new Function('oracle', 'x', 'exact', 'for (let i = 0; i < x.length; i++) exact[i] = oracle(x[i]);');
  return {
    name,
    measure({ x, z, apply }, worst, stride) {
      for (const _ of floats(x, { stride, ...range })) {
        apply(name);
        fill(ORACLES[name], x, exact);
        worst.look(z, exact, (i) => `${name}(${x[i]})`);
      }
    },
  };
}

/** Bases spread over every binade, to powers that reach from underflow to overflow. */
function measurePow({ x, y, z, apply }, worst, stride) {
  for (let binade = -126; binade < 128; binade += Math.min(stride, 127)) {
    for (let i = 0; i < CHUNK; i++) {
      x[i] = 2 ** binade * (1 + i / CHUNK);
      // The golden ratio's multiples are spread evenly.
      y[i] = (((i * 0.6180339887498949) % 1) * 304 - 152) / (Math.log2(x[i]) || 1);
      exact[i] = x[i] ** y[i];
    }
    apply('pow');
    worst.look(z, exact, (i) => `pow(${x[i]}, ${y[i]})`);
  }
}

const FUNCTIONS = [
  ...['exp', 'log', 'expm1', 'tanh', 'sigmoid', 'erf', 'softplus', 'sin', 'cos'].map((name) => unary(name)),
  // The kernels take log(1 + x) of exp(-|x|) only.
  unary('log1p', { from: 0, to: 1 }),
  { name: 'pow', measure: measurePow },
];

await command(async () => {
  const options = readOptions(process.argv.slice(2), OPTIONS);
  const stride = Number(options.stride);
  if (!Number.isInteger(stride) || stride < 1)
    throw new UsageError(`--stride is ${options.stride}; give a whole number.`);
  const list = chosen(FUNCTIONS, options.names);
  const functions = await startFunctions();
  const head = line(['function', 'arguments', 'worst ulp', 'where'], WIDTHS);
  console.log(`The largest errors, in units of the last place.\n\n${head}\n${'-'.repeat(head.length)}`);
  for (const { name, measure } of list) {
    const worst = new Worst();
    measure(functions, worst, stride);
    console.log(line([name, worst.count.toLocaleString('en'), worst.ulps.toFixed(3), worst.what], WIDTHS));
    if (worst.ulps > 2) process.exitCode = 1;
  }
});
