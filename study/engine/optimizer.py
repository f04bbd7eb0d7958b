"""One optimizer object and the slice of a stack that it steps."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from study.axes.schedule import Plateau
from study.engine.stack import Stack
from study.plan.arm import Arm


class Stepper:
    """Steps ``rows`` of ``stack``: an arm's runs together, or one run where its rate is its own (plateau)."""

    def __init__(self, arm: Arm, rows: slice, stack: Stack) -> None:
        self.rows = rows
        self.schedule = arm.schedule
        self.lr = arm.optimizer.lr
        self.l1, self.l2 = arm.regularizer.l1, arm.regularizer.l2
        self.values, self.grad = stack.flat[rows], stack.grad[rows]
        self.is_weight = stack.is_weight
        parameter = nn.Parameter(self.values)
        parameter.grad = self.grad
        self.optimizer = arm.optimizer.build([parameter])
        self.plateau = (
            ReduceLROnPlateau(
                self.optimizer,
                factor=arm.schedule.gamma,
                patience=arm.schedule.patience,
                threshold=arm.schedule.threshold,
            )
            if isinstance(arm.schedule, Plateau)
            else None
        )

    @property
    def rate(self) -> float:
        """The rate of the last step."""
        return float(self.optimizer.param_groups[0]["lr"])

    @property
    def penalized(self) -> bool:
        return bool(self.l1 or self.l2)

    def penalty(self) -> Tensor:
        """The penalty of each run, [rows]."""
        weights = self.values * self.is_weight
        return self.l1 * weights.abs().sum(1) + self.l2 / 2 * weights.square().sum(1)

    @torch.no_grad()
    def step(self, progress: float) -> None:
        """One step from the gradient of the loss in ``grad``."""
        if self.plateau is None:
            self.optimizer.param_groups[0]["lr"] = self.lr * self.schedule.factor(progress)
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
