"""Modules: forward values, and the gradients of sum(output * upstream) for the input and every parameter."""

import numpy as np
import torch
from torch import nn

from common import Given, flat, given, grid, stated, strays

# name in the library: (PyTorch's class, the options' names there)
ACTIVATIONS = {
    "ReLU": (nn.ReLU, {}),
    "LeakyReLU": (nn.LeakyReLU, {"negativeSlope": "negative_slope"}),
    "Tanh": (nn.Tanh, {}),
    "Sigmoid": (nn.Sigmoid, {}),
    "GELU": (nn.GELU, {}),
    "SiLU": (nn.SiLU, {}),
    "ELU": (nn.ELU, {"alpha": "alpha"}),
    "Softplus": (nn.Softplus, {"beta": "beta", "threshold": "threshold"}),
}
OPTIONS = [
    ("LeakyReLU", {"negativeSlope": 0.2}),
    ("ELU", {"alpha": 0.5}),
    ("Softplus", {"beta": 2}),
    ("Softplus", {"beta": 3, "threshold": 1.5}),
    ("Softplus", {"threshold": 5}),
]
SPECIAL = [-80, -20.5, -6, -3, -1, -0.5, -(2.0**-12), 0, 2.0**-12, 0.5, 1, 3, 5.5, 6, 20.5, 80, 0.25]


def activation(name, options=None):
    cls, names = ACTIVATIONS[name]
    return cls(**{names[k]: v for k, v in (options or {}).items()})


def build():
    rng = np.random.default_rng(2)
    return {"cases": activations(rng) + linears(rng) + [sequential(rng)]}


def activations(rng):
    rows = [(name, {}) for name in ACTIVATIONS] + OPTIONS
    cases = []
    for name, options in rows:
        for label, x in (("shape [7,5]", grid(rng, [7, 5], -4, 4)), ("special points", given(SPECIAL))):
            layers = [{"module": name, "options": options}]
            cases.append(
                case(f"{title(name, options)} at {label}", layers, lambda n=name, o=options: activation(n, o), x, rng)
            )
    return cases


def title(name, options):
    return name + "".join(f" {k}={v}" for k, v in options.items())


def linears(rng):
    cases = []
    for shape, n, bias in (
        ([7, 5], 3, True),
        ([13, 11], 9, True),
        ([13, 11], 9, False),
        ([7, 5], 1, True),
        ([1, 1], 1, True),
        ([5, 300], 9, True),
        ([300, 3], 2, True),
        ([2, 3, 5], 7, True),
    ):
        k = shape[-1]
        x = grid(rng, shape)
        values = {"weight": grid(rng, [n, k], -1, 1)}
        if bias:
            values["bias"] = grid(rng, [n], -1, 1)
        layers = [{"module": "Linear", "sizes": [k, n], "options": {} if bias else {"bias": False}}]
        label = f"Linear {k} -> {n}{'' if bias else ' without bias'} at shape {shape}"
        cases.append(case(label, layers, lambda k=k, n=n, bias=bias: nn.Linear(k, n, bias=bias), x, rng, values))
    return cases


def sequential(rng):
    layers = [
        {"module": "Linear", "sizes": [5, 7], "options": {}},
        {"module": "Tanh", "options": {}},
        {"module": "Linear", "sizes": [7, 3], "options": {}},
    ]
    shapes = {"0.weight": [7, 5], "0.bias": [7], "2.weight": [3, 7], "2.bias": [3]}
    values = {name: grid(rng, shape, -1, 1) for name, shape in shapes.items()}
    name = "Sequential(Linear 5 -> 7, Tanh, Linear 7 -> 3) at shape [11, 5]"
    return case(
        name,
        layers,
        lambda: nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3)),
        grid(rng, [11, 5]),
        rng,
        values,
    )


def case(name, layers, make, x, rng, values=None):
    values = values or {}
    shape = make_output(make(), x, values).shape
    upstream = grid(rng, shape)
    double, single = (evaluate(make(), x, values, upstream, t) for t in (torch.float64, torch.float32))
    for key, value in double.items():
        strays(f"{name}: {key}", single[key], value)
    return {
        "name": name,
        "layers": layers,
        "input": x.statement,
        "state": {key: value.statement for key, value in values.items()},
        "output": stated(double.pop("output")),
        "upstream": upstream.statement,
        "inputGradient": flat(double.pop("input")),
        "gradients": {key: flat(value) for key, value in double.items()},
    }


def load(module, values: dict[str, Given], dtype):
    module.to(dtype).load_state_dict({key: value.torch(dtype) for key, value in values.items()})
    return module


def make_output(module, x, values):
    return load(module, values, torch.float64)(x.torch())


def evaluate(module, x, values, upstream, dtype):
    """The output and the gradients by name, as tensors without history."""
    load(module, values, dtype)
    x = x.torch(dtype).requires_grad_()
    output = module(x)
    (output * upstream.torch(dtype)).sum().backward()
    return {"output": output.detach(), "input": x.grad, **{key: p.grad for key, p in module.named_parameters()}}
