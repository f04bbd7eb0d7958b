"""What is trained to see whether records on a GPU are what is promised: a case for each way to compute a step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.gpu.check import Bench
from benchmarks.gpu.samples import CONVNET


class Chain(nn.Module):
    """A chain of known layers."""

    def __init__(self, inputs: tuple[int, int, int], outputs: int) -> None:
        super().__init__()
        self.conv, self.norm, self.drop = nn.Conv2d(inputs[0], 8, 3), nn.BatchNorm2d(8), nn.Dropout(0.2)
        self.head = nn.LazyLinear(outputs)
        self.head(torch.zeros(1, 8 * (inputs[1] - 2) * (inputs[2] - 2)))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.drop(torch.relu(self.norm(self.conv(x))).flatten(1)))
        return out


class Residual(nn.Module):
    """No chain, but one that ``torch.vmap`` computes for all runs at once."""

    def __init__(self, inputs: tuple[int, int, int], outputs: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(torch.Size(inputs).numel(), 64), nn.Linear(64, 64)
        self.norm, self.head = nn.BatchNorm1d(64), nn.Linear(64, outputs)

    def body(self, x: Tensor) -> Tensor:
        x = torch.relu(self.first(x.flatten(1)))
        return x + torch.relu(self.norm(self.second(x)))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.body(x))
        return out


class Drawing(Residual):
    """Draws within its forward."""

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(F.dropout(self.body(x), 0.2, self.training))
        return out


class Deciding(Residual):
    """What it computes depends on values."""

    def forward(self, x: Tensor) -> Tensor:
        body = self.body(x)
        out: Tensor = self.head(body if body.mean() > 0.5 else 2 * body)
        return out


def own(module: type[nn.Module]) -> dict[str, str]:
    return {"name": "custom", "factory": f"{__name__}:{module.__name__}"}


NORMED = CONVNET | {"batch_norm": True}
TRANSFORMER = {"name": "transformer", "depth": 1}
PLATEAU = {"name": "plateau", "patience": 0, "threshold": 0.2}
FINE = {"name": "steps", "steps": 10}
BFLOAT16 = {"name": "bfloat16"}
Cases = Mapping[str, dict[str, Any]]
CASES: Cases = {
    "mlp, sgd": {"optimizer": "sgd", "lr": 0.1},
    "mlp, momentum, l2, cosine": {
        "optimizer": "momentum", "lr": 0.03, "regularizer": {"name": "l2"}, "schedule": {"name": "cosine"},
    },
    "mlp, adam, dropout": {"dropout": 0.3},
    "mlp, adagrad, l1": {"optimizer": "adagrad", "lr": 0.03, "regularizer": {"name": "l1"}},
    "mlp, rmsprop, plateau": {"optimizer": "rmsprop", "schedule": PLATEAU},
    "mlp, nadam": {"optimizer": "nadam"},
    "mlp, lion": {"optimizer": "lion", "lr": 0.001},
    "convnet, sgd": {"optimizer": "sgd", "lr": 0.1, "network": CONVNET},
    "convnet, adam, dropout": {"network": CONVNET, "dropout": 0.2},
    "convnet, batch norm, adamw": {"network": NORMED, "optimizer": "adamw"},
}  # fmt: skip
MORE: Cases = {
    "own residual": {"network": own(Residual)},
    "own draws": {"network": own(Drawing)},
    "own values decide": {"network": own(Deciding)},
    "own chain": {"network": own(Chain)},
    "mlp, adam, bfloat16": {"precision": BFLOAT16},
    "convnet, adam, flip and crop": {"network": CONVNET, "augmentation": {"name": "flip_crop"}},
    "transformer, muon": {"network": TRANSFORMER, "optimizer": "muon", "lr": 0.02},
    "transformer, adamw, clipped": {"network": TRANSFORMER, "optimizer": "adamw", "grad_clip": 1.0},
    "resnet": {"network": {"name": "resnet", "channels": [8, 16]}},
    "resnet, group norms": {"network": {"name": "resnet", "channels": [8], "norm": "group"}},
    "mlp, patience": {"early_stopping": {"name": "patience", "patience": 1}, "evaluate": FINE},
    "mlp, warm": {"start": {"name": "warm", "epochs": 1}},
    "mlp, adafactor, smoothed": {"optimizer": "adafactor", "lr": 0.01, "label_smoothing": 0.1},
    "mlp, radam, averaged": {"optimizer": "radam", "ema": 0.9},
    "mlp, rprop, label noise": {"optimizer": "rprop", "label_noise": 0.2},
    "convnet, sgd, bfloat16": {"network": CONVNET, "optimizer": "sgd", "lr": 0.1, "precision": BFLOAT16},
    "mlp, lbfgs": {"optimizer": "lbfgs", "lr": 0.5, "batch_size": 256},
}
FEW = ("mlp, adam, dropout", "mlp, rmsprop, plateau", "convnet, batch norm, adamw", "own draws", "mlp, patience")
# Whose masks and other draws come from another generator on a CPU; and one whose line search makes rounding large:
DRAWN = {"mlp, adam, dropout", "convnet, adam, dropout", "own chain", "own draws", "convnet, adam, flip and crop"}
APART = DRAWN | {"mlp, lbfgs"}


def cases(bench: Bench, of: Cases) -> Iterator[tuple[str, dict[str, Any]]]:
    """Those of them that are tried: a few on a quick try."""
    return ((name, changes) for name, changes in of.items() if name in FEW or not bench.quick)
