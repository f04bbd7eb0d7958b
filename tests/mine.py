"""What a person might bring along: one of each, small, by import path."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Net(nn.Module):
    """The built-in mlp written by hand, as many do."""

    def __init__(self, inputs: int | tuple[int, ...], outputs: int, width: int = 16, depth: int = 2) -> None:
        super().__init__()
        features = inputs if isinstance(inputs, int) else int(np.prod(inputs))
        sizes = [features] + [width] * depth
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.drop = nn.ModuleList(nn.Dropout(0.5) for _ in self.layers)
        self.last = nn.Linear(sizes[-1], outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.flatten(x, 1)
        for layer, drop in zip(self.layers, self.drop, strict=True):
            x = drop(F.relu(layer(x)))
        return self.last(x)


network = Net


class Residual(nn.Module):
    """With batch statistics, a sum and a norm: no chain of layers."""

    def __init__(self, inputs: int | tuple[int, ...], outputs: int, width: int = 8) -> None:
        super().__init__()
        features = inputs if isinstance(inputs, int) else int(np.prod(inputs))
        self.first, self.last = nn.Linear(features, width), nn.Linear(width, outputs)
        self.inner = nn.Sequential(nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, width))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x.flatten(1))
        return self.last(self.norm(x + self.inner(x)))


class Softplus(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.softplus(x)


activation = Softplus


def optimizer(parameters: object, lr: float = 0.1, momentum: float = 0.5) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=lr, momentum=momentum)  # type: ignore[arg-type]


def schedule(progress: float, final: float = 0.1) -> float:
    return 1 - progress * (1 - final)


def dataset(rows: int = 90, spread: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Three clouds of points."""
    draw = np.random.default_rng(0)
    target = np.arange(rows) % 3
    return draw.normal(size=(rows, 4)) * spread + target[:, None], target
