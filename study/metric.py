"""What a metric is: unit, which direction is better, what it needs, and how it is computed.

Loads neither pandas nor numpy: a metric holds a function of columns, which ``show.observations`` hands to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

Select = Literal[  # what a candidate of a search is chosen by
    "val_accuracy", "val_loss", "steps_to_target", "train_loss", "train_accuracy"
]
Adjective = Literal["higher", "lower", "more", "fewer", "less", "shorter", "smaller"]
SUPERLATIVES: dict[Adjective, str] = {
    "higher": "highest", "lower": "lowest", "more": "most", "fewer": "fewest", "less": "least", "shorter": "shortest",
    "smaller": "smallest",
}  # fmt: skip
OPPOSITES: dict[Adjective, str] = {
    "lower": "higher", "more": "fewer", "fewer": "more", "less": "more", "shorter": "longer", "smaller": "larger"
}  # fmt: skip
Columns = Any  # a pandas.DataFrame: columns by name
Column = Any  # a pandas.Series


def _as_it_is(column: Column) -> Column:
    return column


class Computed:
    """What ``compute`` makes of ``columns``, its arguments, in their order; a single one may stay as it is.

    ``readable``: the columns that there are, and what they hold.
    """

    readable: ClassVar[dict[str, str]]

    def __init__(self, *columns: str, compute: Callable[..., Column] = _as_it_is, twin: Select | None = None) -> None:
        self.columns, self.compute, self.twin = columns, compute, twin

    def value(self, rows: Columns) -> Column:
        """Of every row: of a run, or of an arm in a round of the timing job. [rows]"""
        return self.compute(*(rows[name] for name in self.columns))


class Final(Computed):
    """Has a value for every finished run, from columns of runs.parquet."""

    readable: ClassVar = {
        "train_loss": "loss on the training rows, without penalties and dropout, at the end of the budget",
        "val_loss": "loss on the validation rows",
        "test_loss": "loss on the test rows",
        "train_accuracy": "share of right training rows at the end of the budget; none for regression",
        "val_accuracy": "share of right validation rows",
        "test_accuracy": "share of right test rows",
        "val_balanced_accuracy": "mean over classes of the share of right validation rows",
        "test_balanced_accuracy": "mean over classes of the share of right test rows",
        "val_macro_f1": "mean over classes of F1 on the validation rows",
        "test_macro_f1": "mean over classes of F1 on the test rows",
        "weight_norm": "L2 norm of all weights",
        "small_weights": "share of weights below 1 % of the root mean square initial weight",
        "n_parameters": "number of parameters, biases too",
        "seconds": "of a script's run: by its own clock, else from its start to its end",
        "steps": "steps taken",
        "epochs_run": "epochs done",
        "lr": "base rate, as tuned",
        "learned": "whether the training loss ended below where it began",
        "train_rows": "rows to train on",
        "val_rows": "rows to validate on",
        "test_rows": "rows to test on",
    }

    def __init__(
        self, *columns: str, compute: Callable[..., Column] = _as_it_is, twin: Select | None = "val_accuracy"
    ) -> None:
        super().__init__(*columns, compute=compute, twin=twin)


class PerRound(Computed):
    """Has a value for every round of the timing job, from columns of timing.parquet and two more."""

    readable: ClassVar = {
        "step_seconds": "seconds of a step",
        "memory_bytes": "peak while one run is trained alone",
        "steps": "steps of the arm's whole budget; where runs stop early, the mean of theirs",
        "reference_seconds": "seconds of a step of the comparison's reference in the same round",
    }


class ToTarget(NamedTuple):
    """How far the first evaluation at or past the target is: infinite where a run has none in its budget."""

    counted: Literal["step", "epoch"]  # a column of curves.parquet
    timed: bool = False  # times the seconds that a step of the arm takes
    twin: Select | None = "steps_to_target"


@dataclass(frozen=True)
class Metric:
    """A column of tables, an axis of figures, and what claims are about.

    ``title``: how text calls it. ``unit``: as it is stored. ``definition``: half a sentence, for tables of metrics.
    ``source``: how it is computed; its ``twin`` is what arms are tuned by where this is shown (never the test rows),
    None where no rate changes it. ``better``: which way is. ``percent``: of a fraction, which people see as "%", or of
    a difference of fractions, seen as "points". ``subtracted``: arms are compared by a difference, as fractions always
    are; all else by a factor. ``counted``: it follows from sizes and has no noise, so rounds that agree are a certain
    answer and not a test. ``margin``: by how much a claim that says nothing is to hold: a difference, or a factor less
    one. ``adjective``: what the better arm has ("fewer" steps, a "smaller" gap) where it is neither higher nor lower.
    ``worded``: others may report it in words: a low complexity.
    """

    title: str
    unit: str
    definition: str
    source: Final | ToTarget | PerRound
    better: Literal["higher", "lower"] = "lower"
    percent: Literal["%", "points"] | None = None
    subtracted: bool = False
    counted: bool = False
    margin: float = 0.0
    adjective: Adjective | None = None
    worded: bool = False

    @property
    def accuracy(self) -> bool:
        """Whether it needs classes: it reads an accuracy, or an F1."""
        columns = self.source.columns if isinstance(self.source, Computed) else ()
        return any(name.endswith(("_accuracy", "_f1")) for name in columns)

    @property
    def target(self) -> bool:
        """Whether it needs a target; it is censored at the budget."""
        return isinstance(self.source, ToTarget)

    @property
    def per_round(self) -> bool:
        """Whether a pair is a round of the timing job; else it is a seed."""
        return isinstance(self.source, PerRound)

    @property
    def timed(self) -> bool:
        """Whether it needs the timing job."""
        return self.per_round or (isinstance(self.source, ToTarget) and self.source.timed)

    @property
    def ratio(self) -> bool:
        """Whether arms are compared by a factor; accuracies, gaps and shares are compared by a plain difference."""
        return not (self.percent or self.subtracted)

    @property
    def mean(self) -> Literal["mean", "geometric mean"]:
        """What the runs of an arm come to, and so the differences of two arms."""
        return "geometric mean" if self.ratio else "mean"

    @property
    def orientation(self) -> int:
        """1 where higher is better, -1 where lower is."""
        return 1 if self.better == "higher" else -1

    def threshold(self, margin: float) -> float:
        """A margin on the scale of differences: 0.1 is a tenth of a fraction, or the log of a factor of 1.1."""
        return math.log1p(margin) if self.ratio else margin

    def restored(self, difference: float) -> float:
        """From the scale of differences to the one that is stored: a difference, or a factor (above 1: better)."""
        return math.exp(difference) if self.ratio else difference

    def selected_by(self, regression: bool) -> Select | None:
        """What a setting is selected by for the sake of the metric: its validation twin, or of the training rows itself
        (docs/statistics.md, Tuning).

        None for times of a step and memory, which settings that are numbers do not change. The share of small weights
        and other metrics that nobody wants at the price of a worse model go with accuracy.
        """
        return "val_loss" if regression and self.source.twin == "val_accuracy" else self.source.twin

    @property
    def shown(self) -> str:
        """The unit that people see."""
        return self.percent or self.unit

    @property
    def multiplier(self) -> int:
        """What stored values are multiplied by to be shown in it."""
        return 100 if self.percent else 1

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
