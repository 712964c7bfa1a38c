"""Where costs are the lowest, by SciPy: a sine and a peak through noisy points, and Rosenbrock's valley."""

import numpy as np
from scipy.optimize import least_squares, minimize, rosen

from common import Exact, given

POINTS = 61


def build():
    rng = np.random.default_rng(3)
    t = given(np.linspace(0, 4, POINTS))
    noise = lambda: rng.normal(0, 0.1, POINTS)
    sine = lambda p, t: p[0] * np.sin(p[1] * t + p[2])
    peak = lambda p, t: p[0] * np.exp(-(((t - p[1]) / p[2]) ** 2) / 2)
    return {
        "sine": fitted(sine, t, given(sine([1.5, 2.25, 0.5], t.values) + noise()), [1, 2, 0]),
        "peak": fitted(peak, t, given(peak([2, 2.5, 0.375], t.values) + noise()), [1, 2, 1]),
        "rosenbrock": valley([-1.2, 1]),
    }


def fitted(curve, t, y, start):
    """The least mean of squares, from two starts."""
    found = [
        least_squares(lambda p: curve(p, t.values) - y.values, p, xtol=1e-15, ftol=1e-15, gtol=1e-15)
        for p in (start, np.asarray(start) + 0.05)
    ]
    assert np.allclose(found[0].x, found[1].x, rtol=1e-7), "the minimum is where it began"
    return {
        "t": t.statement,
        "y": y.statement,
        "start": Exact(start),
        "at": found[0].x.tolist(),
        "cost": 2 * found[0].cost / POINTS,
    }


def valley(start):
    found = minimize(rosen, start, method="BFGS", options={"gtol": 1e-9})
    assert np.allclose(found.x, [1, 1], atol=1e-6)
    return {"start": Exact(start), "at": np.round(found.x, 4).tolist(), "cost": 0}
