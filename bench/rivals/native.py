"""Trains as the bench's other contenders do, one batch at a time: python3 native.py torch|numpy|sklearn FOLDER clock|cpu.

FOLDER holds spec.json and the arrays that it names. Each line of standard input is a number of updates; the answer is the
mean loss of the last pass over the rows, and the seconds of the clock or the processor that the updates took.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

BETA1, BETA2, EPS = 0.9, 0.999, 1e-8


class Spec:
    def __init__(self, folder):
        fields = json.loads((folder / "spec.json").read_text())
        self.__dict__.update(fields)
        read = lambda name, dtype: np.fromfile(folder / name, dtype=dtype)
        self.x = read("x", np.float32).reshape(self.rows, self.features)
        self.y = read("y", np.int32) if self.labels else read("y", np.float32).reshape(self.rows, -1)
        self.order = read("order", np.int32).reshape(-1, self.rows).astype(np.int64)
        shapes = list(zip(self.sizes[1:], self.sizes[:-1]))
        self.weights = [read(f"weight{i}", np.float32).reshape(s) for i, s in enumerate(shapes)]
        self.biases = [read(f"bias{i}", np.float32) for i in range(len(shapes))]

    def train(self, updates, step):
        """Calls step(x, y) for each batch; returns the mean loss of the last pass."""
        passes = updates // -(-self.rows // self.batch)
        for p in range(passes):
            total = 0.0
            for first in range(0, self.rows, self.batch):
                end = min(first + self.batch, self.rows)
                rows = self.order[p][first:end] if self.shuffle else slice(first, end)
                total += step(rows) * (end - first)
        return total / self.rows


def torch_run(spec):
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(1)
    losses = {"squared": F.mse_loss, "logistic": F.binary_cross_entropy_with_logits, "crossEntropy": F.cross_entropy}
    loss_of = losses[spec.loss]
    x = torch.from_numpy(spec.x)
    y = torch.from_numpy(spec.y.astype(np.int64) if spec.labels else spec.y)
    spec.order = torch.from_numpy(spec.order)

    def run(updates):
        ws = [torch.from_numpy(w.copy()).requires_grad_() for w in spec.weights]
        bs = [torch.from_numpy(b.copy()).requires_grad_() for b in spec.biases]
        parameters = [p for pair in zip(ws, bs) for p in pair]
        optimizer = (torch.optim.Adam if spec.optimizer == "adam" else torch.optim.SGD)(parameters, lr=spec.lr)

        def step(rows):
            h = x[rows]
            for i, (w, b) in enumerate(zip(ws, bs)):
                h = F.linear(h if i == 0 else F.relu(h), w, b)
            loss = loss_of(h, y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss.item()

        return spec.train(updates, step)

    return run


def numpy_slope(spec, o, y):
    """The mean loss of a batch, and its slope in the outputs."""
    if spec.loss == "squared":
        d = o - y
        return float(np.mean(d * d)), 2 * d / d.size
    if spec.loss == "logistic":
        e = np.exp(-np.abs(o))
        loss = np.mean(np.maximum(o, 0) - o * y + np.log1p(e))
        return float(loss), (np.where(o < 0, e, 1) / (1 + e) - y) / o.size
    e = np.exp(o - o.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    at = np.arange(len(y))
    loss = -np.mean(np.log(p[at, y]))
    p[at, y] -= 1
    return float(loss), p / len(y)


def numpy_run(spec):
    def run(updates):
        ws = [w.copy() for w in spec.weights]
        bs = [b.copy() for b in spec.biases]
        parameters = ws + bs
        us = [np.zeros_like(p) for p in parameters]
        vs = [np.zeros_like(p) for p in parameters]
        steps = 0

        def update(grads):
            nonlocal steps
            steps += 1
            if spec.optimizer == "sgd":
                for p, g in zip(parameters, grads):
                    p -= np.float32(spec.lr) * g
                return
            rate = np.float32(spec.lr / (1 - BETA1**steps))
            root = np.float32(1 / np.sqrt(1 - BETA2**steps))
            for p, g, u, v in zip(parameters, grads, us, vs):
                u *= np.float32(BETA1)
                u += np.float32(1 - BETA1) * g
                v *= np.float32(BETA2)
                v += np.float32(1 - BETA2) * (g * g)
                p -= rate * u / (np.sqrt(v) * root + np.float32(EPS))

        def step(rows):
            hs = [spec.x[rows]]
            for i, (w, b) in enumerate(zip(ws, bs)):
                h = hs[-1] @ w.T + b
                hs.append(np.maximum(h, 0) if i + 1 < len(ws) else h)
            loss, d = numpy_slope(spec, hs[-1], spec.y[rows])
            dws, dbs = [], []
            for i in reversed(range(len(ws))):
                dws.insert(0, d.T @ hs[i])
                dbs.insert(0, d.sum(axis=0))
                if i > 0:
                    d = (d @ ws[i]) * (hs[i] > 0)
            update(dws + dbs)
            return loss

        return spec.train(updates, step)

    return run


def sklearn_run(spec):
    from sklearn.neural_network import MLPClassifier
    from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

    classes = np.arange(spec.sizes[-1])

    def fresh():
        """A model at the initial values. Its first step makes it, so values and optimizer are put in place after one."""
        model = MLPClassifier(
            hidden_layer_sizes=spec.sizes[1:-1], solver=spec.optimizer, alpha=0, batch_size=spec.batch, random_state=0,
        )
        model.partial_fit(spec.x[: spec.batch], spec.y[: spec.batch], classes=classes)
        for i, (w, b) in enumerate(zip(spec.weights, spec.biases)):
            model.coefs_[i][:] = w.T
            model.intercepts_[i][:] = b
        parameters = model.coefs_ + model.intercepts_
        adam = spec.optimizer == "adam"
        sgd = lambda: SGDOptimizer(parameters, spec.lr, "constant", 0, False)
        model._optimizer = AdamOptimizer(parameters, spec.lr) if adam else sgd()
        model.t_ = 0
        return model

    def run(updates):
        model = fresh()

        def step(rows):
            model.partial_fit(spec.x[rows], spec.y[rows])
            return model.loss_

        return spec.train(updates, step)

    return run


RUNS = {"torch": torch_run, "numpy": numpy_run, "sklearn": sklearn_run}


def main():
    run = RUNS[sys.argv[1]](Spec(Path(sys.argv[2])))
    now = time.process_time if sys.argv[3] == "cpu" else time.perf_counter
    for line in sys.stdin:
        started = now()
        loss = run(int(line))
        print(loss, now() - started, flush=True)


main()
