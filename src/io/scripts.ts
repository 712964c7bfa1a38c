/** support.py: what train.py needs of the formats and streams of this library. */
export const SUPPORT = `"""The files and the order of rows that downhill uses."""

import json
import struct

import numpy as np
import torch

# https://github.com/huggingface/safetensors#format
DTYPES = {"F32": torch.float32, "I32": torch.int32, "I64": torch.int64}


def load(path):
    """The tensors of a safetensors file."""
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        dtype = DTYPES[entry["dtype"]]
        values = torch.frombuffer(bytearray(data[begin:end]), dtype=dtype) if end > begin else torch.empty(0, dtype=dtype)
        tensors[name] = values.reshape(entry["shape"])
    return tensors


def save(path, tensors):
    """Writes a safetensors file, which fromSafetensors reads."""
    names = {dtype: name for name, dtype in DTYPES.items()}
    header, parts, end = {}, [], 0
    for name, tensor in tensors.items():
        part = tensor.detach().cpu().contiguous().numpy().tobytes()
        header[name] = {
            "dtype": names[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [end, end + len(part)],
        }
        parts.append(part)
        end += len(part)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


LOW = np.uint64(0xFFFFFFFF)
ORDER = 1  # the stream of numbers that orders are drawn from


def philox(blocks, number, seed):
    """Four words for each block, by Philox4x32-10 (Salmon et al. 2011)."""
    c = [blocks.astype(np.uint64)] + [np.full(len(blocks), word, np.uint64) for word in (number, ORDER, 0)]
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [(p1 >> np.uint64(32)) ^ c[1] ^ np.uint64(k0), p1 & LOW, (p0 >> np.uint64(32)) ^ c[3] ^ np.uint64(k1), p0 & LOW]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack(c, axis=1).reshape(-1).tolist()


def words(number, seed, chunk=4096):
    first = 0
    while True:
        yield from philox(np.arange(first, first + chunk), number, seed)
        first += chunk


def permutation(n, seed, number):
    """The order of n rows in pass \`number\`: Fisher and Yates, drawn without bias (Brackett-Rozinsky and Lemire 2024)."""
    order = []
    drawn = words(number, seed)
    while len(order) < n:
        i = len(order)
        rest, ways, places = next(drawn), 1, []
        for count in (i + 1, i + 2) if i < 2**14 else (i + 1,):
            place, rest = divmod(rest * count, 2**32)
            places.append(place)
            ways *= count
        if rest < 2**32 % ways:
            continue
        for i, place in enumerate(places[: n - i], i):
            order.append(order[place] if place < i else i)
            order[place] = i
    return torch.tensor(order)
`;

/** What is filled into train.py. */
export interface Training {
  epochs: number;
  batchSize: number;
  /** Rows of a pass. */
  rows: number;
  seed: string;
  firstPass: number;
  loss: string;
  divisor: string;
  target: string;
  groups: string;
  optimizer: string;
  frozen: string;
  scheduler: string;
  clip: string;
  perStep: string;
  perEpoch: string;
}

/** train.py */
export const trainScript = (t: Training): string => `"""Goes on with a training that began in downhill.

    python3 train.py
    torchrun --nproc_per_node=2 train.py

The weights, what the optimizer remembers, the schedule and the order of the rows are those of the next call of fit. Several
processes share the rows of each batch and make the same updates, but for rounding; where a BatchNorm1d has to do with a
share alone, or a Dropout draws masks, which are PyTorch's own, they differ. The weights end up in trained.safetensors.
"""

import os
import warnings

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from model import build
from support import load, permutation, save

EPOCHS = ${t.epochs}
BATCH_SIZE = ${t.batchSize}
ROWS = ${t.rows}  # of a pass
SEED = ${t.seed}  # of the order; None leaves the rows in theirs
FIRST_PASS = ${t.firstPass}

RANK, WORLD = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
DEVICE = torch.device(f"cuda:{os.environ.get('LOCAL_RANK', 0)}" if torch.cuda.is_available() else "cpu")


def make_loss():
    """The sum of a batch's losses."""
    return ${t.loss}.to(DEVICE)


def divisor(target):
    """What the sum is divided by."""
    return ${t.divisor}


def make_optimizer(named):
    groups = [
${t.groups}
    ]
    return ${t.optimizer}([{**group, "params": [named[name] for name in group["params"]]} for group in groups])


def remember(optimizer, named, kept):
    """Puts back what the optimizer remembers; a step of length 0 makes the room for it."""
    steps = {name[: -len(".step")]: int(value) for name, value in kept.items() if name.endswith(".step")}
    rates = [group["lr"] for group in optimizer.param_groups]
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    for name in steps:
        named[name].grad = torch.zeros_like(named[name])
    optimizer.step()
    for name, step in steps.items():
        state = optimizer.state[named[name]]
        named[name].grad = None
        for key, value in state.items():
            if key == "step":
                state[key] = value.fill_(step) if torch.is_tensor(value) else step
            elif torch.is_tensor(value):
                value.copy_(kept[f"{name}.{key}"])
    for group, rate in zip(optimizer.param_groups, rates):
        group["lr"] = rate


def make_scheduler(optimizer):
${t.scheduler}


def main():
    if WORLD > 1:
        distributed.init_process_group("nccl" if DEVICE.type == "cuda" else "gloo")
    model = build().to(DEVICE)
    named = dict(model.named_parameters())
    for name in ${t.frozen}:
        named[name].requires_grad_(False)
    optimizer = make_optimizer(named)
    remember(optimizer, named, load("optimizer.safetensors"))
    model.load_state_dict(load("model.safetensors"))
    scheduler = make_scheduler(optimizer)
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    criterion = make_loss()
    *inputs, target = (column.to(DEVICE) for column in load("data.safetensors").values())
    inputs = [x.long() if x.dtype == torch.int32 else x for x in inputs]
    target = target.${t.target}
    run = DistributedDataParallel(model) if WORLD > 1 else model
    share = slice(RANK, None, WORLD)
    for epoch in range(EPOCHS):
        order = torch.arange(len(target)) if SEED is None else permutation(len(target), SEED, FIRST_PASS + epoch)
        total = torch.zeros((), dtype=torch.float64, device=DEVICE)
        for first in range(0, ROWS, BATCH_SIZE):
            rows = order[first : min(first + BATCH_SIZE, ROWS)].to(DEVICE)
            own, wanted = rows[share], target[rows]
            optimizer.zero_grad()
            loss = criterion(run(*(x[own] for x in inputs)), wanted[share]) / divisor(wanted)
            (loss * WORLD).backward()  # of several processes the mean is taken
${t.clip}            optimizer.step()
${t.perStep}            total += loss.item() * len(rows)
        if WORLD > 1:
            distributed.all_reduce(total)
        mean = total.item() / ROWS
        if RANK == 0:
            print(f"epoch {epoch + 1}, loss {mean:.6g}", flush=True)
${t.perEpoch}    if RANK == 0:
        save("trained.safetensors", model.state_dict())
    if WORLD > 1:
        distributed.destroy_process_group()


if __name__ == "__main__":
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // WORLD))
    main()
`;
