import { Binary, Unary } from '../../assembly/kernel';
import { type Graph, Type } from './graph';
import type { PairFunction } from './program';

/** y = f(x, p) as nodes. */
type Formula = (graph: Graph, x: string, p: number) => string;

const node =
  (type: string): Formula =>
  (graph, x) =>
    graph.node(type, [x]);

export const UNARY: { readonly [F in Unary]: Formula } = {
  [Unary.negate]: node('Neg'),
  [Unary.absolute]: node('Abs'),
  [Unary.square]: (graph, x) => graph.node('Mul', [x, x]),
  [Unary.squareRoot]: node('Sqrt'),
  [Unary.exp]: node('Exp'),
  [Unary.log]: node('Log'),
  [Unary.sin]: node('Sin'),
  [Unary.cos]: node('Cos'),
  [Unary.tanh]: node('Tanh'),
  [Unary.sigmoid]: node('Sigmoid'),
  [Unary.relu]: node('Relu'),
  [Unary.leakyRelu]: (graph, x, p) => graph.node('LeakyRelu', [x], { alpha: { float: p } }),
  [Unary.elu]: (graph, x, p) => graph.node('Elu', [x], { alpha: { float: p } }),
  [Unary.silu]: (graph, x) => graph.node('Mul', [x, graph.node('Sigmoid', [x])]),
  // x (1 + erf(x / √2)) / 2
  [Unary.gelu]: (graph, x) => {
    const erf = graph.node('Erf', [graph.by('Mul', x, Math.SQRT1_2)]);
    return graph.node('Mul', [x, graph.by('Mul', graph.by('Add', erf, 1), 0.5)]);
  },
  [Unary.softplus]: node('Softplus'),
  [Unary.scale]: (graph, x, p) => graph.by('Mul', x, p),
  [Unary.shift]: (graph, x, p) => graph.by('Add', x, p),
  [Unary.toFloat]: (graph, x) => graph.node('Cast', [x], { to: Type.float }),
  [Unary.toInt]: (graph, x) => graph.node('Cast', [x], { to: Type.int64 }),
};

/** Nodes for two operands; comparisons give booleans. */
export const BINARY: { readonly [F in PairFunction]: string } = {
  [Binary.add]: 'Add',
  [Binary.subtract]: 'Sub',
  [Binary.multiply]: 'Mul',
  [Binary.divide]: 'Div',
  [Binary.power]: 'Pow',
  [Binary.maximum]: 'Max',
  [Binary.minimum]: 'Min',
  [Binary.equal]: 'Equal',
  [Binary.greater]: 'Greater',
  [Binary.less]: 'Less',
};
