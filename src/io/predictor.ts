import type { Category } from '../data/encoder';
import { OptionError, quoted, ShapeError, StateError } from '../errors';
import { Module } from '../nn/module';
import { tensor } from '../tensor/create';
import { noGrad } from '../tensor/driver';
import type { Data } from '../tensor/literal';
import { show } from '../tensor/shape';
import { Tensor } from '../tensor/tensor';
import { Setting } from '../train/setting';
import { type Program, programOf, type Row } from './program';

/** An estimator that was fitted, such as LinearRegression or MLPClassifier. */
export interface Fitted {
  /** What it was made with. */
  readonly options: object;
  /** What it expects for rows. */
  predict(X: never): unknown[];
}

/** How a column lies: x = scaled · scale + shift. */
interface Line {
  shift: readonly number[];
  scale: readonly number[];
}

/** What an estimator has learned. */
interface Learned {
  network: Module;
  line: Line;
  targets: { line: Line; flat: boolean } | { classes: readonly Category[]; outputs: number };
}

/** A model as a function of a row, and what its outputs are for those who ask. */
export interface Predictor {
  program: Program;
  /** What comes in. */
  row: Row;
  /** The model as it prints itself. */
  title: string;
  /** Of an estimator of classes: its outputs are the place of the likeliest one, and their probabilities. */
  classes?: readonly Category[];
  /** Of an estimator of numbers: is it one for a row, which is no list? */
  flat?: boolean;
}

/** x, changed by a vector, unless that is neutral. */
function by(x: Tensor, values: readonly number[], { neutral, change }: { neutral: number; change: Change }): Tensor {
  return values.every((v) => v === neutral) ? x : x[change](tensor(Float32Array.from(values)));
}

type Change = 'add' | 'sub' | 'mul' | 'div';

/** x plus or minus doubles, as float32 and what these leave: what is near them loses no digits. */
function moved(x: Tensor, values: readonly number[], change: 'add' | 'sub'): Tensor {
  const high = values.map(Math.fround);
  const low = values.map((v, i) => v - (high[i] as number));
  const parts = change === 'sub' ? [high, low] : [low, high];
  return parts.reduce((y, part) => by(y, part, { neutral: 0, change }), x);
}

/** Numbers on their line. */
const scaled = (x: Tensor, { shift, scale }: Line) => by(moved(x, shift, 'sub'), scale, { neutral: 1, change: 'div' });

/** Numbers in their own units. */
const unscaled = (y: Tensor, { shift, scale }: Line) =>
  moved(by(y, scale, { neutral: 1, change: 'mul' }), shift, 'add');

/** The likeliest class's place, and the probability of each. */
function chosen(y: Tensor, outputs: number): Tensor[] {
  if (outputs > 1) return [y.argMax({ axis: 1 }), y.softmax()];
  const p = y.sigmoid();
  return [y.gt(0).reshape([-1]).to('int32'), p.neg().add(1).concat(p, { axis: 1 })];
}

/** Is it an estimator, fitted or not? What prepares data predicts nothing. */
function isEstimator(model: unknown): model is { need(call: string): Learned } {
  const { need, predict } = Object(model);
  return [need, predict].every((method) => typeof method === 'function');
}

function namesOf(model: Module) {
  const named = [...model.namedParameters(), ...model.namedBuffers()];
  return new Map(named.map(([name, { storage }]) => [storage, name]));
}

function ofEstimator(owner: string, model: { need(call: string): Learned }): Predictor {
  const { network, line, targets } = model.need(owner);
  const setting = new Setting(network, { training: false });
  const forward = (x: Tensor) => {
    const y = network.forward(scaled(x, line));
    return 'classes' in targets ? chosen(y, targets.outputs) : [unscaled(y, targets.line)];
  };
  const row: Row = { shape: [line.shift.length], dtype: 'float32' };
  const program = setting.run(() => programOf(forward, { row, names: namesOf(network) }));
  const answer = 'classes' in targets ? { classes: targets.classes } : { flat: targets.flat };
  return { program, row, title: String(network), ...answer };
}

/** What a model gives for the first row alone. */
function ofFirst(owner: string, forward: (x: Tensor) => Tensor, x: Tensor): Tensor {
  try {
    return forward(x.slice(0, 1));
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    const [given, row] = [show(x.shape), show(x.shape.slice(1))];
    throw new ShapeError(`${owner} takes x of shape ${given} as rows of shape ${row}: ${error.message}`);
  }
}

/** Throws unless a model gives a row for each row, which depends on that alone: others that are NaN must not be seen in it. */
function needRows(owner: string, forward: (x: Tensor) => Tensor, x: Tensor): void {
  const row = x.slice(0, 1);
  const other = x.dtype === 'float32' ? row.mul(Number.NaN) : x.slice(-1);
  const alone = ofFirst(owner, forward, x);
  if (alone.shape[0] !== 1)
    throw new ShapeError(
      `${owner}: the model gives shape ${show(alone.shape)} for one row; it must give a row for each row of x.`,
    );
  const all = forward(other.concat([row, other]));
  const between = all.slice(1, 2).toTypedArray();
  if (all.shape[0] === 3 && alone.toTypedArray().every((v, i) => Object.is(v, between[i]))) return;
  throw new StateError(
    `${owner}: what the model gives for a row depends on the other rows of the batch or on random numbers, and what is exported sees one alone; use statistics that were learned in training, as BatchNorm1d does.`,
  );
}

function ofModule(owner: string, model: Module, x: Tensor): Predictor {
  const [rows, ...shape] = x.shape;
  if (!rows)
    throw new ShapeError(
      `${owner} got x of shape ${show(x.shape)}; give at least one row of what the model is used on.`,
    );
  const row: Row = { shape, dtype: x.dtype };
  const setting = new Setting(model, { training: false });
  const forward = (input: Tensor) => {
    const y: unknown = model.forward(input);
    if (y instanceof Tensor) return y;
    throw new OptionError(`${owner}: the model's forward gave ${quoted(y)}; it must give a tensor.`);
  };
  const program = setting.run(() => {
    noGrad(() => needRows(owner, forward, x));
    return programOf((input) => [forward(input)], { row, names: namesOf(model) });
  });
  return { program, row, title: String(model) };
}

/** What `owner` was given to export, as a function of a row. */
export function predictorOf(owner: string, model: Module | Fitted, x: Tensor | Data | undefined): Predictor {
  if (isEstimator(model)) return ofEstimator(owner, model);
  if (!(model instanceof Module))
    throw new OptionError(`${owner} got ${quoted(model)}; give it a Module, or an estimator that was fitted.`);
  if (x === undefined)
    throw new OptionError(`${owner} needs rows of what the model is used on, to see their shape: ${owner}(model, X).`);
  return ofModule(owner, model, x instanceof Tensor ? x : tensor(x));
}
