"""One value per run (or timing round) for every metric: the evidence behind tables and figures."""

from __future__ import annotations

import json
from collections.abc import Iterable
from math import ceil
from typing import NamedTuple

import numpy as np
import pandas as pd

from study.metrics import METRICS
from study.plan.plan import PlannedComparison
from study.show.records import Records, first_reached
from study.store.failures import OUT_OF_MEMORY

PER_ROUND = ("train_seconds", "step_seconds", "memory_mib", "speedup")


class Observed(NamedTuple):
    """What a comparison rests on, by metric, since a metric may be read from arms tuned for it.

    Frames have the columns arm, label, seed, status, learned, and one per metric. ``runs_of``: a row per planned run,
    arms in the order of the comparison. ``rounds_of``: the same per arm and timing round (as seed), for the metrics
    of the timing job. A value that does not exist is NaN; a time to target that was not reached is inf.
    """

    runs_of: dict[str, pd.DataFrame]
    rounds_of: dict[str, pd.DataFrame]

    @property
    def runs(self) -> pd.DataFrame:
        """The runs of the arms that the first metric is read from."""
        return next(iter(self.runs_of.values()))

    def of(self, metric: str) -> pd.DataFrame:
        """The rows that ``metric`` is estimated from."""
        return self.rounds_of[metric] if metric in PER_ROUND else self.runs_of[metric]

    def values(self, metric: str, label: str) -> np.ndarray:
        """What one arm has of a metric. [runs or rounds]"""
        rows = self.of(metric)
        return rows.loc[rows["label"] == label, metric].to_numpy(dtype=float)


def observe(comparison: PlannedComparison, records: Records) -> Observed:
    """The evidence for every metric that is shown or claimed."""
    runs: dict[tuple[str, ...], pd.DataFrame] = {}
    rounds: dict[tuple[str, ...], pd.DataFrame] = {}
    read_from = {metric: comparison.arms_for(metric) for metric in comparison.used}
    for arms in read_from.values():
        key = tuple(arms.values())
        if key not in runs:
            labels = {arm: label for label, arm in arms.items()}
            runs[key] = _runs(comparison, labels, records)
            rounds[key] = _rounds(comparison, labels, records)
    keys = {metric: tuple(arms.values()) for metric, arms in read_from.items()}
    return Observed({m: runs[key] for m, key in keys.items()}, {m: rounds[key] for m, key in keys.items()})


def _runs(comparison: PlannedComparison, labels: dict[str, str], records: Records) -> pd.DataFrame:
    order = list(labels)
    runs = records.runs[records.runs["arm"].isin(order) & (records.runs["seed"] < comparison.seeds)]
    runs = runs.set_index(["arm", "seed"])
    index = pd.MultiIndex.from_product([order, range(comparison.seeds)], names=["arm", "seed"])
    runs = runs.reindex(index)
    steps = steps_of(records)
    out = pd.DataFrame(index=index)
    out["label"] = [labels[arm] for arm, _ in index]
    out["status"] = runs["status"].fillna("missing")
    out["learned"] = runs["learned"].eq(True)
    full = runs["reason"].astype("string").str.contains(OUT_OF_MEMORY, regex=True)
    out["out_of_memory"] = (out["status"] == "failed") & full.fillna(False).astype(bool)
    known = out["status"].isin(["finished", "diverged"])
    reached = first_reached(records.curves, comparison.target).reindex(index)
    beside = ("steps_to_target",) * ("seconds_to_target" in comparison.used)
    for metric in dict.fromkeys((*comparison.used, *beside)):
        if metric in PER_ROUND:
            continue
        if METRICS[metric].target:
            times = _to_target(metric, reached, steps).where(reached["epoch"].notna(), np.inf)
            timed = metric != "seconds_to_target" or index.get_level_values("arm").isin(steps.dropna().index)
            out[metric] = times.where(known & timed)  # without seconds per step, unreached would look measured
        elif metric == "generalization_gap":
            out[metric] = (runs["train_accuracy"] - runs["test_accuracy"]).where(out["status"] == "finished")
        else:
            out[metric] = runs[metric].astype(float).where(out["status"] == "finished")
    return out.reset_index()


def units_of(comparison: PlannedComparison, records: Records) -> dict[str, str]:
    """The unit of each metric of the comparison: losses of a regression are squared errors, not nats."""
    runs = records.runs[records.runs["arm"].isin(list(comparison.trained)) & (records.runs["status"] == "finished")]
    squared = runs["test_accuracy"].isna()
    nats = "nats" if not squared.any() else "squared error" if squared.all() else "nats or squared error"
    units = {metric: METRICS[metric].unit for metric in comparison.used}
    return {metric: nats if unit == "nats" else unit for metric, unit in units.items()}


def device_of(timing: pd.DataFrame) -> str | None:
    """The device of the timing job; None where nothing was timed."""
    known = timing["device"].dropna().unique()
    return ", ".join(sorted(map(str, known))) or None


def workers(device: str | None, gpus: Iterable[int]) -> str | None:
    """The device of arms with ``gpus`` each: "CPU workers" where any of them splits its batches on a CPU."""
    return "CPU workers" if device == "CPU" and max(gpus, default=1) > 1 else device


def cores_of(timing: pd.DataFrame) -> int | None:
    """How many cores the timing job could use; None where that was not recorded."""
    known = timing["cores"].dropna()
    return int(known.min()) if len(known) else None


def steps_of(records: Records) -> pd.Series:
    """Median seconds of a step of each arm, over the rounds. [arm]"""
    timing = records.timing
    return timing.groupby("arm")["step_seconds"].median() if len(timing) else pd.Series(dtype=float)


def _to_target(metric: str, reached: pd.DataFrame, seconds: pd.Series) -> pd.Series:
    if metric == "epochs_to_target":
        return reached["epoch"].astype(float)
    steps = reached["step"].astype(float)
    if metric == "steps_to_target":
        return steps
    return pd.Series(steps * seconds.reindex(reached.index.get_level_values("arm")).to_numpy())


def _rounds(comparison: PlannedComparison, labels: dict[str, str], records: Records) -> pd.DataFrame:
    """The metrics of the timing job in every round that was timed, whatever the number of seeds."""
    timing = records.timing[records.timing["arm"].isin(list(labels))]
    rows = timing[["arm"]].assign(label=timing["arm"].map(labels), seed=timing["round"].astype(int))
    rows = rows.assign(status="finished", learned=True, out_of_memory=False)
    step = timing["step_seconds"].astype(float)
    reference = next(arm for arm, label in labels.items() if label == comparison.reference)
    of_reference = timing[timing["arm"] == reference].set_index("round")["step_seconds"].astype(float)
    measured = {
        "memory_mib": timing["memory_bytes"].astype(float) / 2**20,
        "step_seconds": step,
        "train_seconds": step * timing["arm"].map(budgets(records.runs)).astype(float),
        "speedup": timing["round"].map(of_reference).astype(float) / step,
    }
    shown = {metric: measured[metric] for metric in comparison.used if metric in PER_ROUND}
    return rows.assign(**shown).sort_values(["arm", "seed"], ignore_index=True)


def budgets(runs: pd.DataFrame) -> dict[str, int]:
    """The steps of each arm's whole budget, whether or not a run of it finished.

    Training rows are those of any run on the same data; an arm whose data no run has seen is left out.
    """
    arms = runs.drop_duplicates("arm").set_index("arm")
    data = arms["recipe"].map(lambda recipe: json.dumps(json.loads(recipe)["dataset"], sort_keys=True))
    rows = runs.groupby(runs["arm"].map(data))["train_rows"].max()
    batches = (data.map(rows) / arms["batch_size"]).dropna().map(ceil)
    return {str(arm): int(count) for arm, count in (batches * arms["epochs"]).dropna().items()}
