"""What PyTorch makes of weights that were trained here, and weights that it trained on: two safetensors files, there and back.

Debian has no package of safetensors: the reader and the writer below follow the format's rules
(https://github.com/huggingface/safetensors#format).
"""

import json
import struct
from pathlib import Path

import torch
from torch import nn

from common import flat

FOLDER = Path(__file__).parent
ROWS, COLUMNS, EPOCHS, BATCH = 64, 3, 2, 16
DTYPES = {"F32": torch.float32, "F64": torch.float64, "I32": torch.int32, "I64": torch.int64}


def load(path):
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        values = torch.frombuffer(bytearray(data[begin:end]), dtype=DTYPES[entry["dtype"]])
        tensors[name] = values.reshape(entry["shape"])
    return tensors


def save(tensors, path):
    names = {dtype: name for name, dtype in DTYPES.items()}
    header, parts, end = {}, [], 0
    for name, tensor in tensors.items():
        part = tensor.contiguous().numpy().tobytes()
        header[name] = {
            "dtype": names[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [end, end + len(part)],
        }
        parts.append(part)
        end += len(part)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))


def data():
    """Multiples of 1/8, which both sides compute alike; interchange.mjs has the same."""
    x = torch.tensor([[((7 * i + 5 * j + i * j) % 17 - 8) / 8 for j in range(COLUMNS)] for i in range(ROWS)])
    return x, x[:, :1] * x[:, 1:2] - x[:, 2:] / 2


def predictions(model, x):
    model.eval()
    with torch.no_grad():
        return flat(model(x).numpy())


def build():
    x, y = data()
    model = nn.Sequential(nn.Linear(COLUMNS, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 1))
    model.load_state_dict(load(FOLDER / "interchange-here.safetensors"))
    here = predictions(model, x)
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(EPOCHS):
        for first in range(0, ROWS, BATCH):
            optimizer.zero_grad()
            nn.functional.mse_loss(model(x[first : first + BATCH]), y[first : first + BATCH]).backward()
            optimizer.step()
    save(model.state_dict(), FOLDER / "interchange-torch.safetensors")
    return {"here": here, "torch": predictions(model, x)}
