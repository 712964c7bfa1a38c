"""Losses: their value, and their gradient with respect to the model's output."""

import numpy as np
import torch

from common import flat, given, grid, hashed, strays

LOSSES = {
    "MSELoss": torch.nn.MSELoss,
    "BCEWithLogitsLoss": torch.nn.BCEWithLogitsLoss,
    "CrossEntropyLoss": torch.nn.CrossEntropyLoss,
    "NLLLoss": torch.nn.NLLLoss,
    "L1Loss": torch.nn.L1Loss,
    "HuberLoss": torch.nn.HuberLoss,
    "SmoothL1Loss": torch.nn.SmoothL1Loss,
    "PoissonNLLLoss": torch.nn.PoissonNLLLoss,
    "KLDivLoss": torch.nn.KLDivLoss,
}
# PyTorch's names of the options that have others here.
PYTORCH = {
    "posWeight": "pos_weight",
    "labelSmoothing": "label_smoothing",
    "ignoreIndex": "ignore_index",
    "logInput": "log_input",
    "logTarget": "log_target",
}
LARGE = [-80, 80, 80, -80, 79.5, -0.5, 0, 0, 1e-3, -40, 40, 17]


def build():
    rng, more = np.random.default_rng(3), np.random.default_rng(4)
    rows = mse(rng) + binary(rng) + classes(rng)
    rows += numbers(more) + counts(more) + divergences(more) + weighted(more) + labelled(more) + soft(more)
    return {"cases": [case(*row) for row in rows]}


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


def all_of(label, name, output, target, options=None, reductions=None):
    """A row for each reduction, 'sum' without options only; 'none' is scaled by numbers of its shape."""
    reductions = reductions or (("mean", "none") if options else ("mean", "sum", "none"))
    rows = []
    for r in reductions:
        shape = output.values.shape[:1] if name in ("CrossEntropyLoss", "NLLLoss") else output.values.shape
        scale = hashed(shape, 77, (-2, 2), 16) if r == "none" else 1
        rows.append((f"{label}, {r}", name, r, output, target, scale, options or {}))
    return rows


def numbers(rng):
    """Losses of differences: those at 0 and at the bend too."""
    bends = (given([0, 0.5, -0.5, 1, -1, 2.5, 3, -40, 0.25]), given([0, 0, 0, 0, 0, 0, 3, 40, 1.25]))
    rows = all_of("shape [300, 1]", "L1Loss", grid(rng, [300, 1]), grid(rng, [300, 1]), reductions=("mean",))
    rows += all_of("shape [13]", "MSELoss", grid(rng, [13]), grid(rng, [13]), reductions=("none",))
    for name, options in (
        ("L1Loss", {}),
        ("HuberLoss", {}),
        ("HuberLoss", {"delta": 0.5}),
        ("SmoothL1Loss", {}),
        ("SmoothL1Loss", {"beta": 0.5}),
        ("SmoothL1Loss", {"beta": 0}),
    ):
        rows += all_of(f"shape [7, 3]{said(options)}", name, grid(rng, [7, 3]), grid(rng, [7, 3]), options)
        rows += all_of(f"special points{said(options)}", name, *bends, options, ("mean", "none"))
    return rows


def counts(rng):
    rows = []
    for options in ({}, {"full": True}, {"logInput": False}, {"logInput": False, "full": True, "eps": 1e-3}):
        low = -1.5 if options.get("logInput", True) else 0.125
        output, target = grid(rng, [7, 3], low, 2), given(rng.integers(0, 5, size=[7, 3]))
        rows += all_of(f"shape [7, 3]{said(options)}", "PoissonNLLLoss", output, target, options)
    return rows


def divergences(rng):
    rows = []
    for options in ({}, {"logTarget": True}):
        output = given(torch.from_numpy(grid(rng, [7, 3]).values).log_softmax(1).numpy())
        target = rng.integers(0, 9, size=[7, 3]) / 8
        target = given(target) if not options else grid(rng, [7, 3], -3, 0)
        rows += all_of(f"shape [7, 3]{said(options)}", "KLDivLoss", output, target, options, ("mean", "sum", "none", "batchmean"))
    return rows


def weighted(rng):
    """Yes or no, where a yes counts more or less."""
    rows = []
    for shape, weights in (([7, 5], [0.25, 1, 2, 3.5, 8]), ([13], [3]), ([11, 3], [0.5])):
        target = given(rng.integers(0, 65, size=shape) / 64)
        options = {"posWeight": weights}
        rows += all_of(f"shape {shape}{said(options)}", "BCEWithLogitsLoss", grid(rng, shape, -4, 4), target, options)
    large = (given(LARGE), given([0, 1, 0, 1] * 3))
    rows += all_of("logits of ±80", "BCEWithLogitsLoss", *large, {"posWeight": [2]}, ("mean", "none"))
    return rows + all_of("logits of ±80", "BCEWithLogitsLoss", *large, {}, ("none",))


LABELLED = [
    {},
    {"weight": [0.5, 1, 0, 2.5, 3]},
    {"ignoreIndex": 2},
    {"ignoreIndex": -100},
    {"weight": [0.5, 1, 0.25, 2.5, 3], "ignoreIndex": 4},
    {"labelSmoothing": 0.125},
    {"labelSmoothing": 0.125, "weight": [0.5, 1, 0.25, 2.5, 3]},
    {"labelSmoothing": 0.25, "ignoreIndex": -100},
    {"labelSmoothing": 0.25, "ignoreIndex": 0, "weight": [0.5, 1, 0.25, 2.5, 3]},
    {"labelSmoothing": 1},
]


def labelled(rng):
    rows = []
    for name in ("NLLLoss", "CrossEntropyLoss"):
        for options in LABELLED:
            if name == "NLLLoss" and "labelSmoothing" in options:
                continue
            labels = rng.integers(0, 5, size=13)
            if options.get("ignoreIndex", 0) < 0:
                labels[::4] = options["ignoreIndex"]
            output = grid(rng, [13, 5], -4, 0 if name == "NLLLoss" else 4)
            rows += all_of(f"13 rows of 5 classes{said(options)}", name, output, labels, options)
    options = {"weight": [0.5, 1, 0.25], "labelSmoothing": 0.125}
    many = rng.integers(0, 3, size=257)
    return rows + all_of(f"257 rows{said(options)}", "CrossEntropyLoss", grid(rng, [257, 3]), many, options, ("mean",))


def soft(rng):
    """The target is probabilities."""
    rows = []
    for options in ({}, {"weight": [0.5, 1, 0, 2.5, 3]}, {"labelSmoothing": 0.25, "weight": [0.5, 1, 0.25, 2.5, 3]}):
        target = given(rng.integers(0, 9, size=[11, 5]) / 32)
        label = f"11 rows of probabilities{said(options)}"
        rows += all_of(label, "CrossEntropyLoss", grid(rng, [11, 5], -4, 4), target, options)
    return rows


def said(options):
    return "".join(f" {key}={value}" for key, value in options.items())


def case(label, name, reduction, output, target, scale, options=None):
    title = f"{name} of {label}"
    options = options or {}
    double, single = (
        evaluate(name, reduction, output, target, scale, options, t) for t in (torch.float64, torch.float32)
    )
    for a, b in zip(single, double, strict=True):
        strays(title, a, b)
    is_labels = isinstance(target, np.ndarray)
    return {
        "name": title,
        "loss": name,
        "reduction": reduction,
        **({"options": options} if options else {}),
        "scale": scale if isinstance(scale, (int, float)) else scale.statement,
        "output": output.statement,
        "target": {"shape": list(target.shape), "data": target.tolist()} if is_labels else target.statement,
        "value": double[0].item() if double[0].dim() == 0 else flat(double[0].numpy()),
        "gradient": flat(double[1].numpy()),
    }


def evaluate(name, reduction, output, target, scale, options, dtype):
    """The loss times a factor, or each loss times its own, and the gradient of the sum."""
    o = output.torch(dtype).requires_grad_()
    t = torch.from_numpy(target) if isinstance(target, np.ndarray) else target.torch(dtype)
    named = {PYTORCH.get(k, k): torch.tensor(v, dtype=dtype) if isinstance(v, list) else v for k, v in options.items()}
    factor = scale if isinstance(scale, (int, float)) else scale.torch(dtype)
    if named.get("beta") == 0:
        # "Equivalent to L1Loss", says its page; its backward in 1.13 gives -1 where the difference is 0.
        name, named = "L1Loss", {}
    value = LOSSES[name](reduction=reduction, **named)(o, t) * factor
    value.sum().backward()
    return value.detach(), o.grad
