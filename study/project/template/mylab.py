"""A network and an optimizer of your own: study.yaml names them. Change one, and its arms alone are trained again."""

import torch
from torch import nn
from torch.nn.functional import glu


class Gated(nn.Module):
    """A hidden layer of which one half says how much of the other passes (gated linear units; Dauphin et al., 2017)."""

    def __init__(self, inputs: int, outputs: int, width: int = 32) -> None:
        super().__init__()
        self.hidden = nn.Linear(inputs, 2 * width)
        self.output = nn.Linear(width, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # [rows, inputs] → [rows, outputs]
        return self.output(glu(self.hidden(x)))


class Signum(torch.optim.Optimizer):
    """p ← p - lr · sign(m), where m is a running mean of the gradients (Bernstein et al., 2018)."""

    elementwise = True  # no element depends on another, so all runs are stepped at once

    def __init__(self, parameters, lr: float, momentum: float = 0.9) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure=None) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                mean = self.state[p].setdefault("mean", torch.zeros_like(p))
                p.sub_(mean.lerp_(p.grad, 1 - group["momentum"]).sign(), alpha=group["lr"])
