"""Lion as a ``torch.optim`` object; imported only when a Lion is built."""

from __future__ import annotations

from collections.abc import Iterable

import torch


class Lion(torch.optim.Optimizer):
    """Evolved sign momentum (Chen et al., 2023, "Symbolic Discovery of Optimization Algorithms", alg. 2).

    With momentum m and gradient g: p ← p - lr · (sign(β₁ m + (1 - β₁) g) + weight_decay · p), then
    m ← β₂ m + (1 - β₂) g.
    """

    def __init__(
        self,
        params: Iterable[tuple[str, torch.nn.Parameter]],
        lr: float,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            lr, (beta1, beta2) = group["lr"], group["betas"]
            for p in group["params"]:
                if not self.state[p]:
                    self.state[p]["exp_avg"] = torch.zeros_like(p)
                momentum = self.state[p]["exp_avg"]
                p.mul_(1 - lr * group["weight_decay"])
                p.add_(torch.lerp(p.grad, momentum, beta1).sign_(), alpha=-lr)
                momentum.lerp_(p.grad, 1 - beta2)
