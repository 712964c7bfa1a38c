import { version } from '../../package.json';
import type { Module } from '../nn/module';
import type { Data } from '../tensor/literal';
import { type Shape, sizeOf } from '../tensor/shape';
import type { Tensor } from '../tensor/tensor';
import { digits, literal } from './digits';
import { HELPERS, Writer } from './loops';
import { type Fitted, type Predictor, predictorOf } from './predictor';
import type { Value } from './program';

const WIDTH = 120;

/** A text as lines of comment, whatever ends its lines. */
const comment = (text: string) =>
  text
    .split(/[\n\r\u2028\u2029]/)
    .map((line) => `// ${line}`)
    .join('\n');

/** A list as lines of source. */
function wrapped(items: readonly string[]): string {
  const lines: string[] = [];
  let line = ' ';
  for (const item of items) {
    if (line.length + item.length > WIDTH) {
      lines.push(line);
      line = ' ';
    }
    line += ` ${item},`;
  }
  return `[\n${[...lines, line].join('\n')}\n]`;
}

/** The arrays of a source. */
class Arrays {
  private readonly known = new Map<Value, string>();
  readonly lines: string[] = [];

  readonly literal = ({ data, size }: Value): string | undefined => {
    if (!data || size !== 1) return undefined;
    const number = literal(data[0] as number);
    return number.startsWith('-') ? `(${number})` : number;
  };

  readonly array = (value: Value): string => this.known.get(value) ?? this.declare(value);

  /** @param kind of what is computed. */
  declare(value: Value, kind = 'Float64Array'): string {
    const { data, size, name } = value;
    const own = `${data ? 'c' : 'v'}${this.known.size}`;
    this.known.set(value, own);
    if (!data) this.lines.push(`const ${own} = new ${kind}(${size});`);
    else {
      const type = value.dtype === 'int32' ? 'Int32Array' : 'Float32Array';
      const list = wrapped(Array.from(data, value.dtype === 'int32' ? String : digits));
      this.lines.push(`${name ? `${comment(name)}\n` : ''}const ${own} = new ${type}(${list});`);
    }
    return own;
  }
}

/** An expression for what a row gives: a number, a list, or lists of lists. */
function nested(array: string, shape: Shape, from = '0'): string {
  const [n, ...rest] = shape;
  if (n === undefined) return `${array}[${from}]`;
  if (rest.length === 0)
    return from === '0' ? `Array.from(${array})` : `Array.from(${array}.subarray(${from}, ${from} + ${n}))`;
  const i = `i${rest.length}`;
  const inner = `${from === '0' ? '' : `${from} + `}${sizeOf(rest)} * ${i}`;
  return `Array.from({ length: ${n} }, (_, ${i}) => ${nested(array, rest, inner)})`;
}

/** A function of rows that is exported. */
const exported = (name: string, what: string, answer: string) => `
/** ${what} */
export function ${name}(rows) {
  return Array.from(rows, (row) => {
    compute(row);
    return ${answer};
  });
}
`;

function functionsOf({ program: { outputs }, classes, flat }: Predictor, { array }: Arrays): string {
  const [first, second] = outputs as [Output, Output?];
  const answer = ({ value, shape }: Output) => nested(array(value), shape);
  if (classes && second) {
    const place = answer(first);
    const each = exported('predictProba', 'The probability of each of the classes for each row.', answer(second));
    const likeliest = exported('predict', 'The likeliest class of each row.', `classes[${place}]`);
    // A label that ends a script in a page must not end this one.
    const labels = JSON.stringify(classes).replaceAll('<', '\\u003c');
    return `\n/** The labels. */\nexport const classes = ${labels};\n${likeliest}${each}`;
  }
  return exported('predict', 'What the model gives for each row.', answer(flat ? { ...first, shape: [] } : first));
}

type Output = Predictor['program']['outputs'][number];

/**
 * The source of a JavaScript module that predicts without this library: loops over typed arrays, and the weights as numbers.
 *
 * It exports `predict(rows)`, which takes and gives nested arrays, a row of them for each row: what `predict` gives of a model, or
 * of an estimator in its units and labels; for classifiers `classes` and `predictProba(rows)` too. A module of your own works as
 * those of the library do: what its `forward` computes for one row is recorded, in eval mode. Saved as a file it needs no `eval`.
 *
 * The weights are the shortest decimals of their float32, so they are exact, legible, and once compressed as small as base64. It
 * computes in double precision, where the library rounds to float32: they differ by that rounding, 1e-5 of the largest numbers
 * on the way. What a module gets is rounded to float32 first, as `predict` does.
 *
 * @param model a Module, or an estimator that was fitted.
 * @param x rows of what a module is used on, of which the shape and the type count: all or one. An estimator needs none.
 * @throws StateError for a model whose rows depend on each other, or an estimator before `fit`; OptionError for what is no model.
 * @example
 * import { writeFile } from 'node:fs/promises';
 * import { toFunction } from 'downhill/io';
 * import * as nn from 'downhill/nn';
 *
 * const model = new nn.Linear(2, 1);
 * model.loadStateDict({ weight: { shape: [1, 2], data: [2, 3] }, bias: { shape: [1], data: [1] } });
 * await writeFile('line.mjs', toFunction(model, [[0, 0]]));
 *
 * const { predict } = await import(new URL('line.mjs', import.meta.url));
 * console.log(predict([[1, 1], [0, 10]])); // [ [ 6 ], [ 31 ] ]
 */
export function toFunction(model: Module, x: Tensor | Data): string;
export function toFunction(model: Fitted): string;
export function toFunction(model: Module | Fitted, x?: Tensor | Data): string {
  const predictor = predictorOf('toFunction', model, x);
  const { input, ops } = predictor.program;
  const arrays = new Arrays();
  const writer = new Writer(arrays);
  // A model compares and looks up what it gets as float32; an estimator's own units may need more digits.
  const isModule = predictor.flat === undefined && !predictor.classes;
  const x0 = arrays.declare(input, isModule && input.dtype === 'float32' ? 'Float32Array' : 'Float64Array');
  const [isRight, needed] = input.dtype === 'int32' ? ['isInteger', 'whole'] : ['isFinite', 'finite'];
  const body = ops.flatMap((op) => writer.lines(op)).map((line) => `  ${line}`);
  const functions = functionsOf(predictor, arrays);
  const text = body.join('\n');
  const helpers = Object.entries(HELPERS).filter(([name]) => text.includes(`${name}(`));
  return `// Made by downhill ${version}; it needs nothing else. The model:
${comment(predictor.title)}

${arrays.lines.join('\n')}
${helpers.map(([, source]) => source).join('')}
/** Computes all of the above from a row. */
function compute(row) {
  const numbers = ArrayBuffer.isView(row) ? row : [row].flat(Infinity);
  if (numbers.length !== ${input.size})
    throw new RangeError(\`A row has \${numbers.length} numbers; it must have ${input.size}.\`);
  const bad = numbers.findIndex((number) => !Number.${isRight}(number));
  if (bad >= 0) throw new RangeError(\`Number \${bad} of a row is \${numbers[bad]}; it must be a ${needed} number.\`);
  ${x0}.set(numbers);
${text}
}
${functions}`;
}
