"""What a figure is drawn from: the tidy frames of one comparison, and how its arms look."""

from __future__ import annotations

import textwrap
from math import isfinite, nan
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from study.metrics import METRICS
from study.plan.plan import PlannedComparison
from study.plan.searches.selection import Chosen
from study.show.formatting import heading
from study.show.observations import Observations, cores_of, device_of, seconds_of, workers
from study.show.records import Records
from study.show.tables.results_table import BROKEN, ordered
from study.show.tables.tuning import ALL_DIVERGED, found

# seaborn's "colorblind", in the order of its lightness contrast; markers tell arms apart without colour.
COLOURS = ("#0173b2", "#de8f05", "#029e73", "#d55e00", "#cc78bc", "#ca9161", "#56b4e9", "#949494")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("", (4, 1.5), (1, 1), (6, 1.5, 1, 1.5), (3, 1, 1, 1, 1, 1), (8, 2), (2, 2), (5, 1, 2, 1))


class Observed:
    """The observations of one comparison, in the unit shown.

    Frames have the columns arm, label, seed, status, learned, and one with the metric's name.
    """

    def __init__(self, comparison: PlannedComparison, observations: Observations) -> None:
        self.comparison, self.observations = comparison, observations
        self._frames: dict[str, pd.DataFrame] = {}
        self._values: dict[str, dict[str, np.ndarray]] = {}

    def of(self, metric: str) -> pd.DataFrame:
        """The rows that ``metric`` is estimated from."""
        if metric not in self._frames:
            rows = self.observations.of(self.comparison.name, metric)[
                ["arm", "label", "seed", "status", "learned", "value"]
            ]
            factor = 100 if METRICS[metric].percent else 1
            self._frames[metric] = rows.assign(value=rows["value"] * factor).rename(columns={"value": metric})
        return self._frames[metric]

    def values(self, metric: str, label: str) -> np.ndarray:
        """What one arm has of a metric. [runs or rounds]"""
        if metric not in self._values:
            groups = self.of(metric).groupby("label", sort=False)[metric]
            self._values[metric] = {str(name): values.to_numpy(dtype=float) for name, values in groups}
        return self._values[metric].get(label, np.empty(0))

    @property
    def runs(self) -> pd.DataFrame:
        """A row per planned run of the arms that the first metric is read from, a column per metric read from them."""
        runs = self.observations.runs(self.comparison.name)
        runs = runs.loc[runs["arm"].isin(list(self.comparison.labels)), ["arm", "label", "seed", "status", "learned"]]
        for metric in self.comparison.used:
            if not METRICS[metric].per_round:
                runs = runs.merge(self.of(metric)[["arm", "seed", metric]], on=["arm", "seed"], how="left")
        return runs


class Scaling(NamedTuple):
    """A comparison of numbers of devices, of which the reference has one."""

    devices: dict[str, int]  # by label
    named: str  # what is counted: "GPUs" or "CPU workers"
    cores: int | None  # that the CPU workers share; None where that is not known, and on GPUs


def scaling_of(comparison: PlannedComparison, records: Records) -> Scaling | None:
    """None where more than the number of devices varies, the reference is not one device, or no speedup is shown."""
    if comparison.keys != ("gpus",) or "speedup" not in comparison.metrics:
        return None
    gpus = records.runs.drop_duplicates("arm").set_index("arm")["gpus"].reindex(list(comparison.labels))
    if gpus.isna().any():
        return None
    devices = {label: int(gpus[arm]) for arm, label in comparison.labels.items()}
    if devices[comparison.reference] != 1:
        return None
    on_cpu = workers(device_of(records.timing), devices.values()) == "CPU workers"
    return Scaling(devices, "CPU workers" if on_cpu else "GPUs", cores_of(records.timing) if on_cpu else None)


class Evidence(NamedTuple):
    """``observed``: a column per metric, in the unit shown. ``curves``: a row per evaluation."""

    comparison: PlannedComparison
    observed: Observed
    runs: pd.DataFrame  # a row per planned run, a column per metric; ``values`` has also those of the timing job
    curves: pd.DataFrame
    labels: list[str]  # the arms, the reference first
    units: dict[str, str]  # by metric
    device: str | None  # of the timing job, as headings name it
    step_seconds: dict[str, dict[str, float]]  # median over rounds, by metric and label
    scaling: Scaling | None  # where numbers of devices are compared
    chosen: dict[str, Chosen | None]  # by arm that was tuned

    @classmethod
    def of(cls, comparison: PlannedComparison, records: Records, observations: Observations) -> Evidence:
        observed = Observed(comparison, observations)
        seeds = records.curves["seed"] < comparison.seeds
        curves = records.curves[records.curves["arm"].isin(list(comparison.labels)) & seeds]
        curves = curves.assign(label=curves["arm"].map(comparison.labels))
        units = {metric: observations.unit(comparison.name, metric) for metric in comparison.used}
        timed = seconds_of(records.timing)
        steps = {
            metric: {x: float(timed[arm]) for x, arm in comparison.arms_for(metric).items() if arm in timed.index}
            for metric in comparison.used
        }
        mine = records.runs["arm"].isin(list(comparison.trained))
        device = workers(device_of(records.timing), records.runs.loc[mine, "gpus"])
        scaling = scaling_of(comparison, records)
        tuned = {arm: chosen for arm, chosen in found(records.tuning).items() if arm in comparison.trained}
        return cls(
            comparison, observed, observed.runs, curves, ordered(comparison), units, device, steps, scaling, tuned
        )

    @property
    def classes(self) -> bool:
        """Whether this is a classification, so that there are accuracies to draw."""
        return bool(self.curves["val_accuracy"].notna().any())

    def axis(self, metric: str) -> str:
        """The axis label of a metric, with its unit."""
        return textwrap.fill(heading(metric, self.units.get(metric), self.device), 34)

    def values(self, metric: str, label: str) -> pd.DataFrame:
        """Columns seed, value and learned: what an arm's runs (or rounds) have of a metric; inf is unreached."""
        rows = self.observed.of(metric)
        rows = rows[(rows["label"] == label) & rows[metric].notna()]
        return pd.DataFrame({"seed": rows["seed"], "value": rows[metric].astype(float), "learned": rows["learned"]})

    def why_empty(self, metric: str) -> str:
        """Why there is nothing to draw of a metric."""
        rows = self.observed.of(metric)
        if METRICS[metric].target and rows[metric].notna().any():
            return "no run reached the target"
        ran = self.runs["status"].isin(["finished", "diverged"]).any()
        needed = [self.comparison.reference] if metric == "speedup" else self.labels
        known = [isfinite(self.step_seconds[metric].get(label, nan)) for label in needed]
        untimed = METRICS[metric].timed and not any(known)
        if untimed and (ran or METRICS[metric].per_round):
            return "could not be timed" if self.step_seconds[metric] else "not timed yet"
        return "no run finished" if ran else "no runs yet"

    def colour(self, label: str) -> str:
        if len(self.labels) > len(COLOURS):
            return COLOURS[0]  # where colours would repeat, they tell nothing
        return COLOURS[self.labels.index(label) % len(COLOURS)]

    def marker(self, label: str) -> str:
        if len(self.labels) > len(MARKERS):
            return MARKERS[0]
        return MARKERS[self.labels.index(label) % len(MARKERS)]

    def dashes(self, label: str) -> tuple[float, tuple[float, ...]] | Literal["-"]:
        """A line style for matplotlib."""
        dashes = DASHES[self.labels.index(label) % len(DASHES)]
        return (0, tuple(map(float, dashes))) if isinstance(dashes, tuple) else "-"

    def broken(self, label: str) -> str:
        """How many runs of an arm did not finish: ``2 diverged, 1 failed of 16``; empty where all did."""
        status = self.runs.loc[self.runs["label"] == label, "status"].value_counts()
        parts = [f"{status[name]} {name}" for name in BROKEN if status.get(name, 0)]
        return f"{', '.join(parts)} of {status.sum()}" if parts else ""

    def marked(self, label: str, metric: str | None = None) -> str:
        """``undertuned`` where that holds for the arm that ``metric`` is read from, of every one where it is None;
        or that there was no setting to train it with.
        """
        metrics = self.comparison.used if metric is None else (metric,)
        arms = [arm for arm in (self.comparison.arms_for(m)[label] for m in metrics) if arm in self.chosen]
        chosen = [self.chosen[arm] for arm in arms]
        if None in chosen:
            return ALL_DIVERGED
        return "undertuned" * any(one is not None and one.undertuned for one in chosen)

    def named(self, label: str, metric: str | None = None, width: int = 24) -> str:
        """The arm's label, with lines on runs that did not finish and on its tuning."""
        parts = (label, self.broken(label), self.marked(label, metric))
        return "\n".join(textwrap.fill(part, width) for part in parts if part)
