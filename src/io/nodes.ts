import { Binary } from '../../assembly/kernel';
import { sizeOf } from '../tensor/shape';
import { type Graph, Type } from './graph';
import { BINARY, UNARY } from './operators';
import type { Matrix, Op, OpOf, Value } from './program';

const typeOf = ({ dtype }: Value) => (dtype === 'int32' ? Type.int64 : Type.float);

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

/** What is put together of pieces: where each element is in the sources, one after another. */
interface Pieces {
  sources: { value: Value; name?: string; first: number }[];
  size: number;
  picks: Int32Array;
}

/** Operations as nodes. What is computed for rows is [rows, size], unless it says otherwise; 0 in a shape keeps the rows. */
export class Nodes {
  private readonly names = new Map<Value, string>();
  private readonly constants = new Map<string, string>();
  private readonly numbers = new Map<Value, number>();
  private readonly pieces = new Map<Value, Pieces>();

  constructor(
    readonly graph: Graph,
    private readonly input: string,
  ) {}

  /** The name of what is computed for rows. */
  name(value: Value): string {
    const pieces = this.pieces.get(value);
    if (pieces) {
      this.pieces.delete(value);
      this.names.set(value, this.together(pieces));
    }
    return this.names.get(value) as string;
  }

  set(value: Value, name: string): void {
    this.names.set(value, name);
  }

  /** A constant in a shape. */
  private constant(value: Value, dims: readonly number[]): string {
    const number = this.numbers.get(value) ?? this.numbers.size;
    this.numbers.set(value, number);
    const key = `${number} ${dims}`;
    const known = this.constants.get(key);
    if (known) return known;
    const values = value.data as Float32Array | Int32Array;
    const own = this.graph.constant({ type: typeOf(value), dims, values }, value.name);
    this.constants.set(key, own);
    return own;
  }

  integers(values: readonly number[] | Int32Array): string {
    const key = `integers ${values}`;
    const known = this.constants.get(key);
    if (known) return known;
    const own = this.graph.constant({ type: Type.int64, dims: [values.length], values }, 'integers');
    this.constants.set(key, own);
    return own;
  }

  reshape(x: string, dims: readonly number[]): string {
    return this.graph.node('Reshape', [x, this.integers(dims)]);
  }

  /** Elements of each row, by their places. */
  private pick(x: string, picks: readonly number[] | Int32Array): string {
    return this.graph.node('Gather', [x, this.integers(picks)], { axis: 1 });
  }

  /** A value for each row, also if it is a constant. */
  private perRow(value: Value): string {
    if (!value.data) return this.name(value);
    const { graph } = this;
    const rows = graph.node('Gather', [graph.node('Shape', [this.input]), this.integers([0])]);
    const shape = graph.node('Concat', [rows, this.integers([value.size])], { axis: 0 });
    return graph.node('Expand', [this.constant(value, [1, value.size]), shape]);
  }

  /** Writes an operation. */
  write(op: Op): void {
    if (op.op === 'copy') this.copy(op);
    else {
      const made = this.made(op);
      this.pieces.delete(op.y);
      this.set(op.y, made);
    }
  }

  private made(op: Exclude<Op, { op: 'copy' }>): string {
    switch (op.op) {
      case 'product':
        return op.b.value.data ? this.layer(op) : this.product(op);
      case 'map':
        return UNARY[op.f](this.graph, this.name(op.x), op.p);
      case 'zip':
        return this.zip(op);
      case 'select':
        return this.select(op);
      case 'sum':
        return this.sum(op);
      case 'extreme':
        return this.extreme(op);
      case 'softmax':
        return this.softmax(op);
      case 'gather':
        return this.gather(op);
    }
  }

  // ---- products

  /** A matrix of a row, row after row. */
  private inOrder({ value, row, column }: Matrix, m: number, n: number): string {
    const isInOrder = (m === 1 || row === n) && (n === 1 || column === 1);
    if (isInOrder) return this.name(value);
    return this.pick(
      this.name(value),
      range(m * n).map((i) => Math.floor(i / n) * row + (i % n) * column),
    );
  }

  /** A constant matrix, row after row. */
  private matrix({ value, row, column }: Matrix, m: number, n: number): string {
    if (row === n && column === 1) return this.constant(value, [m, n]);
    const data = value.data as Float32Array;
    const values = Float32Array.from(
      { length: m * n },
      (_, i) => data[Math.floor(i / n) * row + (i % n) * column] as number,
    );
    return this.constant({ ...value, data: values }, [m, n]);
  }

  /** A product with a constant matrix: the rows of all rows below each other. */
  private layer({ a, b, bias, m, n, k }: OpOf<'product'>): string {
    const x = this.inOrder(a, m, k);
    const rows = m === 1 ? x : this.reshape(x, [-1, k]);
    // PyTorch's layout of weights: [outputs, inputs].
    const transB = b.row === 1 && b.column === k ? 1 : 0;
    const weight = transB ? this.constant(b.value, [n, k]) : this.matrix(b, k, n);
    const terms = [rows, weight, ...(bias ? [this.constant(bias, [n])] : [])];
    const y = this.graph.node('Gemm', terms, transB ? { transB } : {});
    return m === 1 ? y : this.reshape(y, [-1, m * n]);
  }

  private product({ a, b, bias, m, n, k }: OpOf<'product'>): string {
    const left = a.value.data ? this.matrix(a, m, k) : this.reshape(this.inOrder(a, m, k), [0, m, k]);
    const y = this.graph.node('MatMul', [left, this.reshape(this.inOrder(b, k, n), [0, k, n])]);
    const sum = bias ? this.graph.node('Add', [y, this.constant(bias, [n])]) : y;
    return this.reshape(sum, [0, m * n]);
  }

  // ---- elements

  private zip({ f, a, b, y, rows, columns }: OpOf<'zip'>): string {
    const m = ({ row, column }: Matrix) => (row === 0 || (rows === 1 && column === 1) ? 1 : rows);
    const n = ({ column }: Matrix) => (column === 0 ? 1 : columns);
    const isFlat = [a, b].every((x) => x.value.size === y.size || x.value.size === 1);
    const operand = (x: Matrix) => {
      const dims = isFlat ? [x.value.size] : [m(x), n(x)];
      if (x.value.data) return this.constant(x.value, dims);
      return isFlat ? this.name(x.value) : this.reshape(this.name(x.value), [0, ...dims]);
    };
    const given = this.graph.node(BINARY[f], [operand(a), operand(b)]);
    const isTruth = f === Binary.equal || f === Binary.greater || f === Binary.less;
    const numbers = isTruth ? this.graph.node('Cast', [given], { to: Type.float }) : given;
    return isFlat ? numbers : this.reshape(numbers, [0, rows * columns]);
  }

  private select({ condition, a, b, y }: OpOf<'select'>): string {
    const operand = (x: Value) => (x.data ? this.constant(x, [y.size]) : this.name(x));
    const truth = this.graph.node('Cast', [operand(condition)], { to: Type.bool });
    return this.graph.node('Where', [truth, operand(a), operand(b)]);
  }

  // ---- reductions

  private sum({ x, outer, m, n, divisor }: OpOf<'sum'>): string {
    const isWhole = outer === 1 && n === 1;
    const [axis, keepdims] = isWhole ? [1, 1] : [2, 0];
    const shaped = isWhole ? this.name(x) : this.reshape(this.name(x), [0, outer, m, n]);
    const isMean = divisor === m;
    const sum = isMean
      ? this.graph.node('ReduceMean', [shaped], { axes: [axis], keepdims })
      : this.graph.node('ReduceSum', [shaped, this.integers([axis])], { keepdims });
    const y = isMean || divisor === 1 ? sum : this.graph.by('Div', sum, divisor);
    return isWhole ? y : this.reshape(y, [0, outer * n]);
  }

  /** The name of rows of n each, if there are several. */
  private inRows(x: Value, rows: number, n: number): string {
    return rows === 1 ? this.name(x) : this.reshape(this.name(x), [0, rows, n]);
  }

  private extreme({ x, rows, n, largest, index }: OpOf<'extreme'>): string {
    const [axis, keepdims] = rows === 1 ? [1, 1] : [2, 0];
    const which = largest ? 'Max' : 'Min';
    const shaped = this.inRows(x, rows, n);
    if (index) return this.graph.node(`Arg${which}`, [shaped], { axis, keepdims });
    return this.graph.node(`Reduce${which}`, [shaped], { axes: [axis], keepdims });
  }

  private softmax({ x, rows, n, logarithm }: OpOf<'softmax'>): string {
    const y = this.graph.node(logarithm ? 'LogSoftmax' : 'Softmax', [this.inRows(x, rows, n)], { axis: -1 });
    return rows === 1 ? y : this.reshape(y, [0, rows * n]);
  }

  // ---- moves

  private gather({ x, index, m, n, rows }: OpOf<'gather'>): string {
    const { graph } = this;
    if (index.data) {
      const first = index.data;
      return this.pick(
        this.name(x),
        range(m * n).map((i) => (first[Math.floor(i / n)] as number) * n + (i % n)),
      );
    }
    const chosen = x.data
      ? graph.node('Gather', [this.constant(x, [rows, n]), this.name(index)], { axis: 0 })
      : graph.node('GatherND', [this.reshape(this.name(x), [0, rows, n]), this.reshape(this.name(index), [0, m, 1])], {
          batch_dims: 1,
        });
    return this.reshape(chosen, [0, m * n]);
  }

  /** Begins what is put together of pieces, over what is there already. */
  private begun(y: Value): Pieces {
    const known = this.pieces.get(y);
    if (known) return known;
    const name = this.names.get(y);
    const pieces: Pieces = {
      sources: name === undefined ? [] : [{ value: y, name, first: 0 }],
      size: name === undefined ? 0 : y.size,
      picks: Int32Array.from(range(y.size)),
    };
    this.pieces.set(y, pieces);
    return pieces;
  }

  private copy({ x, y, from, to, sizes, stepsX, stepsY }: OpOf<'copy'>): void {
    const pieces = this.begun(y);
    let source = pieces.sources.find(({ value }) => value === x);
    if (!source) {
      source = { value: x, first: pieces.size };
      pieces.sources.push(source);
      pieces.size += x.size;
    }
    const { first } = source;
    for (let i = 0; i < sizeOf(sizes); i++) {
      let [rest, p, q] = [i, from, to];
      for (let axis = sizes.length - 1; axis >= 0; axis--) {
        const size = sizes[axis] as number;
        p += (rest % size) * (stepsX[axis] as number);
        q += (rest % size) * (stepsY[axis] as number);
        rest = Math.floor(rest / size);
      }
      pieces.picks[q] = first + p;
    }
  }

  private together({ sources, size, picks }: Pieces): string {
    const names = sources.map(({ value, name }) => name ?? this.perRow(value));
    const [first, ...others] = names as [string, ...string[]];
    const all = others.length > 0 ? this.graph.node('Concat', names, { axis: 1 }) : first;
    const isAll = picks.length === size && picks.every((p, i) => p === i);
    return isAll ? all : this.pick(all, picks);
  }
}
