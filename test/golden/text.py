"""Mini-batch linear regression from scratch: numpy's own program, and PyTorch on the same data, start and orders."""

import numpy as np
import torch

EPOCHS = 20
BATCH = 64
RATE = 0.01


def build():
    np.random.seed(42)
    x = 2 * np.random.rand(1000, 1)
    y = 3.5 * x + 1.2 + np.random.randn(1000, 1) * 0.5
    w, b = np.random.randn(), np.random.randn()
    half, orders = half_squared_error(x, y, w, b)
    return {
        "epochs": EPOCHS,
        "batchSize": BATCH,
        "lr": RATE,
        "x": x[:, 0].tolist(),
        "y": y[:, 0].tolist(),
        "w": w,
        "b": b,
        "orders": [order.tolist() for order in orders],
        "halfSquaredError": half,
        "squaredError": squared_error(x, y, w, b, orders),
    }


def half_squared_error(x, y, w, b):
    """The gradient written by hand is that of half the mean squared error.

    Returns w and b by epoch, and the orders drawn.
    """
    path, orders = {"w": [], "b": []}, []
    for _ in range(EPOCHS):
        order = np.random.permutation(len(x))
        orders.append(order)
        for i in range(0, len(x), BATCH):
            rows = order[i : i + BATCH]
            error = w * x[rows] + b - y[rows]
            dw = (1 / len(rows)) * np.sum(error * x[rows])
            db = (1 / len(rows)) * np.sum(error)
            w -= RATE * dw
            b -= RATE * db
        path["w"].append(w)
        path["b"].append(b)
    return path, orders


def squared_error(x, y, w, b, orders):
    """The same descent as PyTorch does it: nn.MSELoss has no half, so its gradient is twice as long."""
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    model = torch.nn.Linear(1, 1).double()
    with torch.no_grad():
        model.weight.fill_(w)
        model.bias.fill_(b)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    path = {"w": [], "b": []}
    for order in orders:
        for i in range(0, len(x), BATCH):
            rows = order[i : i + BATCH]
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(model(x[rows]), y[rows]).backward()
            optimizer.step()
        path["w"].append(model.weight.item())
        path["b"].append(model.bias.item())
    return path
