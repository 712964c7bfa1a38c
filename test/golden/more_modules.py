"""Modules with a mode, a state or indices: values and gradients in both modes, and short trainings with partial batches."""

import numpy as np
import torch
from torch import nn

from common import flat, given, grid, stated, strays

ROWS, BATCH, EPOCHS = 17, 5, 4

# The library's name of a module, and its sizes and options: PyTorch's module.
MAKE = {
    "Softmax": lambda axis=-1: nn.Softmax(axis),
    "LogSoftmax": lambda axis=-1: nn.LogSoftmax(axis),
    "Flatten": lambda startAxis=1, endAxis=-1: nn.Flatten(startAxis, endAxis),
    "LayerNorm": lambda n, eps=1e-5, elementwiseAffine=True: nn.LayerNorm(n, eps, elementwiseAffine),
    "BatchNorm1d": lambda n, eps=1e-5, momentum=0.1, affine=True, trackRunningStats=True: nn.BatchNorm1d(
        n, eps, momentum, affine, trackRunningStats
    ),
    "Embedding": lambda count, dim, paddingIdx=None: nn.Embedding(count, dim, paddingIdx),
    "Dropout": lambda p=0.5: nn.Dropout(p),
    "Linear": nn.Linear,
    "Tanh": nn.Tanh,
    "ReLU": nn.ReLU,
}

ROWS_OF = [
    ("Softmax", [], {}, [7, 5]),
    ("Softmax", [], {"axis": 0}, [7, 5]),
    ("Softmax", [], {"axis": 1}, [3, 5, 2]),
    ("LogSoftmax", [], {}, [7, 5]),
    ("LogSoftmax", [], {"axis": 1}, [3, 5, 2]),
    ("Flatten", [], {}, [3, 5, 2]),
    ("Flatten", [], {"startAxis": 0, "endAxis": 1}, [3, 5, 2]),
    ("LayerNorm", [5], {}, [7, 5]),
    ("LayerNorm", [17], {"eps": 0.01}, [3, 17]),
    ("LayerNorm", [3], {"elementwiseAffine": False}, [2, 5, 3]),
    ("BatchNorm1d", [5], {}, [7, 5]),
    ("BatchNorm1d", [1], {"momentum": 0.5, "eps": 0.01}, [259, 1]),
    ("BatchNorm1d", [3], {"affine": False}, [5, 3]),
    ("BatchNorm1d", [3], {"trackRunningStats": False}, [5, 3]),
    ("BatchNorm1d", [3], {"momentum": None}, [5, 3, 2]),
    ("Embedding", [7, 3], {}, [11]),
    ("Embedding", [7, 3], {"paddingIdx": 2}, [3, 5]),
    ("Dropout", [0.5], {}, [7, 5]),
    ("Dropout", [0], {}, [7, 5]),
]

TRAININGS = {
    "BatchNorm1d": [("Linear", [5, 7]), ("BatchNorm1d", [7]), ("ReLU", []), ("Linear", [7, 3])],
    "BatchNorm1d momentum=null": [("Linear", [5, 7]), ("BatchNorm1d", [7], {"momentum": None}), ("Linear", [7, 3])],
    "LayerNorm": [("Linear", [5, 7]), ("LayerNorm", [7]), ("Tanh", []), ("Linear", [7, 3])],
    "Embedding": [("Embedding", [6, 3], {"paddingIdx": 0}), ("Flatten", []), ("Linear", [15, 3])],
    "Softmax": [("Linear", [5, 3]), ("Softmax", [])],
}


def build():
    rng = np.random.default_rng(8)
    cases = []
    for name, sizes, options, shape in ROWS_OF:
        for training in (True, False):
            if name == "Dropout" and training and sizes[0]:
                continue
            cases.append(case(layer(name, sizes, options), shape, training, rng))
    return {
        "cases": cases,
        "batchSize": BATCH,
        "epochs": EPOCHS,
        "trainings": [trained(name, [layer(*row) for row in rows], rng) for name, rows in TRAININGS.items()],
    }


def layer(name, sizes=(), options=None):
    return {"module": name, "sizes": list(sizes), "options": options or {}}


def make(spec):
    return MAKE[spec["module"]](*spec["sizes"], **spec["options"])


def start(module, rng):
    """Values for every parameter and buffer; those of variances are positive."""
    state = {}
    for key, value in module.state_dict().items():
        if key.endswith("num_batches_tracked"):
            state[key] = given(0)
        elif key.endswith("running_var"):
            state[key] = grid(rng, list(value.shape), 0.5, 2)
        else:
            state[key] = grid(rng, list(value.shape), -1, 1)
    return state


def load(module, state, dtype):
    module.to(dtype).load_state_dict({key: v.torch(dtype) for key, v in state.items()})
    return module


def input_for(spec, shape, rng):
    if spec["module"] != "Embedding":
        return grid(rng, shape)
    return given(rng.integers(0, spec["sizes"][0], size=shape))


def state_of(module):
    return {key: v.detach().clone() for key, v in module.state_dict().items()}


def case(spec, shape, training, rng):
    options = "".join(f" {k}={v}" for k, v in spec["options"].items())
    name = f"{spec['module']}{options} of shape {shape} {'in train mode' if training else 'in eval mode'}"
    state, x = start(make(spec), rng), input_for(spec, shape, rng)
    output = load(make(spec), state, torch.float64).train(training)(
        x.torch(torch.int64 if spec["module"] == "Embedding" else torch.float64)
    )
    upstream = grid(rng, list(output.shape))
    results = [evaluate(spec, state, x, upstream, training, t) for t in (torch.float64, torch.float32)]
    for a, b in zip(results[1].values(), results[0].values()):
        for key, value in b.items():
            strays(f"{name}: {key}", a[key], value)
    got = results[0]
    return {
        "name": name,
        "layers": [spec],
        "training": training,
        "input": x.statement,
        "state": {key: v.statement for key, v in state.items()},
        "upstream": upstream.statement,
        "output": stated(got["values"]["output"]),
        "gradients": {key: flat(v) for key, v in got["gradients"].items()},
        "after": {key: stated(v) for key, v in got["after"].items()},
    }


def evaluate(spec, state, x, upstream, training, dtype):
    module = load(make(spec), state, dtype).train(training)
    indices = spec["module"] == "Embedding"
    given_x = x.torch(torch.int64 if indices else dtype)
    if not indices:
        given_x.requires_grad_()
    output = module(given_x)
    (output * upstream.torch(dtype)).sum().backward()
    gradients = {key: p.grad for key, p in module.named_parameters()}
    if not indices:
        gradients["input"] = given_x.grad
    return {"values": {"output": output.detach()}, "gradients": gradients, "after": state_of(module)}


def trained(name, layers, rng):
    indices = layers[0]["module"] == "Embedding"
    x = given(rng.integers(0, 6, size=[ROWS, 5])) if indices else grid(rng, [ROWS, 5])
    target = grid(rng, [ROWS, 3])
    state = start(nn.Sequential(*map(make, layers)), rng)
    double, single = (train(layers, state, x, target, t) for t in (torch.float64, torch.float32))
    for key, value in double.items():
        strays(f"training {name}: {key}", single[key], value)
    return {
        "name": name,
        "layers": layers,
        "lr": 0.05,
        "x": x.statement,
        "target": target.statement,
        "state": {key: v.statement for key, v in state.items()},
        "losses": flat(double.pop("losses")),
        "predicted": stated(double.pop("predicted")),
        "final": {key: stated(v) for key, v in double.items()},
    }


def train(layers, state, x, target, dtype):
    model = load(nn.Sequential(*map(make, layers)), state, dtype)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    x = x.torch(torch.int64 if layers[0]["module"] == "Embedding" else dtype)
    target, losses = target.torch(dtype), []
    for _ in range(EPOCHS):
        for i in range(0, ROWS, BATCH):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x[i : i + BATCH]), target[i : i + BATCH])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    state = state_of(model)
    return {"losses": torch.tensor(losses), "predicted": model.eval()(x).detach(), **state}
