"""Writes values.txt: float32 arguments and what the functions of assembly/math.ts are there, to 53 bits.

    python3 test/functions/functions.py        (needs Debian's python3-mpmath)

A line: the function, the arguments' bits in hexadecimal, the value rounded to float64.
"""

import random
import struct
from pathlib import Path

from mpmath import mp, mpf

mp.prec = 300


def bits_of(x):
    return struct.unpack("<I", struct.pack("<f", x))[0]


def float_of(bits):
    return struct.unpack("<f", struct.pack("<I", bits))[0]


def around(*centres, steps=2):
    """Each float32 and its neighbours."""
    return [float_of(bits_of(c) + d) for c in centres for d in range(-steps, steps + 1)]


def signed(values):
    return [s * v for v in values for s in (1, -1)]


LEAST, NORMAL, LARGEST = 2.0**-149, 2.0**-126, float_of(0x7F7FFFFF)
EVERY = signed([LEAST, 2.0**-140, NORMAL, 1e-30, 1e-10, 1e-5, 1e-3, 0.1, 0.5, 1.0, 2.0, 10.0, 1e10, LARGEST])
# 16367173 * 2^72 is the float32 that is nearest to a multiple of pi / 2.
ANGLES = signed([16367173.0 * 2.0**72, 1e30, 2.0**127, 1e5, 1e15, 1e20, 355.0, 12345678.0, 8388607.0])
QUADRANTS = around(*(float_of(bits_of(float(n * mp.pi / 4))) for n in (1, 2, 3, 4, 5, 6, 101, 9999)), 2.0**20, steps=1)


def sigmoid(x):
    return 1 / (1 + mp.exp(-x))


# Where each function is hard: at the ends of its range, at the joints of its pieces, where it was seen to be worst.
POINTS = {
    "exp": EVERY + around(88.72284, -87.33655, -103.97208, -5.853425979614258, 0.34657359, 1.0397208),
    "log": [v for v in EVERY if v > 0] + around(1.0, 0.70710678, 1.41421356, 1.407976508140564, NORMAL),
    "tanh": EVERY + signed(around(0.625, 9.01, 8.7, 0.6310442090034485)),
    "sigmoid": EVERY + signed(around(4.157293796539307, 17.0, 88.72284, 103.97208, 87.33655)),
    "sin": EVERY + ANGLES + signed(QUADRANTS),
    "cos": EVERY + ANGLES + signed(QUADRANTS),
    "softplus": EVERY + signed(around(17.0, 88.72284, 103.97208, 15.9)),
    "elu": EVERY + around(-0.5, -0.25, -17.0, -0.6931472),
    "silu": EVERY + signed(around(17.0, 88.72284, 1.2784645)),
    "gelu": EVERY + signed(around(0.875, 1.2374368, 4.0, 5.656854, 0.75)),
}
SPREAD = {"exp": (-104, 89), "tanh": (-10, 10), "sigmoid": (-104, 20), "sin": (-1e6, 1e6), "cos": (-1e6, 1e6)}
FUNCTIONS = {
    "exp": mp.exp,
    "log": mp.log,
    "tanh": mp.tanh,
    "sigmoid": sigmoid,
    "sin": mp.sin,
    "cos": mp.cos,
    "softplus": lambda x: mp.log1p(mp.exp(x)),
    "elu": lambda x: x if x > 0 else mp.expm1(x),
    "silu": lambda x: x * sigmoid(x),
    "gelu": lambda x: x * mp.erfc(-x / mp.sqrt(2)) / 2,
}


def pairs():
    """Bases and exponents: results over the whole range, near 1, in the subnormals, and signs."""
    yield from ((b, e) for b in (0.5, 2.0, 3.0, 10.0, 1.5, 0.1) for e in (0.5, -0.5, 3.0, -7.0, 20.25, 37.5, -40.0))
    yield from ((-b, e) for b in (0.5, 3.0, 1.0, 1e10) for e in (1.0, 2.0, 3.0, -3.0, -4.0))
    yield from ((b, e) for b in around(1.0) for e in (1e6, -1e6, 8388608.0, 1e8, 0.1))
    yield from ((b, e) for b in (LEAST, NORMAL, LARGEST) for e in (1.0, 0.5, -0.5, 0.99, 1e-3, -1.0))
    yield from ((2.0, e) for e in (-149.0, -148.5, -126.5, 127.5, 127.99999, -149.9, -151.0))
    for _ in range(60):
        base = float_of(random.randrange(0x00800000, 0x7F7FFFFF))
        reach = 80 / abs(float(mp.log(base)))
        yield base, float_of(bits_of(random.uniform(-reach, reach)))


def rounded(x):
    return float_of(bits_of(x))


def line(name, args, value):
    return " ".join([name, *(f"{bits_of(a):08x}" for a in args), repr(float(value)).replace("inf", "Infinity")])


def main():
    random.seed(42)
    lines = []
    for name, points in POINTS.items():
        low, high = SPREAD.get(name, (0.01 if name == "log" else -30, 30))
        drawn = [float_of(bits_of(random.uniform(low, high))) for _ in range(40)]
        args = dict.fromkeys(map(rounded, points + drawn))
        lines += [line(name, [x], FUNCTIONS[name](mpf(x))) for x in args]
    powers = dict.fromkeys((rounded(b), rounded(e)) for b, e in pairs())
    lines += [line("pow", [b, e], mpf(b) ** mpf(e)) for b, e in powers]
    Path(__file__).with_name("values.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
