#!/usr/bin/python3
"""Writes the oracle files that test/golden-*.test.ts read (torch 1.13, numpy 1.24).

    /usr/bin/python3 test/golden/generate.py

Every value is computed in float64 from inputs that float32 holds exactly, and computed again in float32: a case on
which PyTorch's own float32 strays by more than a fifth of what the tests allow is an error here, not there.
"""

import sys
from pathlib import Path

sys.dont_write_bytecode = True

import torch

import averages
import estimators
import inits
import interchange
import losses
import metrics
import minima
import modules
import more_modules
import ops
import optimizers
import preprocessing
import pytorch
import schedules
import splits
import text
import trajectories
import weighted
from common import dump

ROOMS = (
    text,
    ops,
    modules,
    more_modules,
    losses,
    trajectories,
    optimizers,
    schedules,
    preprocessing,
    splits,
    weighted,
    averages,
    inits,
    metrics,
    estimators,
    minima,
    interchange,
    pytorch,
)
BYTES_ALLOWED = 1_100_000
# The tests' tolerance is 5e-6 (1 + |b|): 8 digits cost a thousandth of it.
DIGITS = {text: 12, schedules: 13, preprocessing: 15, inits: 13, metrics: 12, minima: 12}


def main():
    torch.set_num_threads(1)
    folder = Path(__file__).parent
    total = 0
    for room in ROOMS:
        path = folder / f"{room.__name__}.json"
        path.write_text(dump(room.build(), DIGITS.get(room, 8)) + "\n")
        total += path.stat().st_size
        print(f"{path.name:20} {path.stat().st_size:8} bytes")
    if total > BYTES_ALLOWED:
        sys.exit(f"The files take {total} bytes, more than the {BYTES_ALLOWED} allowed.")


if __name__ == "__main__":
    main()
