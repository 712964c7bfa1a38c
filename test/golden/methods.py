"""Every Tensor method in PyTorch's words."""

import numpy as np
import torch

# Called with the inputs, then the positional numbers, then the options by name.
OPS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": lambda a, b: a**b,
    "maximum": lambda a, b: torch.maximum(a, torch.as_tensor(b, dtype=a.dtype)),
    "minimum": lambda a, b: torch.minimum(a, torch.as_tensor(b, dtype=a.dtype)),
    "eq": lambda a, b: torch.eq(a, b).to(a.dtype),
    "gt": lambda a, b: torch.gt(a, b).to(a.dtype),
    "lt": lambda a, b: torch.lt(a, b).to(a.dtype),
    **{
        name: getattr(torch, name)
        for name in "neg square sqrt exp log abs sin cos tanh sigmoid relu clamp matmul".split()
    },
    "where": lambda condition, a, b: torch.where(condition != 0, a, b),
    "transpose": lambda a, i=-2, j=-1: a.transpose(i, j),
    "reshape": lambda a, *shape: a.reshape(shape),
    "concat": lambda *inputs, axis=0: torch.cat(inputs, axis),
    "stack": lambda *inputs, axis=0: torch.stack(inputs, axis),
    "slice": lambda a, start, end, axis=0: a.narrow(axis, start, end - start),
    "gather": lambda a, *indices, axis=0: a.index_select(axis, torch.tensor(indices)),
    "sum": lambda a, **o: a.sum(**reduced(a, o)),
    "mean": lambda a, **o: a.mean(**reduced(a, o)),
    "max": lambda a, **o: a.amax(**reduced(a, o)),
    "min": lambda a, **o: a.amin(**reduced(a, o)),
    "argMax": lambda a, axis=None: first(np.argmax, a, axis),
    "argMin": lambda a, axis=None: first(np.argmin, a, axis),
    "softmax": lambda a, axis=-1: a.softmax(axis),
    "logSoftmax": lambda a, axis=-1: a.log_softmax(axis),
    # One tensor used more than once: its gradients add up.
    "mulSelf": lambda a: a * a,
    "matmulSelf": lambda a: a @ a,
    "matmulOwnTranspose": lambda a: a @ a.transpose(-2, -1),
    "centred": lambda a: (a - a.mean(0, keepdim=True)).square(),
}
# No gradient: the derivative is zero wherever there is one.
FLAT = {"eq", "gt", "lt", "argMax", "argMin"}


def reduced(a, options):
    axis = options.get("axis")
    return {"dim": list(range(a.dim())) if axis is None else [axis], "keepdim": options.get("keepDims", False)}


def first(find, a, axis):
    """The first of equal extremes, as numpy and PyTorch promise."""
    return torch.from_numpy(np.asarray(find(a.detach().numpy(), axis=axis)))
