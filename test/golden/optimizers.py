"""Every optimizer and option: 8 epochs of 4 batches (the last one partial) of a network and of a linear model."""

import math
import re

import numpy as np
import torch
from torch import nn

from common import flat, strays
from trajectories import BATCH, EPOCHS, ROWS, datasets, initial_states, networks, nudged

# Cases that are clipped by value, which some of every step's gradients exceed.
CLIPPED = {"SGD in groups": 0.02, "Lion in groups": 0.01, "Adagrad": 0.005}
# Cases whose rate and momentum go up and down from step to step, as OneCycleLR has them.
CYCLED = {"NAdam with options": 0.03, "NAdam in groups": 0.02, "Adam in groups": 0.02, "SGD in groups": 0.1}

# network: (its loss, its target)
PROBLEMS = {"Tanh": (nn.MSELoss, "values3"), "Linear 5 -> 1": (nn.BCEWithLogitsLoss, "binary1")}

# name: (class, options), or (class, options, options of the second half of the parameters)
OPTIMIZERS = {
    "Adam amsgrad": ("Adam", {"lr": 0.02, "amsgrad": True, "betas": [0.8, 0.7]}),
    "Adam amsgrad and weightDecay": ("Adam", {"lr": 0.01, "amsgrad": True, "weightDecay": 0.02}),
    "AdamW": ("AdamW", {}),
    "AdamW with options": ("AdamW", {"lr": 0.02, "weightDecay": 0.3, "betas": [0.8, 0.95], "eps": 1e-6}),
    "AdamW amsgrad": ("AdamW", {"lr": 0.02, "amsgrad": True, "betas": [0.8, 0.7]}),
    "RMSprop": ("RMSprop", {}),
    "RMSprop alpha, eps and weightDecay": ("RMSprop", {"lr": 0.02, "alpha": 0.9, "eps": 1e-3, "weightDecay": 0.05}),
    "RMSprop momentum": ("RMSprop", {"lr": 0.003, "momentum": 0.8}),
    "RMSprop centered": ("RMSprop", {"lr": 0.005, "alpha": 0.9, "eps": 0.02, "centered": True}),
    "RMSprop centered with momentum": ("RMSprop", {"lr": 0.003, "eps": 0.05, "centered": True, "momentum": 0.6}),
    "Adagrad": ("Adagrad", {}),
    "Adagrad lrDecay": ("Adagrad", {"lr": 0.1, "lrDecay": 0.05}),
    "Adagrad with options": ("Adagrad", {"lr": 0.1, "initialAccumulatorValue": 0.5, "eps": 1e-3, "weightDecay": 0.05}),
    "Adadelta": ("Adadelta", {}),
    "Adadelta with options": ("Adadelta", {"lr": 2, "rho": 0.8, "eps": 1e-4, "weightDecay": 0.05}),
    "Adamax": ("Adamax", {}),
    "Adamax with options": ("Adamax", {"lr": 0.02, "betas": [0.8, 0.9], "eps": 1e-4, "weightDecay": 0.05}),
    "NAdam": ("NAdam", {}),
    "NAdam with options": (
        "NAdam",
        {"lr": 0.01, "betas": [0.8, 0.95], "eps": 1e-6, "weightDecay": 0.05, "momentumDecay": 0.5},
    ),
    "RAdam": ("RAdam", {}),
    "RAdam with options": ("RAdam", {"lr": 0.02, "betas": [0.8, 0.9], "eps": 1e-6, "weightDecay": 0.05}),
    "Lion": ("Lion", {}),
    "Lion with options": ("Lion", {"lr": 0.003, "betas": [0.8, 0.95], "weightDecay": 0.5}),
    "SGD in groups": ("SGD", {"lr": 0.05, "weightDecay": 0.05}, {"lr": 0.02, "momentum": 0.9}),
    "Adam in groups": ("Adam", {"lr": 0.01, "amsgrad": True}, {"betas": [0.5, 0.6], "weightDecay": 0.1}),
    "AdamW in groups": ("AdamW", {"lr": 0.01}, {"lr": 0.02, "weightDecay": 0}),
    "RMSprop in groups": ("RMSprop", {"lr": 0.005, "momentum": 0.5}, {"lr": 0.01, "momentum": 0, "alpha": 0.8}),
    "Adagrad in groups": ("Adagrad", {"lr": 0.1}, {"lrDecay": 0.5, "eps": 0.1}),
    "Adadelta in groups": ("Adadelta", {"rho": 0.5}, {"rho": 0.95, "eps": 1e-4}),
    "Adamax in groups": ("Adamax", {"lr": 0.01}, {"betas": [0.6, 0.7]}),
    "NAdam in groups": ("NAdam", {"lr": 0.01}, {"betas": [0.6, 0.7], "momentumDecay": 1}),
    "RAdam in groups": ("RAdam", {"lr": 0.01}, {"betas": [0.6, 0.7]}),
    "Lion in groups": ("Lion", {"lr": 0.003}, {"lr": 0.001, "weightDecay": 1}),
}


class Lion:
    """Algorithm 2 of Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", in numpy."""

    def __init__(self, groups, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
        defaults = {"lr": lr, "betas": betas, "weight_decay": weight_decay}
        self.groups = [defaults | group for group in groups]
        self.m = {p: np.zeros_like(p.detach().numpy()) for group in self.groups for p in group["params"]}

    def step(self):
        for group in self.groups:
            for p in group["params"]:
                theta, g, m = p.detach().numpy(), p.grad.numpy(), self.m[p]
                kind, (beta1, beta2) = theta.dtype.type, group["betas"]
                c = kind(beta1) * m + kind(1 - beta1) * g
                theta -= kind(group["lr"]) * (np.sign(c) + kind(group["weight_decay"]) * theta)
                self.m[p] = kind(beta2) * m + kind(1 - beta2) * g


class NAdam(torch.optim.Optimizer):
    """PyTorch's documented rule. That of torch 1.13 multiplies by the last momentum twice in its product of them."""

    def __init__(self, groups, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, momentum_decay=4e-3):
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "decay": momentum_decay}
        super().__init__(groups, defaults)
        self.steps = 0
        self.products = [1.0 for _ in self.param_groups]
        for group in self.param_groups:
            group["decay"] = group.pop("momentum_decay", group["decay"])

    @torch.no_grad()
    def step(self):
        self.steps += 1
        for i, group in enumerate(self.param_groups):
            (beta1, beta2), t = group["betas"], self.steps
            mu, following = (beta1 * (1 - 0.5 * 0.96 ** (n * group["decay"])) for n in (t, t + 1))
            self.products[i] *= mu
            product = self.products[i]
            for p in group["params"]:
                g = p.grad + group["weight_decay"] * p
                state = self.state[p]
                m = state["m"] = beta1 * state.get("m", torch.zeros_like(p)) + (1 - beta1) * g
                v = state["v"] = beta2 * state.get("v", torch.zeros_like(p)) + (1 - beta2) * g * g
                ahead = following * m / (1 - product * following) + (1 - mu) * g / (1 - product)
                p -= group["lr"] * ahead / ((v / (1 - beta2**t)).sqrt() + group["eps"])


def pythonic(options):
    """PyTorch's names for ours."""
    return {re.sub("[A-Z]", lambda c: "_" + c.group().lower(), key): value for key, value in options.items()}


def build():
    rng = np.random.default_rng(7)
    data, states = datasets(rng), initial_states(rng)
    nets = {name: networks()[name] for name in PROBLEMS}
    used = {"x"} | {target for _, target in PROBLEMS.values()}
    return {
        "rows": ROWS,
        "batchSize": BATCH,
        "epochs": EPOCHS,
        "data": {name: data[name].statement for name in sorted(used)},
        "networks": {
            name: {
                "layers": layers,
                "state": {key: v.statement for key, v in states[state].items()},
                "loss": PROBLEMS[name][0].__name__,
                "target": PROBLEMS[name][1],
            }
            for name, (layers, state) in nets.items()
        },
        "optimizers": {
            name: {"optimizer": row[0], "options": row[1], **({"second": row[2]} if row[2:] else {})}
            for name, row in OPTIMIZERS.items()
        },
        "cases": [case(net, name, states[nets[net][1]], data) for net in nets for name in OPTIMIZERS]
        + [case(net, name, states[nets[net][1]], data, clip) for net in nets for name, clip in CLIPPED.items()]
        + [case(net, name, states[nets[net][1]], data, cycle=rate) for net in nets for name, rate in CYCLED.items()],
    }


def case(net, name, state, data, clip=None, cycle=None):
    double, single, near = (
        Training(net, OPTIMIZERS[name], s, data, dtype, clip, cycle)
        for s, dtype in ((state, torch.float64), (state, torch.float32), (nudged(state), torch.float64))
    )
    for other in (single, near):
        strays(f"{net}, {name}: losses", other.losses, double.losses)
        for key, value in double.final.items():
            strays(f"{net}, {name}: {key}", other.final[key], value)
    assert max(v.abs().max() for v in double.final.values()) < 10, f"{net}, {name}: the parameters blow up"
    assert double.losses[-1] < double.losses[0], f"{net}, {name}: no descent"
    return {
        "network": net,
        "optimizer": name,
        **({"clipGradValue": clip} if clip else {}),
        **({"maxLr": cycle} if cycle else {}),
        "epochLosses": double.losses,
        "final": {key: flat(value) for key, value in double.final.items()},
    }


class Training:
    """One training: `losses` by epoch and `final` parameters."""

    def __init__(self, net, row, state, data, dtype, clip, cycle):
        self.clip = clip
        criterion, target = PROBLEMS[net]
        linear = {"Tanh": lambda: nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3))}
        self.model = linear.get(net, lambda: nn.Linear(5, 1))().to(dtype)
        self.model.load_state_dict({key: v.torch(dtype) for key, v in state.items()})
        self.criterion, self.optimizer = criterion(), optimizer(row, list(self.model.parameters()))
        self.cycle = cycle and torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, cycle, total_steps=EPOCHS * -(-ROWS // BATCH)
        )
        self.x, self.target = data["x"].torch(dtype), data[target].torch(dtype)
        self.losses = [self.epoch() for _ in range(EPOCHS)]
        self.final = {key: value.detach() for key, value in self.model.named_parameters()}

    def epoch(self):
        return sum(self.step(slice(i, i + BATCH)) * len(self.x[i : i + BATCH]) for i in range(0, ROWS, BATCH)) / ROWS

    def step(self, rows):
        self.model.zero_grad()
        loss = self.criterion(self.model(self.x[rows]), self.target[rows])
        loss.backward()
        if self.clip:
            nn.utils.clip_grad_value_(self.model.parameters(), self.clip)
        self.optimizer.step()
        if self.cycle and self.cycle.last_epoch < self.cycle.total_steps - 1:
            self.cycle.step()
        return loss.item()


def optimizer(row, params):
    name, options, *second = row
    half = len(params) // 2 if second else len(params)
    groups = [{"params": params[:half]}] + [{"params": params[half:], **pythonic(own)} for own in second]
    return {"Lion": Lion, "NAdam": NAdam}.get(name, getattr(torch.optim, name, None))(groups, **pythonic(options))
