import type { Category } from '../data/encoder';
import type { Module } from '../nn/module';
import type { Data } from '../tensor/literal';
import type { Shape } from '../tensor/shape';
import type { Tensor } from '../tensor/tensor';
import { type Contents, Graph, type Port, Type } from './graph';
import { Nodes } from './nodes';
import { type Fitted, type Predictor, predictorOf } from './predictor';
import type { Value } from './program';

/** What ONNX calls the batch's size. */
const ROWS = 'rows';

const portOf = (name: string, { dtype }: Value, shape: Shape): Port => ({
  name,
  type: dtype === 'int32' ? Type.int64 : Type.float,
  dims: [ROWS, ...shape],
});

/** Labels as a tensor; those of several types are texts. */
function labelsOf(classes: readonly Category[]): Contents {
  const all = (type: string) => classes.every((label) => typeof label === type);
  const whole = classes.every(Number.isSafeInteger) ? Type.int64 : Type.double;
  const type = all('number') ? whole : all('boolean') ? Type.bool : Type.string;
  return { type, dims: [classes.length], values: classes };
}

/** Writes the outputs of a model and says what they are. */
function outputsOf({ program: { outputs }, classes, flat }: Predictor, nodes: Nodes): Port[] {
  const { graph } = nodes;
  const finish = (name: string, i: number, own?: Shape): Port => {
    const { value, shape } = outputs[i] as Predictor['program']['outputs'][number];
    const port = portOf(name, value, own ?? shape);
    const sizes = port.dims.slice(1) as number[];
    const given = nodes.name(value);
    graph.name(sizes.length === 1 ? given : nodes.reshape(given, [0, ...sizes]), name);
    return port;
  };
  if (!classes) return [finish('y', 0, flat ? [] : undefined)];
  const labels = labelsOf(classes);
  const place = nodes.reshape(nodes.name((outputs[0] as { value: Value }).value), [0]);
  graph.name(graph.node('Gather', [graph.constant(labels, 'classes'), place]), 'label');
  return [{ name: 'label', type: labels.type, dims: [ROWS] }, finish('probabilities', 1)];
}

/**
 * The bytes of an ONNX file, which other programs and devices predict with: ONNX Runtime, also in browsers, OpenVINO, TensorRT and
 * others.
 *
 * It takes any number of rows: `x`, float32 of [rows, …], or int64 where the model takes indices, gives `y` of [rows, …]. Estimators
 * take features in the user's units and give `y` in those of the targets; classifiers give `label` and `probabilities`. A module
 * of your own works as those of the library do: what its `forward` computes for one row is recorded, in eval mode.
 *
 * The file is of operator set 13 (ONNX 1.8, of 2020), see https://onnx.ai/onnx/operators.
 *
 * @param model a Module, or an estimator that was fitted.
 * @param x rows of what a module is used on, of which the shape and the type count: all or one. An estimator needs none.
 * @throws StateError for a model whose rows depend on each other, or an estimator before `fit`; OptionError for what is no model.
 * @example
 * const model = new nn.Sequential(new nn.Linear(4, 8), new nn.ReLU(), new nn.Linear(8, 3), new nn.Softmax());
 * const bytes = toONNX(model, randn([1, 4])); // writeFile('model.onnx', bytes)
 * expect(new TextDecoder().decode(bytes)).toContain('0.weight');
 */
export function toONNX(model: Module, x: Tensor | Data): Uint8Array<ArrayBuffer>;
export function toONNX(model: Fitted): Uint8Array<ArrayBuffer>;
export function toONNX(model: Module | Fitted, x?: Tensor | Data): Uint8Array<ArrayBuffer> {
  const predictor = predictorOf('toONNX', model, x);
  const { program, title, row } = predictor;
  const graph = new Graph();
  graph.reserve('x', 'y', 'label', 'probabilities');
  const nodes = new Nodes(graph, 'x');
  const { input } = program;
  nodes.set(
    input,
    row.shape.length === 1 ? 'x' : nodes.reshape('x', row.shape.length === 0 ? [-1, 1] : [0, input.size]),
  );
  for (const op of program.ops) nodes.write(op);
  const outputs = outputsOf(predictor, nodes);
  return graph.bytes({ inputs: [portOf('x', input, row.shape)], outputs, title });
}
