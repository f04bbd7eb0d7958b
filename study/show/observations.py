"""One tidy table for the whole study: what every run, or timing round, has of every metric that is shown or claimed.

Statistics, tables and figures read nothing else of a run but this, its summary (see docs/statistics.md) and the curves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from study.axes.dataset import Dataset
from study.axes.recipe import AXES
from study.metric import Final, PerRound, ToTarget
from study.metrics import METRICS
from study.plan.arm import Arm
from study.plan.plan import Plan, PlannedComparison
from study.show.given import observed
from study.show.records import Records, first_reached
from study.stats.estimates import Floats
from study.store.files import write_parquet
from study.store.seal import read_parquet
from study.target import Target
from study.tasks import TASKS

OBSERVATIONS = pa.schema(
    [
        *((name, pa.string()) for name in ("comparison", "label", "metric")),
        ("near", pa.string()),  # "easier" or "harder" of a time to a neighbouring target, else ""
        ("seed", pa.int32()),  # the round, of what the timing job measures
        ("value", pa.float64()),  # infinite: a target was not reached; null: there is no value
        ("status", pa.string()),
        ("learned", pa.bool_()),
        ("undertuned", pa.bool_()),  # tuned further its arm might be better in this metric
        ("misled", pa.bool_()),  # its arm does better in that metric's twin with other settings that were tried
        ("unsearched", pa.bool_()),  # how its arm was tuned, on which this metric hangs, is not known
        ("unit", pa.string()),  # of "learned", which has none: that of the losses
        ("arm", pa.string()),
        ("made_with", pa.string()),  # device, versions of torch and of recipes; null of what the timing job measures
    ]
)
LEARNED = "learned"  # in place of a metric: 1 where a run learned, else 0; of every planned run of every selection
FACTOR = 1.25  # between a target's error (or loss) and those of its neighbours


class Observations:
    """``frame``: columns ``OBSERVATIONS``; arms in the order of their comparison, seeds of an arm ascending."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self._parts = dict(iter(frame[frame["near"] == ""].groupby(["comparison", "metric"], sort=False)))
        self._values: Floats = frame["value"].to_numpy(dtype=float)
        self._status = frame["status"].to_numpy(dtype=str)

    def of(self, comparison: str, metric: str) -> pd.DataFrame:
        """The rows that ``metric`` of a comparison (by name) is estimated from."""
        return self._parts.get((comparison, metric), self.frame.iloc[:0])

    def values(self, comparison: str, metric: str, label: str, near: str = "") -> Floats:
        """What one arm has of a metric; infinite, so worse than every number, where a run diverged. [runs or rounds]"""
        places = self._places.get((comparison, metric, near, label), [])
        found: Floats = self._values[places]
        if metric != LEARNED and isinstance(METRICS[metric].source, Final):
            lost = np.isnan(found) & (self._status[places] == "diverged")
            return np.where(lost, -METRICS[metric].orientation * np.inf, found)
        return found

    @cached_property
    def _places(self) -> Mapping[Any, Any]:
        return self.frame.groupby(["comparison", "metric", "near", "label"], sort=False).indices

    def arm(self, comparison: str, metric: str, label: str) -> pd.DataFrame:
        """The rows of one arm, by seed (or round)."""
        mine: pd.DataFrame = self.frame.iloc[self._places.get((comparison, metric, "", label), [])]
        return mine.set_index("seed").sort_index()

    def runs(self, comparison: str) -> pd.DataFrame:
        """A row for every planned run of a comparison, of the arms of every selection."""
        return self.of(comparison, LEARNED)

    def unit(self, comparison: str, metric: str) -> str:
        """The unit of a metric: losses of a regression are squared errors, not nats."""
        unit = METRICS[metric].unit
        return str(self.runs(comparison)["unit"].iloc[0]) if unit == "nats" else unit

    def write(self, path: Path) -> None:
        table = pa.Table.from_pandas(self.frame, OBSERVATIONS, preserve_index=False)
        write_parquet(table.replace_schema_metadata(), path)

    @classmethod
    def read(cls, path: Path) -> Observations:
        """Raises Damaged where the file is not what was written."""
        return cls(read_parquet(path, OBSERVATIONS).to_pandas())


def observe(plan: Plan, records: Records) -> Observations:
    """Every observation of a study: all metrics that are shown or claimed, and times to the neighbouring targets."""
    shared = _Shared(plan, records)
    parts = [part for comparison in plan.comparisons for part in _comparison(comparison, shared)]
    frame = pd.concat([OBSERVATIONS.empty_table().to_pandas(), *parts], ignore_index=True)[OBSERVATIONS.names]
    return Observations(frame.astype({"learned": bool, "undertuned": bool, "misled": bool, "unsearched": bool}))


class _Shared:
    """What is worked out once for all comparisons.

    ``runs``: indexed by arm and seed; ``reached``: where runs first reached a target; ``silent``: runs of which
    nobody knows, by what is aimed at; ``timing``: with the steps of each arm's budget; ``by_round``: seconds of a step,
    by arm and round; ``undertuned``: arms whose best trial is on the edge of their grids, ``misled``: those for which
    other settings that were tried did better, ``unsearched``: those whose search is not there → whether further tuning
    could change shapes; ``units``: of the losses of each arm.
    """

    def __init__(self, plan: Plan, records: Records) -> None:
        learned = records.runs["learned"]
        # Of a run whose script says no training losses nobody knows: it is not one that did not.
        learned = learned.eq(True) | (learned.isna() & (records.runs["status"] == "finished"))
        runs = records.runs.assign(learned=learned, made_with=made_with(records.runs))
        self.runs = runs.set_index(["arm", "seed"])
        near = {target for c in plan.comparisons for target in (c.target, *neighbours(c.target).values()) if target}
        self.reached = {target: first_reached(records.curves, target) for target in near}
        scripts = [name for name, arm in plan.arms.items() if arm.outline.trainer.free]
        self.silent = {aim.metric: _silent(records, scripts, aim.metric) for aim in near}
        self.timing = records.timing.assign(steps=records.timing["arm"].map(budgets(plan, records)))
        self.by_round = self.timing.set_index(["arm", "round"])["step_seconds"].astype(float).rename("by_round")
        data = records.runs["arm"].map({name: arm.dataset_id for name, arm in plan.arms.items()})
        units = {name: loss_units(dataset, runs[data == name]) for name, dataset in plan.datasets.items()}
        self.units = {name: units.get(arm.dataset_id, {""}) for name, arm in plan.arms.items()}
        self.given = records.given.set_index(["arm", "seed"])
        chosen = records.chosen
        tuned = {name: (arm.search, one) for name, arm in plan.arms.items() if arm.search and (one := chosen.get(name))}
        self.undertuned = {name: search.changes_steps for name, (search, one) in tuned.items() if one.undertuned}
        self.misled = {name: search.changes_steps for name, (search, one) in tuned.items() if one.misled}
        seeds = records.tuning.groupby("arm")["run_seed"].agg(set).to_dict()
        self.unsearched = {
            name: arm.search.changes_steps
            for name, arm in plan.arms.items()
            if arm.search and (name not in chosen or not _all_searched(plan, name, seeds[name]))
        }


def _all_searched(plan: Plan, arm: str, seeds: set[float]) -> bool:
    """Whether all searches of an arm are there. ``seeds``: of the runs that have one, where each has its own."""
    return all(search.run_seed is None or search.run_seed in seeds for search in plan.searches_of(arm))


def _silent(records: Records, scripts: Sequence[str], metric: str) -> pd.MultiIndex:
    """The finished runs, by arm and seed, of ``scripts`` (arms) that wrote no ``metric``: nobody knows what it was."""
    runs, curves = (frame[frame["arm"].isin(scripts)] for frame in (records.runs, records.curves))
    finished = pd.MultiIndex.from_frame(runs.loc[runs["status"] == "finished", ["arm", "seed"]])
    return finished.difference(pd.MultiIndex.from_frame(curves.loc[curves[metric].notna(), ["arm", "seed"]]))


def made_with(runs: pd.DataFrame) -> pd.Series:
    """``CPU, PyTorch 2.13.0, recipe version 2``: what decides numbers beside recipe and seed; null of no record."""
    device, version = (runs[name].astype("string") for name in ("device", "torch_version"))
    recipe = runs["recipe_version"].astype("Int64").astype("string")
    torch = (", PyTorch " + version.str.replace(r"\+.*", "", regex=True)).fillna("")  # whatever its build
    words = device + torch + ", recipe version " + recipe
    return pd.Series(words.astype(object).where(words.notna(), None).tolist(), runs.index)


BASE = ["arm", "label", "seed", "status", "learned", "made_with"]


def _comparison(comparison: PlannedComparison, shared: _Shared) -> Iterator[pd.DataFrame]:
    """The rows of one comparison, a frame for each metric."""
    if comparison.runs:
        yield from observed(comparison, shared.runs, shared.given, BASE, LEARNED)
        return
    seeds = pd.MultiIndex.from_product([list(comparison.trained), range(comparison.seeds)], names=["arm", "seed"])
    every = shared.runs.loc[seeds].reset_index()  # of the arms of every selection
    every["label"] = every["arm"].map(comparison.trained)
    learned = every[BASE].assign(value=every["learned"].astype(float))
    losses = " or ".join(sorted(set().union(*(shared.units[arm] for arm in comparison.trained))))
    learned = learned.assign(undertuned=False, misled=False, unsearched=False)
    yield learned.assign(comparison=comparison.name, metric=LEARNED, near="", unit=losses)
    for metric in comparison.used:
        about, labels = METRICS[metric], {arm: label for label, arm in comparison.arms_for(metric).items()}
        runs, source = every[every["arm"].isin(list(labels))], about.source
        if isinstance(source, Final):
            value = source.value(runs).astype(float).where(runs["status"] == "finished")
            value = value.where(np.isfinite(value))  # as of a ratio to nothing: it is no divergence
            parts = {"": runs[BASE].assign(value=value)}
        elif isinstance(source, PerRound):
            reference = comparison.arms_for(metric)[comparison.reference]
            parts = {"": _rounds(labels, reference, source, shared)}
        else:
            near = neighbours(comparison.target) if metric in comparison.metrics else {}
            targets = {"": comparison.target} | near
            parts = {side: _to_target(source, runs, at, shared) for side, at in targets.items() if at}
        unit = losses if about.unit == "nats" else about.unit
        for side, part in parts.items():
            hangs = {
                "undertuned": [arm for arm, shapes in shared.undertuned.items() if source.twin or shapes],
                "misled": [arm for arm, shapes in shared.misled.items() if source.twin or shapes],
                "unsearched": [arm for arm, shapes in shared.unsearched.items() if not about.per_round or shapes],
            }
            about_tuning = {name: part["arm"].isin(arms) for name, arms in hangs.items()}
            yield part.assign(comparison=comparison.name, metric=metric, near=side, unit=unit, **about_tuning)


def _to_target(source: ToTarget, runs: pd.DataFrame, target: Target, shared: _Shared) -> pd.DataFrame:
    trained = runs["status"].isin(["finished", "diverged"])
    trained &= ~pd.MultiIndex.from_frame(runs[["arm", "seed"]]).isin(shared.silent[target.metric])
    counts = runs.join(shared.reached[target], on=["arm", "seed"])[source.counted].astype(float)
    value = counts.fillna(np.inf).where(trained)
    if source.timed:  # without seconds per step, unreached would look measured
        # Seed i by the step of round i, so that the noise of the clock is in the differences.
        value = value * runs.join(shared.by_round, on=["arm", "seed"])["by_round"]
    return runs[BASE].assign(value=value)


def _rounds(labels: Mapping[str, str], reference: str, source: PerRound, shared: _Shared) -> pd.DataFrame:
    """A metric of the timing job in every round that was timed, whatever the number of seeds. ``labels``: by arm."""
    timing = shared.timing[shared.timing["arm"].isin(list(labels))].sort_values(["arm", "round"], ignore_index=True)
    numbers = timing[["step_seconds", "memory_bytes", "steps"]].astype(float)
    of_reference = timing[timing["arm"] == reference].set_index("round")["step_seconds"]
    value = source.value(numbers.assign(reference_seconds=timing["round"].map(of_reference).astype(float)))
    rows = {"arm": timing["arm"], "label": timing["arm"].map(labels), "seed": timing["round"].astype(int)}
    ends = {"status": "finished", "learned": True, "made_with": np.nan}
    return pd.DataFrame(rows | ends | {"value": value})


def budgets(plan: Plan, records: Records) -> dict[str, float]:
    """``budget`` of each arm that was timed. Training rows are those of any run on the same data."""
    runs, timed = records.runs, {*records.timing["arm"]}
    data = runs["arm"].map({name: (arm.dataset_id, arm.outline.train_share) for name, arm in plan.arms.items()})
    rows = runs.groupby(data)["train_rows"].transform("max")
    own = runs[runs["arm"].isin(timed)].groupby("arm")
    return {str(name): budget(plan.arms[str(name)], each, rows[each.index[0]]) for name, each in own}


def budget(arm: Arm, runs: pd.DataFrame, rows: float) -> float:
    """The steps of an arm's whole budget; where its ``runs`` stop early the mean over these.

    ``rows``: for training. NaN where no run tells them, or what was chosen.
    """
    recipe, ended = arm.outline, runs.loc[runs["status"] == "finished", "steps"]
    if recipe.ends_early and len(ended):
        return float(ended.mean())
    searched = [axis for axis, about in AXES.items() if about.length and "" in arm.open(axis)]
    told = {axis: runs[AXES[axis].column or axis].dropna() for axis in searched}
    chosen = {axis: int(values.iloc[0]) for axis, values in told.items() if len(values)}
    if not recipe.steps and (pd.isna(rows) or len(chosen) < len(searched)):
        return np.nan
    return recipe.but(**chosen).budget(0 if pd.isna(rows) else int(rows))


def loss_units(dataset: Dataset, runs: pd.DataFrame) -> set[str]:
    """The unit of losses on a dataset; of every task where only its data tell, and none of ``runs`` on it finished."""
    if dataset.known_task:
        return {TASKS[dataset.known_task].unit}
    scored = runs.loc[runs["status"] == "finished", "test_accuracy"].notna()
    return {task.unit for task in TASKS.values() if not len(scored) or task.classes == scored.all()}


def neighbours(target: Target | None) -> dict[str, Target]:
    """The targets with ``FACTOR`` times the error (or loss), as "easier", and with 1/``FACTOR`` of it, as "harder"."""
    if target is None:
        return {}
    accuracy = target.metric == "val_accuracy"
    level = 1 - target.value if accuracy else target.value
    if level <= 0:
        return {}  # nothing is left to scale
    near = {}
    for name, exact in (("easier", level * FACTOR), ("harder", level / FACTOR)):
        # To the fewest digits that move it by under a tenth: 0.0625 becomes 0.06, 0.125 becomes 0.12.
        digits = (float(f"{exact:.{digits}g}") for digits in (1, 2, 3))
        rounded = next(value for value in digits if abs(value - exact) < 0.1 * exact)
        if rounded < 1 or not accuracy:
            near[name] = target.model_copy(update={"value": round(1 - rounded, 12) if accuracy else rounded})
    return near


def device_of(timing: pd.DataFrame) -> str | None:
    """The device of the timing job; None where nothing was timed."""
    return ", ".join(sorted(timing["device"].dropna().unique())) or None


def workers(device: str | None, gpus: Iterable[int]) -> str | None:
    """The device of arms with ``gpus`` each: "CPU workers" where any of them splits its batches on a CPU."""
    return "CPU workers" if device == "CPU" and max(gpus, default=1) > 1 else device


def cores_of(timing: pd.DataFrame) -> int | None:
    """How many cores the timing job could use; None where that was not recorded."""
    known = timing["cores"].dropna()
    return int(known.min()) if len(known) else None
