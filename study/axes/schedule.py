"""Learning-rate schedules: a factor on the base rate as a function of progress k / T in [0, 1)."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field

from study.axes.base import LARGEST, Axis, Choice, Fraction, NonNegative, Positive
from study.axes.custom import Custom

Final = Annotated[float, Field(gt=0, le=1)]  # last rate as a share of the base rate


class Schedule(Choice):
    axis = Axis("The learning rate over the budget.", "schedules", rated=True)

    def factor(self, progress: float) -> float:
        """The factor on the base rate at ``progress`` = step / all steps of the budget; 1 where it stays."""
        return 1.0


class Constant(Schedule):
    """The base rate throughout."""

    name: Literal["constant"] = "constant"


class Step(Schedule):
    """Equal steps down, each by the same ratio, ending at ``final`` (torch: StepLR)."""

    name: Literal["step"] = "step"
    levels: Annotated[int, Field(ge=2, le=1_000_000)] = 3
    final: Final = 0.01

    def factor(self, progress: float) -> float:
        level = min(int(progress * self.levels), self.levels - 1)
        return math.pow(self.final, level / (self.levels - 1))


class Exponential(Schedule):
    """A constant ratio from step to step, ending at ``final`` (torch: ExponentialLR)."""

    name: Literal["exponential"] = "exponential"
    final: Final = 0.01

    def factor(self, progress: float) -> float:
        return math.pow(self.final, progress)


class Cosine(Schedule):
    """Half a cosine from 1 to ``final`` (Loshchilov and Hutter, 2017; torch: CosineAnnealingLR)."""

    name: Literal["cosine"] = "cosine"
    final: Fraction = 0.01

    def factor(self, progress: float) -> float:
        return _anneal(1.0, self.final, progress)


class Linear(Schedule):
    """A straight line from 1 to ``final`` (torch: LinearLR)."""

    name: Literal["linear"] = "linear"
    final: Fraction = 0.01

    def factor(self, progress: float) -> float:
        return 1.0 + (self.final - 1.0) * progress


class Polynomial(Schedule):
    """``final`` + (1 - ``final``) · (1 - progress)^``power`` (torch: PolynomialLR, whose final is 0)."""

    name: Literal["polynomial"] = "polynomial"
    power: Positive = 2.0
    final: Fraction = 0.01

    def factor(self, progress: float) -> float:
        return self.final + (1.0 - self.final) * math.pow(1.0 - progress, self.power)


class OneCycle(Schedule):
    """Up to the base rate and down again, by cosines (Smith and Topin, 2018; torch: OneCycleLR).

    The momentum is not cycled. The settings are torch's.
    """

    name: Literal["one_cycle"] = "one_cycle"
    pct_start: Annotated[float, Field(gt=0, lt=1)] = 0.3
    div_factor: Annotated[float, Field(ge=1, le=LARGEST, allow_inf_nan=False)] = 25.0
    final_div_factor: Annotated[float, Field(ge=1, le=LARGEST, allow_inf_nan=False)] = 1e4

    def factor(self, progress: float) -> float:
        first = 1.0 / self.div_factor
        if progress < self.pct_start:
            return _anneal(first, 1.0, progress / self.pct_start)
        down = (progress - self.pct_start) / (1.0 - self.pct_start)
        return _anneal(1.0, first / self.final_div_factor, down)


class WarmupCosine(Schedule):
    """A straight line from 0 to 1 during ``warmup``, then half a cosine to ``final``."""

    name: Literal["warmup_cosine"] = "warmup_cosine"
    warmup: Annotated[float, Field(gt=0, lt=1)] = 0.1
    final: Fraction = 0.01

    def factor(self, progress: float) -> float:
        if progress < self.warmup:
            return progress / self.warmup
        return _anneal(1.0, self.final, (progress - self.warmup) / (1.0 - self.warmup))


class Plateau(Schedule):
    """Lower the rate when val_loss stops falling (torch: ReduceLROnPlateau); watched per run.

    ``patience`` counts evaluations: one an epoch, unless ``evaluate`` says otherwise. Its factor is always 1: the
    trainer steps torch's object.
    """

    name: Literal["plateau"] = "plateau"
    gamma: Annotated[float, Field(gt=0, lt=1)] = 0.1
    patience: Annotated[int, Field(ge=0, le=1_000_000_000)] = 5
    threshold: NonNegative = 1e-4


class CustomSchedule(Schedule, Custom):
    """Your own: ``factory(progress, **settings)`` is the factor on the base rate at ``progress`` in [0, 1).

    Raises ValueError where it is negative, or not finite.
    """

    name: Literal["custom"] = "custom"

    def factor(self, progress: float) -> float:
        found = float(self.call(progress))
        if not 0 <= found < math.inf:
            raise ValueError(f"the factor at {progress:g} is {found:g}; give a number of at least 0")
        return found


def _anneal(first: float, last: float, progress: float) -> float:
    return last + (first - last) * (1.0 + math.cos(math.pi * progress)) / 2.0
