import { Binary, Kernel, type Unary } from '../../assembly/kernel';
import { OptionError, StateError } from '../errors';
import { emit, newStorage, noGrad, trace } from '../tensor/driver';
import type { DType } from '../tensor/literal';
import { type Shape, sizeOf } from '../tensor/shape';
import { Tensor } from '../tensor/tensor';
import type { Storage } from '../wasm/heap';
import { eachOperand, isRead, isWritten, type Operand, type Step } from '../wasm/record';
import { runtime } from '../wasm/runtime';

/** Elements that lie flat: those of a constant, or what is computed for a row. */
export interface Value {
  readonly size: number;
  readonly dtype: DType;
  /** Of a constant. */
  readonly data?: Float32Array | Int32Array;
  /** What the model calls a constant. */
  readonly name?: string | undefined;
}

/** A value as a matrix: its element [i, j] is at i · row + j · column. */
export interface Matrix {
  value: Value;
  row: number;
  column: number;
}

/** What a forward pass makes of pairs: the other functions of two operands are gradients. */
export type PairFunction =
  | Binary.add
  | Binary.subtract
  | Binary.multiply
  | Binary.divide
  | Binary.power
  | Binary.maximum
  | Binary.minimum
  | Binary.equal
  | Binary.greater
  | Binary.less;

/** An operation of one row: what it writes is y, its elements one after another. */
export type Op = { y: Value } & (
  | { op: 'product'; a: Matrix; b: Matrix; bias: Value | undefined; m: number; n: number; k: number }
  | { op: 'map'; f: Unary; x: Value; p: number }
  | { op: 'zip'; f: PairFunction; a: Matrix; b: Matrix; rows: number; columns: number }
  | { op: 'select'; condition: Value; a: Value; b: Value }
  /** Over the middle axis of [outer, m, n]. */
  | { op: 'sum'; x: Value; outer: number; m: number; n: number; divisor: number }
  | { op: 'extreme'; x: Value; rows: number; n: number; largest: boolean; index: boolean }
  | { op: 'softmax'; x: Value; rows: number; n: number; logarithm: boolean }
  /** Rows of n, of as many as there are, for m indices. */
  | { op: 'gather'; x: Value; index: Value; m: number; n: number; rows: number }
  /** Sizes and steps of four axes; the first elements are at `from` and `to`. */
  | { op: 'copy'; x: Value; from: number; to: number; sizes: number[]; stepsX: number[]; stepsY: number[] }
);

/** The operation of a name, or of one of some. */
export type OpOf<K extends Op['op']> = Extract<Op, { op: K }>;

/** What a model computes for one row. */
export interface Program {
  input: Value;
  ops: readonly Op[];
  outputs: readonly { value: Value; shape: Shape }[];
}

/** A row of what comes in. */
export interface Row {
  shape: Shape;
  dtype: DType;
}

/** The steps that the outputs need, in their order. */
function needed(steps: readonly Step[], outputs: readonly Tensor[]): Step[] {
  const wanted = new Set(outputs.map(({ storage }) => storage));
  const kept: Step[] = [];
  for (const step of [...steps].reverse()) {
    let matters = false;
    eachOperand(step, ({ storage }, letter) => {
      matters ||= isWritten(letter) && wanted.has(storage);
    });
    if (!matters) continue;
    kept.push(step);
    eachOperand(step, ({ storage }, letter) => isRead(letter) && wanted.add(storage));
  }
  return kept.reverse();
}

/** A choice between a thing and itself: how a part that gets no gradient is written. */
function withoutChoice(step: Step): Step {
  const [, a, b, y, n] = step.args as [Operand, Operand, Operand, Operand, number];
  if (step.kernel !== Kernel.select || a.storage !== b.storage) return step;
  return { kernel: Kernel.copyWords, args: [a, y, n] };
}

/** The storages that depend on the input. */
function dependent(steps: readonly Step[], input: Storage): Set<Storage> {
  const found = new Set([input]);
  for (let before = 0; before < found.size; ) {
    before = found.size;
    for (const step of steps) {
      let reads = false;
      eachOperand(step, ({ storage }, letter) => {
        reads ||= isRead(letter) && found.has(storage);
      });
      if (reads) eachOperand(step, ({ storage }, letter) => isWritten(letter) && found.add(storage));
    }
  }
  return found;
}

const writesInto = (step: Step, storages: ReadonlySet<Storage>) => {
  let writes = false;
  eachOperand(step, ({ storage }, letter) => {
    writes ||= isWritten(letter) && storages.has(storage);
  });
  return writes;
};

/** Computes what is the same for all rows; the storages that were made for it. */
function fold(steps: readonly Step[]): Storage[] {
  const { heap } = runtime();
  const made: Storage[] = [];
  for (const step of steps) {
    eachOperand(step, ({ storage }, letter) => {
      if (isWritten(letter) && !storage.block && !storage.outside) made.push(heap.place(storage));
    });
    emit(step.kernel, ...step.args);
  }
  return made;
}

/** The arguments of a step. */
interface Arguments {
  value: (i: number) => Value;
  maybe: (i: number) => Value | undefined;
  n: (i: number) => number;
  /** Argument i, with its steps from row to row and from column to column. */
  matrix: (i: number, row: number, column: number) => Matrix;
  /** The first element of argument i. */
  first: (i: number) => number;
}

const LINE = [0, 0, 0, 1];
const four = (from: number) => [from, from + 1, from + 2, from + 3];

const notExported = (what: string) =>
  new OptionError(`forward computes ${what}, which can't be exported; leave losses and random numbers out of it.`);

/** What each kernel of a forward pass does; its arguments are those in src/wasm/record.ts. */
const OPS: { readonly [K in Kernel]?: (of: Arguments) => Op } = {
  [Kernel.copyWords]: ({ value, n }) => {
    const sizes = [1, 1, 1, n(2)];
    return { op: 'copy', x: value(0), y: value(1), from: 0, to: 0, sizes, stepsX: LINE, stepsY: LINE };
  },
  [Kernel.copyStrided]: ({ value, n, first }) => {
    const [sizes, stepsX, stepsY] = [four(2).map(n), four(6).map(n), four(10).map(n)];
    return { op: 'copy', x: value(0), y: value(1), from: first(0), to: first(1), sizes, stepsX, stepsY };
  },
  [Kernel.gatherRows]: ({ value, n }) => ({
    op: 'gather',
    x: value(0),
    index: value(1),
    y: value(2),
    m: n(3),
    n: n(4),
    rows: n(5),
  }),
  [Kernel.mapUnary]: ({ value, n }) => ({ op: 'map', f: n(0), x: value(1), y: value(2), p: Math.fround(n(4)) }),
  [Kernel.mapBinary]: ({ value, n, matrix }) => {
    const [a, b] = [matrix(1, n(6), n(7)), matrix(2, n(8), n(9))];
    const f: Binary = n(0);
    if (Binary[f].endsWith('Gradient')) throw notExported(Binary[f]);
    return { op: 'zip', f: f as PairFunction, a, b, y: value(3), rows: n(4), columns: n(5) };
  },
  [Kernel.select]: ({ value }) => ({ op: 'select', condition: value(0), a: value(1), b: value(2), y: value(3) }),
  [Kernel.sumColumns]: ({ value, n }) => {
    return { op: 'sum', x: value(0), y: value(1), outer: n(2), m: n(3), n: 1, divisor: n(4) };
  },
  [Kernel.sumRows]: ({ value, n }) => {
    return { op: 'sum', x: value(0), y: value(1), outer: n(2), m: n(3), n: n(4), divisor: n(5) };
  },
  [Kernel.extremeColumns]: ({ value, n }) => {
    return { op: 'extreme', x: value(0), y: value(1), rows: n(2), n: n(3), largest: n(4) > 0, index: false };
  },
  [Kernel.indexExtreme]: ({ value, n }) => {
    return { op: 'extreme', x: value(0), y: value(1), rows: n(2), n: n(3), largest: n(4) > 0, index: true };
  },
  [Kernel.softmaxColumns]: ({ value, n }) => {
    return { op: 'softmax', x: value(0), y: value(1), rows: n(2), n: n(3), logarithm: n(4) === 1 };
  },
  [Kernel.product]: ({ value, maybe, n, matrix }) => {
    const [a, b] = [matrix(0, n(1), n(2)), matrix(3, n(4), n(5))];
    return { op: 'product', a, b, y: value(6), m: n(7), n: n(8), k: n(9), bias: maybe(10) };
  },
  [Kernel.productNarrow]: ({ value, maybe, n, matrix }) => {
    const [a, b] = [matrix(0, n(6), 1), matrix(1, 1, n(2))];
    return { op: 'product', a, b, y: value(3), m: n(4), n: n(5), k: n(6), bias: maybe(7) };
  },
};

/** Steps as operations on values. */
class Reader {
  private readonly values = new Map<Storage, Value>();

  constructor(
    private readonly variable: ReadonlySet<Storage>,
    private readonly names: ReadonlyMap<Storage, string>,
  ) {}

  value({ storage, dtype = 'float32' }: Operand): Value {
    const known = this.values.get(storage);
    if (known) return known;
    const size = storage.bytes / 4;
    const isConstant = !this.variable.has(storage);
    const data = isConstant && { data: new Tensor({ storage, shape: [size], dtype }).toTypedArray() };
    const value = { size, dtype, ...data, name: this.names.get(storage) };
    this.values.set(storage, value);
    return value;
  }

  op({ kernel, args }: Step): Op {
    const read = OPS[kernel];
    if (!read) throw notExported(Kernel[kernel]);
    const value = (i: number) => this.value(args[i] as Operand);
    return read({
      value,
      maybe: (i) => (args[i] === undefined ? undefined : value(i)),
      n: (i) => args[i] as number,
      matrix: (i, row, column) => ({ value: value(i), row, column }),
      first: (i) => (args[i] as Operand).offset / 4,
    });
  }
}

/** Throws for steps that write to more than what they made. */
function needPure(steps: readonly Step[], local: ReadonlySet<Storage>): void {
  for (const step of steps) {
    eachOperand(step, ({ storage }, letter) => {
      if (!isWritten(letter) || local.has(storage)) return;
      throw new StateError(
        'forward changes a tensor that the model keeps, and what is exported depends on its row alone; change it in train mode only.',
      );
    });
  }
}

/**
 * Records what `forward` computes for one row.
 *
 * @param names of the parameters and buffers.
 * @throws StateError for a `forward` that changes a tensor which the model keeps.
 */
export function programOf(
  forward: (x: Tensor) => readonly Tensor[],
  { row, names }: { row: Row; names: ReadonlyMap<Storage, string> },
): Program {
  const { result, trace: all } = trace(() => {
    const { shape, dtype } = row;
    const x = new Tensor({ storage: newStorage(sizeOf(shape) * 4), shape: [1, ...shape], dtype });
    return { x, outputs: noGrad(() => forward(x).map((y) => y.contiguous())) };
  });
  needPure(all.steps, all.storages);
  const { x, outputs } = result;
  const steps = needed(all.steps.map(withoutChoice), outputs);
  const variable = dependent(steps, x.storage);
  const made = fold(steps.filter((step) => !writesInto(step, variable)));
  const reader = new Reader(variable, names);
  const program = {
    input: reader.value(x),
    ops: steps.filter((step) => writesInto(step, variable)).map((step) => reader.op(step)),
    outputs: outputs.map((y) => ({ value: reader.value(y), shape: y.shape.slice(1) })),
  };
  for (const storage of made) runtime().heap.free(storage);
  return program;
}
