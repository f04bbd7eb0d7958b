"""An optimizer that mixes elements: it orthogonalizes the momentum of matrices, as Muon does (Jordan et al., 2024)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from study.axes.optimizer import Optimizer, Parameters


def orthogonalized(matrix: Tensor) -> Tensor:
    """Newton and Schulz's iteration towards the nearest matrix with singular values near 1. [out, in]"""
    x = matrix / (matrix.norm() + 1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x


class Orthogonal(torch.optim.Optimizer):
    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                momentum = self.state[p].setdefault("momentum", torch.zeros_like(p))
                momentum.mul_(0.9).add_(p.grad)
                p.add_(orthogonalized(momentum) if p.dim() == 2 else momentum, alpha=-group["lr"])


class Muon(Optimizer):
    """Its ``name`` has no default, so that it is in no registry."""

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        return Orthogonal(parameters, {"lr": self.lr})


class FalselyElementwise(Muon):
    elementwise = True
