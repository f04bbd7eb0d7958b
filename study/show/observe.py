"""One value per run (or timing round) for every metric: the evidence behind tables and figures."""

from __future__ import annotations

import numpy as np
import pandas as pd

from study.plan.metrics import METRICS
from study.plan.plan import PlannedComparison
from study.show.collect import Records, first_reached

PER_ROUND = ("train_seconds", "step_seconds", "memory_mib", "speedup")


def observe(comparison: PlannedComparison, records: Records) -> pd.DataFrame:
    """Columns: arm, label, seed, status, learned, epochs_run, and one column per metric of the comparison.

    One row per planned run; arms in the order of the comparison. A value that does not exist is NaN; a
    time to target that was not reached is inf. ``seed`` counts rounds for metrics of the timing job.
    """
    order = [arm.arm for arm in comparison.arms]
    runs = records.runs[records.runs["arm"].isin(order) & (records.runs["seed"] < comparison.seeds)]
    runs = runs.set_index(["arm", "seed"])
    index = pd.MultiIndex.from_product([order, range(comparison.seeds)], names=["arm", "seed"])
    runs = runs.reindex(index)
    steps = steps_of(records)
    out = pd.DataFrame(index=index)
    out["label"] = [comparison.labels[arm] for arm, _ in index]
    out["status"] = runs["status"].fillna("missing")
    out["learned"] = runs["learned"].eq(True)
    known = out["status"].isin(["finished", "diverged"])
    reached = first_reached(records.curves, comparison.target).reindex(index)
    for metric in comparison.metrics:
        if metric in PER_ROUND:
            out[metric] = _timed(metric, comparison, records, steps).reindex(index)
        elif METRICS[metric].target:
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
    runs = records.runs[records.runs["arm"].isin(list(comparison.labels)) & (records.runs["status"] == "finished")]
    squared = runs["test_accuracy"].isna()
    nats = "nats" if not squared.any() else "squared error" if squared.all() else "nats or squared error"
    units = {metric: METRICS[metric].unit for metric in comparison.metrics}
    return {metric: nats if unit == "nats" else unit for metric, unit in units.items()}


def device_of(timing: pd.DataFrame) -> str | None:
    """The device of the timing job; None where nothing was timed."""
    known = timing["device"].dropna().unique()
    return ", ".join(sorted(map(str, known))) or None


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


def _timed(metric: str, comparison: PlannedComparison, records: Records, seconds: pd.Series) -> pd.Series:
    """A metric of the timing job by arm and round (as seed)."""
    timing = records.timing.rename(columns={"round": "seed"}).set_index(["arm", "seed"])
    if not len(timing):
        return pd.Series(dtype=float, index=pd.MultiIndex.from_arrays([[], []], names=["arm", "seed"]))
    if metric == "memory_mib":
        return timing["memory_bytes"].astype(float) / 2**20
    step = timing["step_seconds"].astype(float)
    if metric == "step_seconds":
        return step
    arms = step.index.get_level_values("arm")
    if metric == "train_seconds":
        finished = records.runs[records.runs["status"] == "finished"]
        return pd.Series(step * finished.groupby("arm")["steps"].max().reindex(arms).to_numpy(dtype=float))
    reference = next(arm.arm for arm in comparison.arms if arm.label == comparison.reference)
    if reference not in arms:
        return step * np.nan
    of_reference = step.xs(reference, level="arm").reindex(step.index.get_level_values("seed"))
    return pd.Series(of_reference.to_numpy() / step)
