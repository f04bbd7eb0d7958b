"""How often runs are evaluated: the rows of their curves, and the resolution of times to a target."""

from __future__ import annotations

from typing import Literal

from study.axes.base import Axis, Choice, Count


class Evaluation(Choice):
    axis = Axis(
        "When runs are evaluated, besides before training and at its end.", "evaluation intervals", shared=True,
        untunable="changes no result; take it out",
    )  # fmt: skip

    def every(self, epoch: int) -> int:
        """Steps between two evaluations; ``epoch``: steps of one."""
        return epoch

    @property
    def interval(self) -> str:
        """For people: ``epoch``, ``100 steps``."""
        return self.name


class EachEpoch(Evaluation):
    """After every epoch."""

    name: Literal["epoch"] = "epoch"


class EachSteps(Evaluation):
    """After so many steps: `evaluate: {steps: 100}`."""

    name: Literal["steps"] = "steps"
    short = "steps"
    steps: Count = 100

    def every(self, epoch: int) -> int:
        return self.steps

    @property
    def interval(self) -> str:
        return f"{self.steps} steps" if self.steps > 1 else "step"
