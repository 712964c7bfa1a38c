import { version } from '../../package.json';
import { block, float, integer, joined, type Message, text } from './protobuf';

/** The types of elements: TensorProto.DataType. */
export enum Type {
  float = 1,
  int64 = 7,
  string = 8,
  bool = 9,
  double = 11,
}

/** IR version 7 and operator set 13 are ONNX 1.8, of 2020: https://onnx.ai/onnx/repo-docs/Versioning.html. */
const IR_VERSION = 7;
const OPSET = 13;

/** AttributeProto.AttributeType. */
const FLOAT = 1;
const INT = 2;
const INTS = 7;

/** A number is an integer, a list is of integers; of floats there is one at a time. */
export type Attribute = number | readonly number[] | { float: number };

function attribute(name: string, value: Attribute): Message {
  const fields = [text(1, name)];
  if (typeof value === 'number') fields.push(integer(3, value), integer(20, INT));
  else if ('float' in value) fields.push(float(2, value.float), integer(20, FLOAT));
  else fields.push(...value.map((v) => integer(8, v)), integer(20, INTS));
  return block(5, ...fields);
}

/** What a tensor has, apart from its name. */
export interface Contents {
  type: Type;
  dims: readonly number[];
  values: readonly (number | string | boolean)[] | Float32Array | Int32Array;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => new Uint8Array(buffer, byteOffset, byteLength);

function elements({ type, values }: Contents): Message[] {
  if (type === Type.string) return Array.from(values, (v) => text(6, String(v)));
  const numbers = values as ArrayLike<number>;
  if (type === Type.int64) return [block(9, bytesOf(BigInt64Array.from(Array.from(numbers, BigInt))))];
  if (type === Type.bool) return [block(9, Uint8Array.from(numbers))];
  return [block(9, bytesOf(type === Type.double ? Float64Array.from(numbers) : Float32Array.from(numbers)))];
}

/** A name with a type and a shape, in which a text is a size that is known when it is run. */
export interface Port {
  name: string;
  type: Type;
  dims: readonly (number | string)[];
}

function port({ name, type, dims }: Port): Message[] {
  const sizes = dims.map((d) => block(1, typeof d === 'string' ? text(2, d) : integer(1, d)));
  return [text(1, name), block(2, block(1, integer(1, type), block(2, ...sizes)))];
}

/** A model of ONNX as it is put together: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. */
export class Graph {
  private readonly nodes: Message[] = [];
  private readonly constants = new Map<string, Message>();
  private readonly taken = new Set<string>();

  private free(name: string): string {
    let own = name;
    for (let i = 1; this.taken.has(own); i++) own = `${name}_${i}`;
    this.taken.add(own);
    return own;
  }

  /** Keeps names for inputs and outputs. */
  reserve(...names: readonly string[]): void {
    for (const name of names) this.taken.add(name);
  }

  /** A node, and the name of what it gives. */
  node(type: string, inputs: readonly string[], attributes: Record<string, Attribute> = {}): string {
    const output = this.free(type.toLowerCase());
    this.nodes.push(
      block(
        1,
        ...inputs.map((name) => text(1, name)),
        text(2, output),
        text(3, output),
        text(4, type),
        ...Object.entries(attributes).map(([name, value]) => attribute(name, value)),
      ),
    );
    return output;
  }

  /** Gives what a node gives another name, which is reserved. */
  name(given: string, name: string): void {
    this.nodes.push(block(1, text(1, given), text(2, name), text(4, 'Identity')));
  }

  constant(contents: Contents, name = 'constant'): string {
    const own = this.free(name);
    const dims = contents.dims.map((d) => integer(1, d));
    this.constants.set(own, block(5, ...dims, integer(2, contents.type), text(8, own), ...elements(contents)));
    return own;
  }

  /** An operation with a number. */
  by(type: string, x: string, p: number): string {
    return this.node(type, [x, this.constant({ type: Type.float, dims: [], values: [p] }, 'number')]);
  }

  /** The bytes of the file. */
  bytes({ inputs, outputs, title }: { inputs: readonly Port[]; outputs: readonly Port[]; title: string }): Message {
    const graph = [
      ...this.nodes,
      text(2, 'model'),
      ...this.constants.values(),
      ...inputs.map((own) => block(11, ...port(own))),
      ...outputs.map((own) => block(12, ...port(own))),
    ];
    return joined([
      integer(1, IR_VERSION),
      text(2, 'downhill'),
      text(3, version),
      text(6, title),
      block(7, ...graph),
      block(8, text(1, ''), integer(2, OPSET)),
    ]);
  }
}
