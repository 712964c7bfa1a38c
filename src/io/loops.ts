import { Binary, Unary } from '../../assembly/kernel';
import type { Matrix, Op, OpOf, PairFunction, Value } from './program';

/** What values are called in the source. */
export interface Names {
  /** An array. */
  array: (value: Value) => string;
  /** A number for a constant of one element, which stands in the source itself. */
  literal: (value: Value) => string | undefined;
}

/** (1 + erf(x / √2)) / 2: Abramowitz and Stegun 26.2.11 in the middle, 26.2.14 in the tails. */
const NORMAL_BELOW = `
function normalBelow(x) {
  const z = Math.abs(x);
  const density = Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
  if (z < 4) {
    let sum = x;
    let term = x;
    for (let i = 3; i < 99; i += 2) sum += term *= (x * x) / i;
    return 0.5 + density * sum;
  }
  let rest = z;
  for (let i = 40; i > 0; i--) rest = z + i / rest;
  return x < 0 ? density / rest : 1 - density / rest;
}
`;

const SOFTMAX = `
function softmax(x, y, n, logarithm) {
  for (let from = 0; from < x.length; from += n) {
    let top = -Infinity;
    for (let i = from; i < from + n; i++) top = Math.max(top, x[i]);
    let sum = 0;
    for (let i = from; i < from + n; i++) sum += Math.exp(x[i] - top);
    for (let i = from; i < from + n; i++)
      y[i] = logarithm ? x[i] - top - Math.log(sum) : Math.exp(x[i] - top) / sum;
  }
}
`;

const GATHER = `
function gather(x, index, y, n) {
  const rows = x.length / n;
  for (let i = 0; i < index.length; i++) {
    const at = index[i];
    if (!(Number.isInteger(at) && at >= 0 && at < rows))
      throw new RangeError(\`The index is \${at}; it must be a whole number from 0 to \${rows - 1}.\`);
    for (let j = 0; j < n; j++) y[i * n + j] = x[at * n + j];
  }
}
`;

const EXTREMES = `
function extremes(x, y, sign, n) {
  for (let i = 0; i < y.length; i++) {
    y[i] = -Infinity;
    for (let j = 0; j < n; j++) y[i] = Math.max(y[i], sign * x[i * n + j]);
    y[i] *= sign;
  }
}
`;

const PLACES = `
function places(x, y, sign, n) {
  for (let i = 0; i < y.length; i++) {
    let at = i * n;
    for (let j = at; j < i * n + n; j++) if (sign * x[j] > sign * x[at]) at = j;
    y[i] = at - i * n;
  }
}
`;

/** Functions that a source may call, by their names. */
export const HELPERS = {
  normalBelow: NORMAL_BELOW,
  softmax: SOFTMAX,
  gather: GATHER,
  extremes: EXTREMES,
  places: PLACES,
};

/** y for x, and a constant p. */
const UNARY: { readonly [F in Unary]: (x: string, p: string) => string } = {
  [Unary.negate]: (x) => `-${x}`,
  [Unary.absolute]: (x) => `Math.abs(${x})`,
  [Unary.square]: (x) => `${x} * ${x}`,
  [Unary.squareRoot]: (x) => `Math.sqrt(${x})`,
  [Unary.exp]: (x) => `Math.exp(${x})`,
  [Unary.log]: (x) => `Math.log(${x})`,
  [Unary.sin]: (x) => `Math.sin(${x})`,
  [Unary.cos]: (x) => `Math.cos(${x})`,
  [Unary.tanh]: (x) => `Math.tanh(${x})`,
  [Unary.sigmoid]: (x) => `1 / (1 + Math.exp(-${x}))`,
  [Unary.relu]: (x) => `Math.max(${x}, 0)`,
  [Unary.leakyRelu]: (x, p) => `${x} < 0 ? ${x} * ${p} : ${x}`,
  [Unary.elu]: (x, p) => `${x} > 0 ? ${x} : ${p} * Math.expm1(${x})`,
  [Unary.silu]: (x) => `${x} / (1 + Math.exp(-${x}))`,
  [Unary.gelu]: (x) => `${x} * normalBelow(${x})`,
  [Unary.softplus]: (x) => `Math.max(${x}, 0) + Math.log1p(Math.exp(-Math.abs(${x})))`,
  [Unary.scale]: (x, p) => `${x} * ${p}`,
  [Unary.shift]: (x, p) => `${x} + ${p}`,
  [Unary.toFloat]: (x) => x,
  [Unary.toInt]: (x) => `Math.trunc(${x})`,
};

/** y for a and b. */
const BINARY: { readonly [F in PairFunction]: (a: string, b: string) => string } = {
  [Binary.add]: (a, b) => `${a} + ${b}`,
  [Binary.subtract]: (a, b) => `${a} - ${b}`,
  [Binary.multiply]: (a, b) => `${a} * ${b}`,
  [Binary.divide]: (a, b) => `${a} / ${b}`,
  [Binary.power]: (a, b) => `${a} ** ${b}`,
  [Binary.maximum]: (a, b) => `Math.max(${a}, ${b})`,
  [Binary.minimum]: (a, b) => `Math.min(${a}, ${b})`,
  [Binary.equal]: (a, b) => `${a} === ${b} ? 1 : 0`,
  [Binary.greater]: (a, b) => `${a} > ${b} ? 1 : 0`,
  [Binary.less]: (a, b) => `${a} < ${b} ? 1 : 0`,
};

type Term = readonly [index: string, step: number, size: number];

/** Where an element is: a sum of steps along its axes. Axes of one element have none. */
function place(terms: readonly Term[], first = 0): string {
  const parts = terms
    .filter(([, step, size]) => step !== 0 && size > 1)
    .map(([index, step]) => (step === 1 ? index : `${step} * ${index}`));
  if (first > 0 || parts.length === 0) parts.push(String(first));
  return parts.join(' + ');
}

const AXES = ['i', 'j', 'l', 'p'];

type Axis = readonly [index: string, size: number];

/** Loops over axes around some lines; an axis of one element needs none. */
function loops(axes: readonly Axis[], body: readonly string[]): string[] {
  const heads = axes.filter(([, size]) => size !== 1).map(([i, size]) => `for (let ${i} = 0; ${i} < ${size}; ${i}++) `);
  if (body.length === 1) return [heads.join('') + body[0]];
  return [`${heads.join('')}{`, ...body.map((line) => `  ${line}`), '}'];
}

/** The source of each operation. */
export class Writer {
  constructor(private readonly names: Names) {}

  private at(value: Value, terms: readonly Term[], first = 0): string {
    return this.names.literal(value) ?? `${this.names.array(value)}[${place(terms, first)}]`;
  }

  /** The statements of an operation. */
  lines(op: Op): string[] {
    switch (op.op) {
      case 'product':
        return this.product(op);
      case 'map':
        return this.map(op);
      case 'zip':
        return this.zip(op);
      case 'select':
        return this.select(op);
      case 'sum':
        return this.sum(op);
      case 'copy':
        return this.copy(op);
      default:
        return [this.call(op)];
    }
  }

  private product({ a, b, bias, y, m, n, k }: OpOf<'product'>): string[] {
    const [i, j]: [Term, Term] = [
      ['i', n, m],
      ['j', 1, n],
    ];
    const left = this.at(a.value, [
      ['i', a.row, m],
      ['p', a.column, k],
    ]);
    const right = this.at(b.value, [
      ['p', b.row, k],
      ['j', b.column, n],
    ]);
    const end = bias ? ` + ${this.at(bias, [j])}` : '';
    const sum = ['let sum = 0;', ...loops([['p', k]], [`sum += ${left} * ${right};`])];
    return loops(
      [
        ['i', m],
        ['j', n],
      ],
      [...sum, `${this.at(y, [i, j])} = sum${end};`],
    );
  }

  private map({ f, x, y, p }: OpOf<'map'>): string[] {
    const i: Term[] = [['i', 1, y.size]];
    return loops([['i', y.size]], [`${this.at(y, i)} = ${UNARY[f](this.at(x, i), String(p))};`]);
  }

  private zip({ f, a, b, y, rows, columns }: OpOf<'zip'>): string[] {
    const isWhole = ({ row, column }: Matrix) => (column === 1 && row === columns) || (column === 0 && row === 0);
    const isFlat = isWhole(a) && isWhole(b);
    const [m, n] = isFlat ? [1, rows * columns] : [rows, columns];
    const at = ({ value, row, column }: Matrix) =>
      this.at(value, [
        ['i', row, m],
        ['j', column, n],
      ]);
    const y1 = at({ value: y, row: n, column: 1 });
    return loops(
      [
        ['i', m],
        ['j', n],
      ],
      [`${y1} = ${BINARY[f](at(a), at(b))};`],
    );
  }

  private select({ condition, a, b, y }: OpOf<'select'>): string[] {
    const [c1, a1, b1, y1] = [condition, a, b, y].map((value) => this.at(value, [['i', 1, y.size]]));
    return loops([['i', y.size]], [`${y1} = ${c1} !== 0 ? ${a1} : ${b1};`]);
  }

  private sum({ x, y, outer, m, n, divisor }: OpOf<'sum'>): string[] {
    const x1 = this.at(x, [
      ['i', m * n, outer],
      ['p', n, m],
      ['j', 1, n],
    ]);
    const y1 = this.at(y, [
      ['i', n, outer],
      ['j', 1, n],
    ]);
    return loops(
      [
        ['i', outer],
        ['j', n],
      ],
      ['let sum = 0;', ...loops([['p', m]], [`sum += ${x1};`]), `${y1} = sum${divisor === 1 ? '' : ` / ${divisor}`};`],
    );
  }

  private copy({ x, y, from, to, sizes, stepsX, stepsY }: OpOf<'copy'>): string[] {
    const axes = sizes.map((size, i) => [AXES[i] as string, size] as const);
    const terms = (steps: readonly number[]) => axes.map(([axis, size], i): Term => [axis, steps[i] as number, size]);
    return loops(axes, [`${this.at(y, terms(stepsY), to)} = ${this.at(x, terms(stepsX), from)};`]);
  }

  private call(op: OpOf<'softmax' | 'extreme' | 'gather'>): string {
    const [x, y] = [this.names.array(op.x), this.names.array(op.y)];
    if (op.op === 'gather') return `gather(${x}, ${this.names.array(op.index)}, ${y}, ${op.n});`;
    if (op.op === 'softmax') return `softmax(${x}, ${y}, ${op.n}, ${op.logarithm});`;
    return `${op.index ? 'places' : 'extremes'}(${x}, ${y}, ${op.largest ? 1 : -1}, ${op.n});`;
  }
}
