"""Averages of weights: 8 epochs under SGD of a network with BatchNorm1d, averaged by torch.optim.swa_utils."""

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, update_bn
from torch.utils.data import DataLoader, TensorDataset

from common import flat, strays
from trajectories import BATCH, EPOCHS, ROWS, datasets, initial_states, nudged

LR = 0.05
# name: (decay or None for the mean, per, use_buffers)
AVERAGES = {
    "mean of epochs": (None, "epoch", False),
    "mean of steps": (None, "step", True),
    "moving average of steps": (0.9, "step", False),
    "moving average of epochs, buffers too": (0.7, "epoch", True),
}


def build():
    rng = np.random.default_rng(5)
    data, state = datasets(rng), initial_states(rng)["mlp"]
    state = {key.replace("2.", "3."): value for key, value in state.items()}
    return {
        "batchSize": BATCH,
        "epochs": EPOCHS,
        "lr": LR,
        "data": {name: data[name].statement for name in ("x", "values3")},
        "state": {key: v.statement for key, v in state.items()},
        "cases": {name: case(name, row, data, state) for name, row in AVERAGES.items()},
    }


def case(name, row, data, state):
    double, single, near = (
        train(row, data, s, dtype)
        for s, dtype in ((state, torch.float64), (state, torch.float32), (nudged(state), torch.float64))
    )
    for other in (single, near):
        for part in ("averages", "statistics"):
            for key, value in double[part].items():
                strays(f"{name}: {part} {key}", other[part][key], value)
    decay, per, buffers = row
    stated = {part: {key: flat(value) for key, value in double[part].items()} for part in double}
    return {"decay": decay, "per": per, "useBuffers": buffers, **stated}


def train(row, data, state, dtype):
    """The averages at the end, and the running statistics after `update_bn`."""
    decay, per, buffers = row
    model = nn.Sequential(nn.Linear(5, 7), nn.BatchNorm1d(7), nn.Tanh(), nn.Linear(7, 3)).to(dtype)
    model.load_state_dict({key: v.torch(dtype) for key, v in state.items()}, strict=False)
    rule = decay and (lambda averaged, parameter, _: decay * averaged + (1 - decay) * parameter)
    averaged = AveragedModel(model, avg_fn=rule, use_buffers=buffers)
    # An average of counts is one of counts in words only: the first is kept, as in the tests.
    averaged.module[1].num_batches_tracked = None if buffers else averaged.module[1].num_batches_tracked
    model[1].num_batches_tracked = None if buffers else model[1].num_batches_tracked
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    loader = DataLoader(TensorDataset(data["x"].torch(dtype), data["values3"].torch(dtype)), BATCH)
    for _ in range(EPOCHS):
        for x, target in loader:
            optimizer.zero_grad()
            nn.functional.mse_loss(model(x), target).backward()
            optimizer.step()
            if per == "step":
                averaged.update_parameters(model)
        if per == "epoch":
            averaged.update_parameters(model)
    keys = dict(averaged.module.named_parameters())
    if buffers:
        keys |= {f"1.{name}": getattr(averaged.module[1], name) for name in ("running_mean", "running_var")}
    averages = {f"module.{key}": value.detach().clone() for key, value in keys.items()}
    averaged.module[1].num_batches_tracked = torch.tensor(0)
    update_bn(loader, averaged)
    layer = averaged.module[1]
    return {"averages": averages, "statistics": {"running_mean": layer.running_mean, "running_var": layer.running_var}}
