"""The metrics a comparison can show: unit, which direction is better, and what they need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple


class Metric(NamedTuple):
    title: str
    unit: str  # as stored
    better: Literal["higher", "lower"]
    definition: str
    percent: Literal["%", "points"] | None = None  # a fraction is shown as percent, a difference of two as points
    accuracy: bool = False  # needs classes
    target: bool = False  # needs a target; censored at the budget
    timed: bool = False  # needs the timing job

    @property
    def shown(self) -> str:
        """The unit that people see."""
        return self.percent or self.unit


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
    ),
    "steps_to_target": Metric(
        "steps to target", "steps", "lower", "steps at the first evaluation at or past the target", target=True
    ),
    "epochs_to_target": Metric(
        "epochs to target", "epochs", "lower", "epochs at the first evaluation at or past the target", target=True
    ),
    "seconds_to_target": Metric(
        "time to target", "s", "lower", "steps to target × seconds per step of the timing job", target=True, timed=True
    ),
    "train_seconds": Metric("training time", "s", "lower", "all steps of the budget × seconds per step", timed=True),
    "step_seconds": Metric(
        "time per step", "s", "lower", "median over the interleaved rounds of the timing job", timed=True
    ),
    "memory_mib": Metric(
        "peak memory",
        "MiB",
        "lower",
        "parameters, gradients, optimizer state and saved activations of one run",
        timed=True,
    ),
    "small_weights": Metric(
        "small weights",
        "fraction",
        "higher",
        "share of weights below 1 % of the root mean square initial weight",
        percent="%",
    ),
    "weight_norm": Metric("weight norm", "", "lower", "L2 norm of all weights"),
    "speedup": Metric(
        "speedup", "×", "higher", "seconds per step of the reference ÷ seconds per step of the arm", timed=True
    ),
}
TARGETS = ("val_accuracy", "val_loss")
DETERMINISTIC = ("memory_mib", "n_parameters")  # counted, not measured, where every round agrees


def per_round(metric: str) -> bool:
    """Whether a pair is a round of the timing job; else it is a seed."""
    return METRICS[metric].timed and not METRICS[metric].target


def twin(metric: str, regression: bool) -> str | None:
    """What a setting is selected by for the sake of ``metric``: its validation twin (STATISTICS, Tuning).

    None for times of a step and memory, which settings that are numbers do not change. The share of small weights
    and other metrics that nobody wants at the price of a worse model go with accuracy.
    """
    if METRICS[metric].target:
        return "steps_to_target"
    if METRICS[metric].timed:
        return None
    return "val_loss" if regression or metric.endswith("loss") else "val_accuracy"


def selections(metrics: Iterable[str], given: Sequence[str] | None, regression: bool) -> dict[str, str]:
    """The selection whose tuned arms each metric is read from; ``given``: those that the study file lists."""
    twins = {metric: twin(metric, regression) for metric in metrics}
    allowed = (
        given or list(dict.fromkeys(t for t in twins.values() if t)) or ["val_loss" if regression else "val_accuracy"]
    )
    found = {metric: t if t in allowed else allowed[0] for metric, t in twins.items() if t}
    used = next(iter(found.values()), allowed[0])
    return {metric: found.get(metric, used) for metric in twins}
