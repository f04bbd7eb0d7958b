"""The metrics a comparison can show: unit, which direction is better, and what they need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

Select = Literal["val_accuracy", "val_loss", "steps_to_target"]  # what a candidate of a search is chosen by
Adjective = Literal["higher", "lower", "more", "fewer", "less", "shorter", "smaller"]
SUPERLATIVES: dict[Adjective, str] = {
    "higher": "highest", "lower": "lowest", "more": "most", "fewer": "fewest", "less": "least", "shorter": "shortest",
    "smaller": "smallest",
}  # fmt: skip
OPPOSITES: dict[Adjective, str] = {
    "lower": "higher", "more": "fewer", "fewer": "more", "less": "more", "shorter": "longer", "smaller": "larger"
}  # fmt: skip


class Metric(NamedTuple):
    title: str
    unit: str  # as stored
    better: Literal["higher", "lower"]
    definition: str
    percent: Literal["%", "points"] | None = None  # a fraction is shown as percent, a difference of two as points
    accuracy: bool = False  # needs classes
    target: bool = False  # needs a target; censored at the budget
    timed: bool = False  # needs the timing job
    adjective: Adjective | None = None  # what goes with the title where that is neither higher nor lower

    @property
    def shown(self) -> str:
        """The unit that people see."""
        return self.percent or self.unit

    @property
    def comparative(self) -> str:
        """What the better one of two has: ``fewer steps to target``."""
        return f"{self.adjective or self.better} {self.title}"

    @property
    def superlative(self) -> str:
        """What the best one has: ``fewest steps to target``."""
        return f"{SUPERLATIVES[self.adjective or self.better]} {self.title}"

    @property
    def verdicts(self) -> tuple[str, str]:
        """What one is by so much: ``fewer`` or ``more``; where higher is better, ``better`` or ``worse``."""
        adjective = self.adjective or self.better
        return (adjective, OPPOSITES[adjective]) if adjective in OPPOSITES else ("better", "worse")


def _accuracy(title: str, definition: str) -> Metric:
    return Metric(title, "fraction", "higher", definition, percent="%", accuracy=True)


METRICS: dict[str, Metric] = {
    "test_accuracy": _accuracy("test accuracy", "share of test rows classified correctly at the end of the budget"),
    "train_accuracy": _accuracy(
        "training accuracy", "share of training rows classified correctly at the end, without dropout"
    ),
    "val_accuracy": _accuracy("validation accuracy", "share of validation rows classified correctly at the end"),
    "test_loss": Metric(
        "test loss", "nats", "lower", "mean cross-entropy (squared error for regression) on the test rows at the end"
    ),
    "train_loss": Metric(
        "training loss",
        "nats",
        "lower",
        "mean cross-entropy (squared error for regression) on the training rows, without penalties",
    ),
    "val_loss": Metric(
        "validation loss", "nats", "lower", "mean cross-entropy (squared error for regression) on the validation rows"
    ),
    "generalization_gap": Metric(
        "generalization gap",
        "fraction",
        "lower",
        "training accuracy minus test accuracy",
        percent="points",
        accuracy=True,
        adjective="smaller",
    ),
    "steps_to_target": Metric(
        "steps to target",
        "steps",
        "lower",
        "steps at the first evaluation at or past the target",
        target=True,
        adjective="fewer",
    ),
    "epochs_to_target": Metric(
        "epochs to target",
        "epochs",
        "lower",
        "epochs at the first evaluation at or past the target",
        target=True,
        adjective="fewer",
    ),
    "seconds_to_target": Metric(
        "time to target",
        "s",
        "lower",
        "steps to target × seconds per step of the timing job",
        target=True,
        timed=True,
        adjective="shorter",
    ),
    "train_seconds": Metric(
        "training time",
        "s",
        "lower",
        "all steps of the budget × seconds per step",
        timed=True,
        adjective="shorter",
    ),
    "step_seconds": Metric(
        "time per step",
        "s",
        "lower",
        "median over the interleaved rounds of the timing job",
        timed=True,
        adjective="shorter",
    ),
    "memory_mib": Metric(
        "peak memory",
        "MiB",
        "lower",
        "parameters, gradients, optimizer state and saved activations of one run",
        timed=True,
        adjective="less",
    ),
    "small_weights": Metric(
        "small weights",
        "fraction",
        "higher",
        "share of weights below 1 % of the root mean square initial weight",
        percent="%",
        adjective="more",
    ),
    "weight_norm": Metric("weight norm", "", "lower", "L2 norm of all weights", adjective="smaller"),
    "speedup": Metric(
        "speedup", "×", "higher", "seconds per step of the reference ÷ seconds per step of the arm", timed=True
    ),
}


class Target(BaseModel):
    """The validation level that counts as converged."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    metric: Annotated[Literal["val_accuracy", "val_loss"], Field(description="The level is of this metric.")]
    value: Annotated[float, Field(allow_inf_nan=False, description="The level; an accuracy is a fraction.")]

    @field_validator("value")
    @classmethod
    def within_reach(cls, value: float, info: ValidationInfo) -> float:
        if info.data.get("metric") == "val_accuracy" and not 0 < value <= 1:
            raise ValueError("an accuracy is a fraction: give a number above 0 and at most 1")
        return value

    def __str__(self) -> str:
        return f"{self.metric} {self.value:g}"

    def met(self, value: float | None) -> bool:
        """Whether ``value`` is at the level or past it."""
        if value is None:
            return False
        return value >= self.value if METRICS[self.metric].better == "higher" else value <= self.value


DETERMINISTIC = ("memory_mib", "n_parameters")  # counted, not measured, where every round agrees


def per_round(metric: str) -> bool:
    """Whether a pair is a round of the timing job; else it is a seed."""
    return METRICS[metric].timed and not METRICS[metric].target


def twin(metric: str, regression: bool) -> Select | None:
    """What a setting is selected by for the sake of ``metric``: its validation twin (STATISTICS, Tuning).

    None for times of a step and memory, which settings that are numbers do not change. The share of small weights
    and other metrics that nobody wants at the price of a worse model go with accuracy.
    """
    if METRICS[metric].target:
        return "steps_to_target"
    if METRICS[metric].timed:
        return None
    return "val_loss" if regression or metric.endswith("loss") else "val_accuracy"


def selections(metrics: Iterable[str], given: Sequence[Select] | None, regression: bool) -> dict[str, Select]:
    """The selection whose tuned arms each metric is read from; ``given``: those that the study file lists."""
    twins = {metric: twin(metric, regression) for metric in metrics}
    usual: Select = "val_loss" if regression else "val_accuracy"
    allowed = given or list(dict.fromkeys(one for one in twins.values() if one)) or [usual]
    found = {metric: one if one in allowed else allowed[0] for metric, one in twins.items() if one}
    used = next(iter(found.values()), allowed[0])
    return {metric: found.get(metric, used) for metric in twins}
