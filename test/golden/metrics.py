"""Metrics by scikit-learn: of scores, probabilities, classes, numbers; absent classes, ties, nothing to divide by."""

import warnings

import numpy as np
from sklearn import metrics
from sklearn.exceptions import UndefinedMetricWarning

from common import flat, given

EPSILON = 2.0**-23
AVERAGES = ("macro", "micro", "weighted")
COUNTED = {"precision": metrics.precision_score, "recall": metrics.recall_score, "f1": metrics.f1_score}


def build():
    warnings.simplefilter("ignore", UndefinedMetricWarning)
    rng = np.random.default_rng(11)
    data = {name: (given(output), np.asarray(target)) for name, (output, target) in datasets(rng).items()}
    return {
        "data": {
            name: {"output": output.statement, "target": {"shape": list(target.shape), "data": flat(target)}}
            for name, (output, target) in data.items()
        },
        "cases": [case for name, (output, target) in data.items() for case in cases(name, output.values, target)],
    }


def datasets(rng):
    """name: (output, target); the name's first word says what the output is."""
    quarters = lambda shape: rng.integers(-8, 9, shape) / 4
    shares = lambda rows, k: rng.multinomial(16, np.full(k, 1 / k), rows) / 16
    logits, binary = quarters(41), rng.integers(0, 2, 41)
    column = quarters((30, 1))
    return {
        "binary": (logits, binary),
        "binary column": (column, (column + quarters((30, 1)) > 0).astype(int)),
        "binary two columns": (quarters((37, 2)), rng.integers(0, 2, 37)),
        "binary none given": (-np.abs(logits) - 1, binary),
        "binary all right": (np.where(binary == 1, 1.0, -1.0), binary),
        "shares binary": (rng.integers(0, 17, 43) / 16, rng.integers(0, 2, 43)),
        "shares two columns": (shares(29, 2), rng.integers(0, 2, 29)),
        # No row is another's shuffled: their probabilities are equal or not as they are rounded.
        "scores": (rng.integers(-600, 600, (53, 4)) / 256, rng.integers(0, 4, 53)),
        "scores never class 3": (quarters((31, 4)) - [0, 0, 0, 9], rng.integers(0, 3, 31)),
        "scores never class 1 wanted": (quarters((31, 3)), rng.integers(0, 2, 31) * 2),
        "shares": (shares(47, 3), rng.integers(0, 3, 47)),
        "classes": (rng.integers(0, 5, 40), rng.integers(0, 6, 40)),
        "numbers": (quarters(40), quarters(40)),
        "numbers columns": (quarters((33, 3)), quarters((33, 3)) * [1, 2, 0] + [0, 10, 3]),
        "numbers constant": (np.full(9, 2.5), np.full(9, 2.5)),
        "numbers of a constant": (quarters(9), np.full(9, 0.5)),
        "numbers far from 0": (1000 + quarters(35), 1000 + quarters(35)),
    }


def cases(name, output, target):
    kind = name.split()[0]
    by_kind = {"numbers": numbers, "binary": two, "shares": shares_of, "scores": many, "classes": many}
    rows = by_kind[kind](name, output, target)
    return [{"data": name, "metric": metric, "options": options, "value": value} for metric, options, value in rows]


def numbers(_, output, target):
    yield "mae", None, metrics.mean_absolute_error(target, output)
    yield "rmse", None, metrics.mean_squared_error(target, output, squared=False)
    yield "r2", None, metrics.r2_score(target, output)


def counted(read, target, averages, options):
    yield "accuracy", options, metrics.accuracy_score(target, read)
    yield "confusionMatrix", options, metrics.confusion_matrix(target, read).tolist()
    for metric, score in COUNTED.items():
        for average in averages:
            own = {**(options or {}), **({"average": average} if average != "binary" else {})}
            yield metric, own or None, score(target, read, average=average)


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def two(_, output, target):
    z = output[:, 1] - output[:, 0] if output.ndim == 2 and output.shape[1] == 2 else output.reshape(-1)
    target = target.reshape(-1)
    yield from counted((z > 0).astype(int), target, ("binary", *AVERAGES), None)
    p = 1 / (1 + np.exp(-z))
    yield "logLoss", None, metrics.log_loss(target, np.stack([1 - p, p], axis=1), eps=1e-15)
    yield "rocAuc", None, metrics.roc_auc_score(target, z)


def shares_of(name, output, target):
    options = {"probabilities": True}
    if output.ndim == 2 and output.shape[1] == 3:
        yield from counted(output.argmax(axis=1), target, AVERAGES, options)
        yield "logLoss", options, metrics.log_loss(target, output, eps=EPSILON)
        for average in AVERAGES:
            auc = metrics.roc_auc_score(target, output, multi_class="ovr", average=average)
            yield "rocAuc", {**options, "average": average}, auc
        return
    p = output[:, 1] if output.ndim == 2 else output
    yield from counted((p > 0.5).astype(int), target, ("binary", "macro"), options)
    yield "logLoss", options, metrics.log_loss(target, np.stack([1 - p, p], axis=1), eps=EPSILON)
    yield "rocAuc", options, metrics.roc_auc_score(target, p)


def many(name, output, target):
    if output.ndim == 1:
        yield from counted(output.astype(int), target, AVERAGES, None)
        return
    labels = np.arange(output.shape[1])
    read = output.argmax(axis=1)
    for metric, options, value in counted(read, target, AVERAGES, None):
        if metric == "confusionMatrix":
            value = metrics.confusion_matrix(target, read, labels=labels).tolist()
        yield metric, options, value
    for k in (1, 2, 3, 4):
        yield "topK", k, metrics.top_k_accuracy_score(target, output, k=k, labels=labels)
    yield "logLoss", None, metrics.log_loss(target, softmax(output), eps=1e-15, labels=labels)
    if "never" not in name:
        for average in AVERAGES:
            auc = metrics.roc_auc_score(target, softmax(output), multi_class="ovr", average=average)
            yield "rocAuc", {"average": average}, auc
