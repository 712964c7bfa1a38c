"""Rows that do not count alike, and logical batches: 8 epochs under SGD of 23 rows, each loss of a batch by its formula."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from common import flat, given, strays
from optimizers import pythonic
from trajectories import BATCH, EPOCHS, ROWS, datasets, initial_states, nudged

# The rate, and those of losses that need a smaller one.
LR = 0.1
RATES = {"MSELoss sum": 0.003, "NLLLoss": 0.02, "KLDivLoss": 0.05, "KLDivLoss batchmean": 0.02}
# name: (PyTorch's function of single losses, the target, options)
LOSSES = {
    "MSELoss": (F.mse_loss, "values3", {}),
    "MSELoss sum": (F.mse_loss, "values3", {"reduction": "sum"}),
    "L1Loss": (F.l1_loss, "values3", {}),
    "HuberLoss": (F.huber_loss, "values3", {"delta": 0.7}),
    "SmoothL1Loss": (F.smooth_l1_loss, "values3", {"beta": 0.6}),
    "PoissonNLLLoss": (F.poisson_nll_loss, "counts3", {"full": True}),
    "KLDivLoss": (F.kl_div, "shares3", {}),
    "KLDivLoss batchmean": (F.kl_div, "shares3", {"reduction": "batchmean"}),
    "BCEWithLogitsLoss": (F.binary_cross_entropy_with_logits, "binary3", {}),
    "BCEWithLogitsLoss posWeight": (F.binary_cross_entropy_with_logits, "binary3", {"posWeight": [2, 0.5, 1]}),
    "CrossEntropyLoss": (F.cross_entropy, "labels", {}),
    "CrossEntropyLoss of shares": (F.cross_entropy, "shares3", {"labelSmoothing": 0.1}),
    "CrossEntropyLoss with options": (
        F.cross_entropy,
        "labels",
        {"weight": [1, 2, 0.5], "ignoreIndex": 2, "labelSmoothing": 0.2},
    ),
    "NLLLoss": (F.nll_loss, "labels", {"weight": [1, 3, 0.5]}),
}

CLASS_WEIGHT = [0.5, 1.5, 2]


def build():
    rng = np.random.default_rng(5)
    data, state = datasets(rng), initial_states(rng)["mlp"]
    data["counts3"] = given(np.abs(np.round(data["values3"].values)))
    shares = rng.integers(1, 8, (ROWS, 3)) / 16
    data["shares3"] = given(shares)
    weights = rng.integers(0, 17, ROWS) / 8
    # One batch without any weight.
    weights[6:12] = 0
    plain = {"sampleWeight": weights}
    rows = [(loss, plain) for loss in LOSSES]
    for loss in ("CrossEntropyLoss", "CrossEntropyLoss with options", "NLLLoss"):
        rows += [(loss, {"classWeight": w}) for w in (CLASS_WEIGHT, "balanced")]
    rows += [("CrossEntropyLoss", plain | {"classWeight": CLASS_WEIGHT, "accumulate": 2})]
    rows += [("MSELoss", {"accumulate": k}) for k in (2, 3, 5)]
    used = {"x"} | {LOSSES[loss][1] for loss in LOSSES}
    return {
        "batchSize": BATCH,
        "epochs": EPOCHS,
        "data": {name: data[name].statement for name in sorted(used)},
        "state": {key: v.statement for key, v in state.items()},
        "cases": [case(loss, options, data, state) for loss, options in rows],
    }


def case(loss, options, data, state):
    double, single, near = (
        Training(loss, options, data, s, dtype)
        for s, dtype in ((state, torch.float64), (state, torch.float32), (nudged(state), torch.float64))
    )
    for other in (single, near):
        strays(f"{loss}: losses", other.losses, double.losses)
        for key, value in double.final.items():
            strays(f"{loss}: {key}", other.final[key], value)
    assert max(v.abs().max() for v in double.final.values()) < 10, f"{loss}: the parameters blow up"
    assert double.losses[-1] < double.losses[0], f"{loss}: no descent"
    function, target, own = LOSSES[loss]
    stated = {key: value if isinstance(value, (str, int)) else flat(value) for key, value in options.items()}
    return {
        "loss": loss.split()[0],
        "lr": RATES.get(loss, LR),
        "lossOptions": own,
        "target": target,
        "options": stated,
        "epochLosses": double.losses,
        "final": {key: flat(value) for key, value in double.final.items()},
    }


def class_weights(given_weights, labels, ignored):
    """scikit-learn's n_samples / (n_classes * bincount) where they are balanced; rows that are ignored do not count."""
    counted = labels[labels != ignored]
    if isinstance(given_weights, str):
        counts = np.bincount(counted, minlength=3)
        given_weights = len(counted) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return np.where(labels == ignored, 0, np.asarray(given_weights)[labels])


class Training:
    """One training: `losses` by epoch, weighted as the rows are, and `final` parameters."""

    def __init__(self, loss, options, data, state, dtype):
        self.function, target, own = LOSSES[loss]
        self.reduction = own.get("reduction", "mean")
        self.own = {key: value for key, value in own.items() if key != "reduction"}
        self.dtype = dtype
        self.model = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3)).to(dtype)
        self.model.load_state_dict({key: v.torch(dtype) for key, v in state.items()})
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=RATES.get(loss, LR))
        self.x = data["x"].torch(dtype)
        self.target = data[target].torch(torch.int64 if target == "labels" else dtype)
        weights = options.get("sampleWeight", np.ones(ROWS))
        if "classWeight" in options:
            ignored = self.own.get("ignoreIndex", -1)
            weights = weights * class_weights(options["classWeight"], self.target.numpy(), ignored)
        self.weights = torch.tensor(weights, dtype=dtype)
        self.batch = BATCH * options.get("accumulate", 1)
        self.losses = [self.epoch() for _ in range(EPOCHS)]
        self.final = {key: value.detach() for key, value in self.model.named_parameters()}

    def epoch(self):
        total = 0
        for i in range(0, ROWS, self.batch):
            rows = slice(i, i + self.batch)
            total += self.step(rows) * self.weights[rows].sum().item()
        return total / self.weights.sum().item()

    def step(self, rows):
        self.optimizer.zero_grad()
        loss = self.loss(self.model(self.x[rows]), self.target[rows], self.weights[rows])
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def loss(self, output, target, weights):
        own = {key: torch.tensor(v, dtype=self.dtype) if isinstance(v, list) else v for key, v in self.own.items()}
        losses = self.function(output, target, reduction="none", **pythonic(own)).reshape(len(weights), -1)
        per_row = losses.sum(1) if self.reduction in ("sum", "batchmean") else losses.mean(1)
        if self.reduction == "sum":
            return (weights * per_row).sum()
        if target.dtype == torch.int64:
            weights_of_labels = own.get("weight", torch.ones(3, dtype=self.dtype))[target]
            counted = weights * weights_of_labels * (target != own.get("ignoreIndex", -1))
        else:
            counted = weights
        total = counted.sum()
        return (weights * per_row).sum() / (total if total > 0 else 1)
