"""Arrays that float32 holds exactly, the comparison with float32, and compact JSON."""

import json
import math

import numpy as np
import torch

# The tests allow 5e-6 (1 + |b|); PyTorch in float32 must stay within a fifth of that.
FLOAT32_ALLOWED = 1e-6
LINE = 120
EXACT_DIGITS = 17


class Exact(list):
    """Numbers that the file must hold as they are; all others are rounded."""


class Given:
    """An input: its float64 values and how the file states them, in full or as a seed of `hashed`."""

    def __init__(self, values, statement=None):
        self.values = np.asarray(values, dtype=np.float64)
        assert np.array_equal(self.values, self.values.astype(np.float32)), "float32 must hold the inputs exactly"
        self.statement = statement or {"shape": list(self.values.shape), "data": Exact(flat(self.values))}

    def torch(self, dtype=torch.float64):
        return torch.tensor(self.values, dtype=dtype)


def given(values):
    return Given(np.asarray(values, dtype=np.float32))


def grid(rng, shape, low=-2.0, high=2.0):
    """Short fractions from [low, high]; stated in full where they are few, by their hash where they are many."""
    size = math.prod(shape)
    drawn = hashed(shape, int(rng.integers(1, 1000)), (low, high), 4 if size > 200 else 16)
    return Given(drawn.values) if size <= 12 else drawn


def hashed(shape, seed, ends, per):
    """Multiples of 1/per between the ends by a 32-bit hash of the index; `hashed` in read.ts is the same function."""
    first, count = round(ends[0] * per), round((ends[1] - ends[0]) * per) + 1
    h = (np.arange(math.prod(shape), dtype=np.uint32) + np.uint32(seed * 65537)) * np.uint32(2654435761)
    h = (h ^ (h >> np.uint32(15))) * np.uint32(2246822519)
    h ^= h >> np.uint32(13)
    values = (first + ((h >> np.uint32(8)) % np.uint32(count)).astype(np.int64)) / per
    return Given(values.reshape(shape), {"shape": list(shape), "hash": [seed, first, count, per]})


def stated(tensor):
    return {"shape": list(tensor.shape), "data": flat(tensor.detach().numpy())}


def flat(array):
    return np.asarray(array).reshape(-1).tolist()


def strays(name, single, double):
    """The worst |a - b| / (1 + |b|) of float32 against float64; beyond the allowance it is an error."""
    a, b = (np.asarray(v.detach().numpy() if torch.is_tensor(v) else v, dtype=np.float64) for v in (single, double))
    worst = float(np.max(np.abs(a - b) / (1 + np.abs(b)), initial=0))
    assert worst <= FLOAT32_ALLOWED, f"{name}: float32 strays by {worst:.2g}"
    return worst


def dump(value, digits):
    """JSON with every array of numbers on one line, numbers rounded to `digits` significant ones."""
    if isinstance(value, dict):
        return bracket("{}", [f"{json.dumps(k)}:{dump(v, digits)}" for k, v in value.items()])
    if isinstance(value, (list, tuple)):
        parts = [dump(v, EXACT_DIGITS if isinstance(value, Exact) else digits) for v in value]
        numbers = not any(isinstance(v, (dict, list, tuple, str)) for v in value)
        return "[" + ",".join(parts) + "]" if numbers else bracket("[]", parts)
    if isinstance(value, (bool, str)) or value is None:
        return json.dumps(value)
    assert math.isfinite(value), "the files hold finite numbers only"
    return f"{value:.{digits}g}"


def bracket(ends, parts):
    line = ends[0] + ",".join(parts) + ends[1]
    if len(line) <= LINE and "\n" not in line:
        return line
    return ends[0] + "\n" + ",\n".join(parts) + "\n" + ends[1]
