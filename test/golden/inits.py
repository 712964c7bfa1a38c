"""What torch.nn.init draws from: the bounds or the deviation that it hands to the generator, and its gains."""

from unittest.mock import patch

import torch
from torch.nn import init

SHAPES = [[30, 50], [50, 30], [7, 11, 20]]
NONLINEARITIES = {"linear": 1, "sigmoid": 1, "tanh": 1, "relu": 1, "leaky_relu": 0.2, "selu": 1}
ROWS = (
    [("xavierUniform", {}), ("xavierUniform", {"gain": 1.7}), ("xavierNormal", {}), ("xavierNormal", {"gain": 0.3})]
    + [(name, {}) for name in ("kaimingUniform", "kaimingNormal")]
    + [(name, {"a": 0.3, "mode": "fanOut"}) for name in ("kaimingUniform", "kaimingNormal")]
    + [(name, {"nonlinearity": "tanh"}) for name in ("kaimingUniform", "kaimingNormal")]
)


def build():
    return {
        "gains": {camel(name): init.calculate_gain(name, 0.2) for name in NONLINEARITIES},
        "cases": [case(name, options, shape) for name, options in ROWS for shape in SHAPES],
    }


def camel(name):
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def snake(name):
    return "".join("_" + c.lower() if c.isupper() else c for c in name)


def case(name, options, shape):
    given = {key: snake(value) if isinstance(value, str) else value for key, value in options.items()}
    drawn = []
    with patch.object(torch.Tensor, "uniform_", lambda t, a, b: drawn.append({"high": b, "low": a})):
        with patch.object(torch.Tensor, "normal_", lambda t, mean, std: drawn.append({"mean": mean, "std": std})):
            getattr(init, snake(name) + "_")(torch.empty(shape), **given)
    (numbers,) = drawn
    return {"name": name, "options": options, "shape": shape, "drawn": numbers}
