"""One ``torch.optim`` object and the runs of a stack that it steps, with their schedule and penalty."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from study.axes.recipe import Recipe
from study.axes.schedule import Plateau
from study.engine.stack import Stack


class StackOptimizer:
    """Steps the runs ``rows`` of ``stack``, all of one recipe.

    An elementwise optimizer holds one tensor of all of them; any other has one run, and holds its parameters.
    """

    def __init__(self, recipe: Recipe, rows: slice, stack: Stack) -> None:
        self.rows = rows
        self.schedule = recipe.schedule
        self.l1, self.l2 = recipe.regularizer.strengths
        self.penalized = bool(self.l1 or self.l2)
        self.values, self.grad = stack.flat[rows], stack.grad[rows]
        self.is_weight = stack.is_weight
        if recipe.optimizer.elementwise:
            held = {"stack": (self.values, self.grad)}
        else:
            gradients = stack.split(self.grad[0])
            held = {name: (value, gradients[name]) for name, value in stack.split(self.values[0]).items()}
        parameters = {name: nn.Parameter(value) for name, (value, _) in held.items()}  # in the memory of the stack
        for name, (_, gradient) in held.items():
            parameters[name].grad = gradient
        self.optimizer = recipe.optimizer.build(parameters.items())
        self.base_rates = [group["lr"] for group in self.optimizer.param_groups]
        self.plateau = (
            ReduceLROnPlateau(
                self.optimizer,
                factor=recipe.schedule.gamma,
                patience=recipe.schedule.patience,
                threshold=recipe.schedule.threshold,
            )
            if isinstance(recipe.schedule, Plateau)
            else None
        )

    @classmethod
    def each(cls, recipe: Recipe, rows: slice, stack: Stack) -> Iterator[StackOptimizer]:
        """Those of the runs ``rows``, all of one recipe: one, or one for each run where it needs its own."""
        alone = isinstance(recipe.schedule, Plateau) or not recipe.optimizer.elementwise
        size = 1 if alone else rows.stop - rows.start
        for start in range(rows.start, rows.stop, size):
            yield cls(recipe, slice(start, start + size), stack)

    @property
    def rate(self) -> float:
        """The rate of the last step."""
        return float(self.optimizer.param_groups[0]["lr"])

    def penalty(self) -> Tensor:
        """The penalty of each run, [rows]."""
        weights = self.values * self.is_weight
        return self.l1 * weights.abs().sum(1) + self.l2 / 2 * weights.square().sum(1)

    @torch.no_grad()
    def step(self, progress: float) -> None:
        """One step from the gradient of the loss in ``grad``."""
        if self.plateau is None:
            for group, lr in zip(self.optimizer.param_groups, self.base_rates, strict=True):
                group["lr"] = lr * self.schedule.factor(progress)
        if self.l2:
            self.grad.addcmul_(self.values, self.is_weight, value=self.l2)
        self.optimizer.step()
        if self.l1:
            shrunk = self.values.abs().sub_(self.is_weight, alpha=self.rate * self.l1).clamp_min_(0)
            self.values.copy_(shrunk.copysign_(self.values))

    def watch(self, val_loss: Tensor) -> None:
        """Tell a plateau schedule the validation loss of its run, [rows]."""
        if self.plateau is not None:
            self.plateau.step(float(val_loss[0]))

    def state_dict(self) -> dict[str, Any]:
        return {
            "optimizer": self.optimizer.state_dict(),
            "plateau": self.plateau.state_dict() if self.plateau else None,
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        self.optimizer.load_state_dict(saved["optimizer"])
        if self.plateau:
            self.plateau.load_state_dict(saved["plateau"])
