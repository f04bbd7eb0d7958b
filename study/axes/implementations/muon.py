"""Muon and AdamW as one ``torch.optim`` object; imported only when one is built."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from study.axes.optimizer import Parameters

Named = tuple[str, torch.nn.Parameter]
NOT_HIDDEN = ("embed", "token", "position")  # in the names of what looks inputs up, or is added to them


class Muon(torch.optim.Optimizer):
    """``torch.optim.Muon`` for ``matrices``, ``torch.optim.AdamW`` for the rest, as its documentation has it.

    Its groups: the matrices, the other weights, biases and norms; those that are not empty. Their ``by`` says who steps
    them. ``decay``: ``weights`` spares the last. State is kept in ``self.state[p]`` by the names of torch's own.
    """

    def __init__(self, params: Parameters, lr: float, matrices: str, decay: str, **settings: Any) -> None:
        named = list(params)
        mine = {name for name, _ in chosen(named, matrices)}
        of_adamw = {key.removeprefix("adamw_"): settings.pop(key) for key in list(settings) if key.startswith("adamw_")}
        of_norms = of_adamw | ({"weight_decay": 0.0} if decay == "weights" else {})
        groups = [
            {"params": [each for each in named if each[0] in mine], "by": "muon", "lr": lr} | settings,
            {"params": [each for each in named if each[0] not in mine and each[1].dim() >= 2], "by": "adamw"}
            | of_adamw,
            {"params": [each for each in named if each[1].dim() < 2], "by": "adamw"} | of_norms,
        ]
        super().__init__([group for group in groups if group["params"]], {})
        spare = [torch.nn.Parameter(torch.zeros(1, 1))]  # their own groups, which name every argument, are not stepped
        self.steppers = {"muon": torch.optim.Muon(spare), "adamw": torch.optim.AdamW(spare, fused=True)}
        for group in self.param_groups:
            for key, value in self.steppers[group["by"]].defaults.items():
                group.setdefault(key, value)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        loss = None if closure is None else torch.enable_grad()(closure)()
        for group in self.param_groups:
            stepper = self.steppers[group["by"]]
            held = [flattened(p) if group["by"] == "muon" else p for p in group["params"]]
            stepper.state.clear()
            stepper.state.update({view: self.state[p] for view, p in zip(held, group["params"], strict=True)})
            stepper.param_groups = [group | {"params": held}]
            stepper.step()
        return loss


def chosen(named: Iterable[Named], matrices: str) -> list[Named]:
    """The parameters that Muon steps: all of two or more dimensions, or those of hidden layers."""
    found = [(name, p) for name, p in named if p.dim() >= 2]
    if matrices == "all":
        return found
    return [(name, p) for name, p in found[:-1] if not any(word in name.lower() for word in NOT_HIDDEN)]


def flattened(p: Tensor) -> Tensor:
    """``p`` and its gradient as matrices, [outputs, the rest], in the same memory."""
    view = p.detach().view(len(p), -1)
    view.grad = None if p.grad is None else p.grad.view(len(p), -1)
    return view
