"""Losses: their value, and their gradient with respect to the model's output."""

import numpy as np
import torch

from common import flat, given, grid, strays

LOSSES = {
    "MSELoss": torch.nn.MSELoss,
    "BCEWithLogitsLoss": torch.nn.BCEWithLogitsLoss,
    "CrossEntropyLoss": torch.nn.CrossEntropyLoss,
}
LARGE = [-80, 80, 80, -80, 79.5, -0.5, 0, 0, 1e-3, -40, 40, 17]


def build():
    rng = np.random.default_rng(3)
    return {"cases": [case(*row) for row in mse(rng) + binary(rng) + classes(rng)]}


def both(label, name, output, target, scales=(1, 1)):
    return [(f"{label}, {r}", name, r, output, target, s) for r, s in zip(("mean", "sum"), scales, strict=True)]


def mse(rng):
    rows = []
    for shape in ([1, 1], [7, 5], [300, 1], [13], [2, 3, 5]):
        rows += both(f"shape {shape}", "MSELoss", grid(rng, shape), grid(rng, shape))
    rows += both("a perfect fit", "MSELoss", *[grid(np.random.default_rng(9), [5, 3])] * 2)
    return rows + both("scaled by a factor", "MSELoss", grid(rng, [9, 1]), grid(rng, [9, 1]), (0.5, -3))


def binary(rng):
    rows = []
    for shape in ([1, 1], [7, 5], [300, 1], [13]):
        target = given(rng.integers(0, 2, size=shape))
        rows += both(f"shape {shape}", "BCEWithLogitsLoss", grid(rng, shape, -4, 4), target)
    rows += both("logits of ±80", "BCEWithLogitsLoss", given(LARGE), given([0, 1, 0, 1] * 3))
    soft = given(rng.integers(0, 65, size=[11, 3]) / 64)
    return rows + both("soft targets and a factor", "BCEWithLogitsLoss", grid(rng, [11, 3], -4, 4), soft, (0.5, -3))


def classes(rng):
    rows = []
    for m, n in ((1, 2), (37, 10), (300, 2), (300, 1), (5, 17)):
        labels = rng.integers(0, n, size=m)
        rows += both(f"{m} rows of {n} classes", "CrossEntropyLoss", grid(rng, [m, n], -4, 4), labels)
    large = given([[80, -80, 0], [-80, 80, 80], [0, 0, 0], [80, 80, 80], [-80, -80, -79.5]])
    rows += both("logits of ±80", "CrossEntropyLoss", large, np.array([1, 2, 0, 1, 2]))
    scaled = grid(rng, [9, 5], -4, 4)
    return rows + both("scaled by a factor", "CrossEntropyLoss", scaled, rng.integers(0, 5, size=9), (0.5, -3))


def case(label, name, reduction, output, target, scale):
    title = f"{name} of {label}"
    double, single = (evaluate(name, reduction, output, target, scale, t) for t in (torch.float64, torch.float32))
    for a, b in zip(single, double, strict=True):
        strays(title, a, b)
    is_labels = isinstance(target, np.ndarray)
    return {
        "name": title,
        "loss": name,
        "reduction": reduction,
        "scale": scale,
        "output": output.statement,
        "target": {"shape": list(target.shape), "data": target.tolist()} if is_labels else target.statement,
        "value": double[0].item(),
        "gradient": flat(double[1].numpy()),
    }


def evaluate(name, reduction, output, target, scale, dtype):
    """The value of `scale * loss` and its gradient."""
    o = output.torch(dtype).requires_grad_()
    t = torch.from_numpy(target) if isinstance(target, np.ndarray) else target.torch(dtype)
    value = LOSSES[name](reduction=reduction)(o, t) * scale
    value.backward()
    return value.detach(), o.grad
