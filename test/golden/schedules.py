"""The rates of two groups, step by step, of each schedule."""

import math

import torch
from torch.optim import lr_scheduler as torch_schedules
from torch.optim import swa_utils

STEPS = 25
RATES = (0.1, 0.03)
METRICS = [1 / (1 + i) if i < 6 else 0.2 + 0.001 * (i % 3) for i in range(STEPS)]

# name: (class, options); of a sequence the options of each, and the milestones
SCHEDULES = {
    "StepLR": ("StepLR", {"stepSize": 4}),
    "StepLR gamma": ("StepLR", {"stepSize": 3, "gamma": 0.7}),
    "MultiStepLR": ("MultiStepLR", {"milestones": [2, 5, 5, 17]}),
    "MultiStepLR gamma": ("MultiStepLR", {"milestones": [1, 20], "gamma": 0.3}),
    "ExponentialLR": ("ExponentialLR", {"gamma": 0.93}),
    "CosineAnnealingLR": ("CosineAnnealingLR", {"tMax": 40}),
    "CosineAnnealingLR etaMin, there and back": ("CosineAnnealingLR", {"tMax": 9, "etaMin": 0.002}),
    "CosineAnnealingWarmRestarts": ("CosineAnnealingWarmRestarts", {"t0": 7}),
    "CosineAnnealingWarmRestarts tMult": ("CosineAnnealingWarmRestarts", {"t0": 3, "tMult": 2, "etaMin": 0.001}),
    "OneCycleLR": ("OneCycleLR", {"maxLr": 0.5, "totalSteps": STEPS}),
    "OneCycleLR linear": ("OneCycleLR", {"maxLr": 0.5, "epochs": 5, "stepsPerEpoch": 5, "annealStrategy": "linear"}),
    "OneCycleLR three phases": (
        "OneCycleLR",
        {"maxLr": [0.5, 0.2], "totalSteps": 30, "threePhase": True, "divFactor": 10, "finalDivFactor": 50, "pctStart": 0.4},
    ),
    "OneCycleLR momenta": (
        "OneCycleLR",
        {"maxLr": 0.5, "totalSteps": STEPS, "pctStart": 0.2, "baseMomentum": 0.5, "maxMomentum": 0.9},
    ),
    "OneCycleLR without momentum": ("OneCycleLR", {"maxLr": 0.5, "totalSteps": 40, "cycleMomentum": False}),
    "LinearLR": ("LinearLR", {}),
    "LinearLR with options": ("LinearLR", {"startFactor": 0.9, "endFactor": 0.1, "totalIters": 11}),
    "SWALR": ("SWALR", {"swaLr": 0.05}),
    "SWALR linear": ("SWALR", {"swaLr": [0.5, 0.01], "annealEpochs": 7, "annealStrategy": "linear"}),
    "SWALR at once": ("SWALR", {"swaLr": 0.05, "annealEpochs": 0}),
    "LambdaLR": ("LambdaLR", {"lrLambda": "1 / (1 + n)"}),
    "SequentialLR": (
        "SequentialLR",
        {"milestones": [5, 13]},
        ("LinearLR", {"startFactor": 0.2, "totalIters": 5}),
        ("CosineAnnealingLR", {"tMax": 8, "etaMin": 0.01}),
        ("StepLR", {"stepSize": 2, "gamma": 0.5}),
    ),
    "ReduceLROnPlateau": ("ReduceLROnPlateau", {"patience": 2}),
    "ReduceLROnPlateau abs": (
        "ReduceLROnPlateau",
        {"patience": 1, "threshold": 0.04, "thresholdMode": "abs", "cooldown": 2, "factor": 0.5, "minLr": 0.002},
    ),
    "ReduceLROnPlateau max": ("ReduceLROnPlateau", {"mode": "max", "patience": 3, "factor": 0.5, "eps": 0.004}),
}
NAMES = {"tMax": "T_max", "t0": "T_0", "tMult": "T_mult"}


def build():
    cases = {name: case(row, optimizer) for name, row in SCHEDULES.items() for optimizer in ("SGD",)}
    adam = {f"{name}, Adam": case(SCHEDULES[name], "Adam") for name in ("OneCycleLR", "StepLR")}
    return {"rates": list(RATES), "metrics": METRICS, "cases": cases | adam}


def snake(name):
    return NAMES.get(name) or "".join("_" + c.lower() if c.isupper() else c for c in name)


def schedule(row, optimizer):
    name, options, *parts = row
    options = {snake(key): value for key, value in options.items()}
    if name == "LambdaLR":
        options = {"lr_lambda": lambda n: 1 / (1 + n)}
    if parts:
        options["schedulers"] = [schedule(part, optimizer) for part in parts]
    return getattr(swa_utils if name == "SWALR" else torch_schedules, name)(optimizer, **options)


def case(row, optimizer):
    groups = [{"params": [torch.zeros(1, requires_grad=True)], "lr": rate} for rate in RATES]
    kind = getattr(torch.optim, optimizer)
    made = kind(groups, lr=1, **({"momentum": 0.7} if optimizer == "SGD" else {}))
    stepped = schedule(row, made)
    rates, momenta = [], []
    for metric in METRICS:
        rates.append([group["lr"] for group in made.param_groups])
        momenta.append([group["momentum"] if optimizer == "SGD" else group["betas"][0] for group in made.param_groups])
        made.step()
        if len(rates) < STEPS:
            stepped.step(*([metric] if row[0] == "ReduceLROnPlateau" else []))
    assert all(math.isfinite(rate) for pair in rates for rate in pair)
    return {
        "optimizer": optimizer,
        "schedule": row[0],
        "options": row[1],
        "parts": [{"schedule": name, "options": options} for name, options in row[2:]],
        "rates": rates,
        **({"momenta": [pair[0] for pair in momenta]} if row[0] == "OneCycleLR" else {}),
    }
