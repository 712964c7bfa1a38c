"""Tensor methods: outputs, and the gradients of sum(output * upstream) for every input that has one."""

import numpy as np
import torch

from common import flat, given, grid, stated, strays
from methods import FLAT, OPS


def build():
    rng = np.random.default_rng(1)
    groups = (
        unary,
        binary,
        comparisons,
        choices,
        products,
        shapes,
        joins,
        selections,
        reductions,
        extremes,
        softmaxes,
        repeats,
    )
    cases = [case for group in groups for case in group(rng)]
    names = [case["name"] for case in cases]
    assert len(set(names)) == len(names), "two cases have the same name"
    return {"cases": cases}


def case(op, inputs, args=(), options=None, views=(), note=""):
    """`views` are the inputs that are transposed (last two axes) before the op sees them."""
    options = options or {}
    name = title(op, inputs, args, options, views, note)
    double, single = (evaluate(op, inputs, args, options, views, t) for t in (torch.float64, torch.float32))
    output, upstream, gradients = double
    strays(name, single[0], output)
    for a, b in zip(single[2], gradients, strict=True):
        assert (a is None) == (b is None)
        if b is not None:
            strays(f"{name}: gradient", a, b)
    row = {"name": name, "op": op, "inputs": [x.statement for x in inputs]}
    row |= {key: v for key, v in (("args", list(args)), ("options", options), ("views", list(views))) if v}
    row["output"] = stated(output)
    if upstream:
        row |= {"upstream": upstream.statement, "gradients": [None if g is None else flat(g) for g in gradients]}
    return row


def title(op, inputs, args, options, views, note):
    parts = [f"{x.statement['shape']}{' transposed' if i in views else ''}" for i, x in enumerate(inputs)]
    parts += [f"({', '.join(f'{a:g}' for a in args)})"] if args else []
    parts += [f"{key} {value}" for key, value in options.items()]
    return f"{op} of {', '.join(parts)}{note and ': ' + note}"


def evaluate(op, inputs, args, options, views, dtype):
    leaves = [x.torch(dtype) for x in inputs]
    for i, leaf in enumerate(leaves):
        leaf.requires_grad_(op not in FLAT and not (op == "where" and i == 0))
    seen = [leaf.transpose(-2, -1) if i in views else leaf for i, leaf in enumerate(leaves)]
    output = OPS[op](*seen, *args, **options)
    if op in FLAT:
        return output, None, []
    upstream = upstream_of(output.shape)
    (output * upstream.torch(dtype)).sum().backward()
    return output.detach(), upstream, [leaf.grad for leaf in leaves]


def upstream_of(shape):
    return grid(np.random.default_rng(shape.numel()), list(shape))


def unary(rng):
    wide = [-80, -9.5, -3, -1, -0.5, -0.0009765625, 0, 0.0009765625, 0.5, 1, 3, 9.5, 80]
    positive = [1e-6, 0.0009765625, 0.25, 1, 2, 3.5, 100, 12345.5, 1e6]
    turns = [-100000, -1000.25, -100, -7, -3.140625, 0, 1.5703125, 22, 710.5, 100000]
    points = {"sqrt": [0.25, 1, 2, 3.5, 100, 12345.5, 1e6], "log": positive, "sin": turns, "cos": turns}
    points["exp"] = [-80, -20.25, -1, -0.0009765625, 0, 0.5, 1, 4.5, 9.25]
    cases = []
    for op in "neg square sqrt exp log abs sin cos tanh sigmoid relu".split():
        low = 1 / 16 if op in ("sqrt", "log") else -3
        cases.append(case(op, [grid(rng, [7, 5], low, 3)]))
        cases.append(case(op, [grid(rng, [3, 1, 9], low, 3)], views=[0]))
        cases.append(case(op, [given(1.25)]))
        cases.append(case(op, [given(points.get(op, wide))], note="special points"))
    edges = given([-2, -1, -0.5, 0, 0.5, 1, 2])
    cases += [
        case("clamp", [edges], [-1, 1], note="bounds belong to it"),
        case("clamp", [grid(rng, [7, 5])], [-0.5, 1.25]),
    ]
    for exponent in (2, 3, -1, -2, 0.5, 2.5, 0, 1):
        whole = exponent == int(exponent)
        cases.append(case("pow", [grid(rng, [5, 3], 0.25, 2)], [exponent]))
        cases += [case("pow", [given([-2, -0.5, 0.5, 3])], [exponent], note="both signs")] if whole else []
    return cases + [case("pow", [given([0, 1, 2])], [2], note="from zero")]


def binary(rng):
    pairs = [
        ([7, 5], [7, 5]),
        ([3, 1], [1, 4]),
        ([4], [3, 4]),
        ([], [3, 4]),
        ([2, 1, 3], [4, 1]),
        ([1], [1]),
        ([17], []),
        ([2, 3, 7], [7]),
        ([1, 9], [5, 1]),
    ]
    cases = []
    for op in "add sub mul div maximum minimum pow".split():
        low = 0.25 if op == "pow" else -2
        for a, b in pairs:
            second = grid(rng, b, 0.5, 2) if op == "div" else grid(rng, b)
            cases.append(case(op, [grid(rng, a, low), second]))
        views = [grid(rng, [5, 3], low), grid(rng, [3, 5], 0.5, 2)]
        cases.append(case(op, views, views=[0]))
        if op != "pow":
            cases.append(case(op, [grid(rng, [5, 3])], [0.75], note="with a number"))
    for op in ("maximum", "minimum"):
        cases.append(case(op, [given([1, 2, 3, -1]), given([1, 3, 2, -1])], note="ties share the gradient"))
    return cases


def comparisons(rng):
    cases = []
    for op in ("eq", "gt", "lt"):
        for a, b in (([7, 5], [7, 5]), ([3, 1], [1, 4]), ([], [13])):
            few = [given(rng.integers(-1, 2, size=shape)) for shape in (a, b)]
            cases.append(case(op, few))
        cases.append(case(op, [given([-1, 0, 0.5, 0.75, 2])], [0.5], note="with a number"))
    return cases


def choices(rng):
    cases = []
    for c, a, b in (([7, 5], [7, 5], [7, 5]), ([3, 1], [1, 4], [3, 4]), ([4], [], [3, 4]), ([2, 3], [3], [2, 1])):
        cases.append(case("where", [given(rng.integers(0, 2, size=c)), grid(rng, a), grid(rng, b)]))
    return cases


def products(rng):
    cases = []
    for a, b in (
        ([1, 1], [1, 1]),
        ([5, 7], [7, 3]),
        ([1, 9], [9, 1]),
        ([9, 1], [1, 11]),
        ([13, 11], [11, 9]),
        ([4, 8], [8, 16]),
        ([5, 17], [17, 8]),
        ([2, 3, 5], [2, 5, 4]),
        ([2, 3, 5], [5, 4]),
        ([2, 1, 3, 5], [3, 5, 2]),
        ([5], [5]),
        ([3, 5], [5]),
        ([5], [5, 3]),
    ):
        cases.append(case("matmul", [grid(rng, a), grid(rng, b)]))
    cases.append(case("matmul", [grid(rng, [1, 300]), grid(rng, [300, 1])]))
    cases.append(case("matmul", [grid(rng, [3, 257]), grid(rng, [257, 3])]))
    for views, a, b in (
        ([0], [7, 5], [7, 3]),
        ([1], [5, 7], [3, 7]),
        ([0, 1], [7, 5], [3, 7]),
        ([1], [2, 3, 5], [2, 4, 5]),
    ):
        cases.append(case("matmul", [grid(rng, a), grid(rng, b)], views=views))
    return cases


def shapes(rng):
    cases = [case("transpose", [grid(rng, shape)]) for shape in ([7, 5], [1, 9], [2, 3, 5])]
    cases += [case("transpose", [grid(rng, [2, 3, 5])], axes) for axes in ([0, 1], [0, 2], [1, 2], [0, -1])]
    for shape, to in (
        ([3, 4], [2, 6]),
        ([3, 4], [12]),
        ([12], [2, 3, 2]),
        ([1, 1], [1]),
        ([5, 3], [3, 5]),
        ([3, 4], [2, -1]),
    ):
        cases.append(case("reshape", [grid(rng, shape)], to))
    return cases + [case("reshape", [grid(rng, [3, 4])], [2, 6], views=[0])]


def joins(rng):
    cases = []
    for axis, of in (
        (0, ([2, 3], [1, 3], [4, 3])),
        (1, ([3, 2], [3, 5])),
        (-1, ([2, 3, 1], [2, 3, 4])),
        (0, ([3], [5])),
    ):
        cases.append(case("concat", [grid(rng, shape) for shape in of], options={"axis": axis}))
    cases.append(
        case("concat", [grid(rng, [3, 2]), grid(rng, [2, 4])], options={"axis": 1}, views=[0], note="of a view")
    )
    cases.append(case("concat", [grid(rng, [2, 3]), grid(rng, [5, 3])]))
    for axis, count in ((0, 2), (1, 3), (-1, 2)):
        cases.append(case("stack", [grid(rng, [3, 5]) for _ in range(count)], options={"axis": axis}))
    return cases + [case("stack", [grid(rng, [7]), grid(rng, [7])])]


def selections(rng):
    cases = []
    for shape, ends, axis in (
        ([7, 5], (2, 6), None),
        ([7, 5], (1, 4), 1),
        ([2, 3, 5], (0, 1), -1),
        ([13], (12, 13), 0),
    ):
        cases.append(case("slice", [grid(rng, shape)], ends, {} if axis is None else {"axis": axis}))
    cases.append(case("slice", [grid(rng, [5, 7])], (2, 6), {"axis": 0}, views=[0]))
    for shape, indices, axis in (
        ([7, 5], (3, 0, 6, 3, 3), None),
        ([7, 5], (4, 1), 1),
        ([2, 3, 5], (2, 2, 0, 1), 1),
        ([13], (12,), 0),
    ):
        cases.append(case("gather", [grid(rng, shape)], indices, {} if axis is None else {"axis": axis}))
    return cases + [case("gather", [grid(rng, [5, 7])], (6, 0, 2), views=[0])]


REDUCTIONS = (
    ([7, 5], {}),
    ([7, 5], {"axis": 0}),
    ([7, 5], {"axis": 1}),
    ([7, 5], {"axis": 1, "keepDims": True}),
    ([7, 5], {"axis": 0, "keepDims": True}),
    ([2, 3, 5], {"axis": 1}),
    ([2, 3, 5], {"axis": -1}),
    ([13], {"axis": 0}),
    ([2, 3, 5], {"axis": 0, "keepDims": True}),
    ([3, 4], {"keepDims": True}),
    ([1, 1], {}),
    ([], {}),
    ([19, 1], {"axis": 0}),
)


def reductions(rng):
    cases = []
    for op in ("sum", "mean"):
        cases += [case(op, [grid(rng, shape)], options=options) for shape, options in REDUCTIONS]
        cases += [
            case(op, [grid(rng, [5, 3])], options=options, views=[0]) for options in ({}, {"axis": 0}, {"axis": 1})
        ]
        cases += [case(op, [grid(rng, [263])]), case(op, [grid(rng, [263, 1])], options={"axis": 0})]
    return cases


def extremes(rng):
    ties = given([[1, 3, 3, -2], [2, 2, 2, 2], [-5, -5, -1, -1]])
    cases = []
    for op in ("max", "min"):
        cases += [case(op, [grid(rng, shape, -3, -1)], options=options) for shape, options in REDUCTIONS]
        cases += [case(op, [ties], options=options, note="ties") for options in ({}, {"axis": 0}, {"axis": 1})]
        cases += [
            case(op, [grid(rng, [5, 3])], options=options, views=[0]) for options in ({}, {"axis": 0}, {"axis": 1})
        ]
    for op in ("argMax", "argMin"):
        for shape, axis in (([7, 5], 0), ([7, 5], 1), ([2, 3, 5], 1), ([2, 3, 5], -1), ([13], 0), ([1, 1], 1)):
            cases.append(case(op, [grid(rng, shape)], options={"axis": axis}))
        cases.append(case(op, [ties], options={"axis": 1}, note="the first of equals"))
        cases.append(case(op, [grid(rng, [5, 7])], options={"axis": 1}, views=[0]))
        cases.append(case(op, [grid(rng, [3, 5])], note="of all, by flat index"))
    return cases


def softmaxes(rng):
    large = given([[80, -80, 0], [-80, 80, 80], [0, 0, 0], [-80, -80, -79.5]])
    cases = []
    for op in ("softmax", "logSoftmax"):
        cases += [case(op, [grid(rng, shape, -4, 4)]) for shape in ([7, 5], [1, 1], [13], [5, 17])]
        cases += [case(op, [grid(rng, [2, 3, 5], -4, 4)], options={"axis": axis}) for axis in (0, 1, -1)]
        cases.append(case(op, [grid(rng, [5, 7], -4, 4)], options={"axis": -1}, views=[0]))
        cases.append(case(op, [large], note="of ±80"))
    return cases


def repeats(rng):
    cases = [case("mulSelf", [grid(rng, [7, 5])]), case("matmulSelf", [grid(rng, [5, 5])])]
    return cases + [case("matmulOwnTranspose", [grid(rng, [5, 3])]), case("centred", [grid(rng, [7, 3])])]
