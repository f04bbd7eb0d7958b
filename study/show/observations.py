"""One tidy table for the whole study: what every run, or timing round, has of every metric that is shown or claimed.

Statistics, summary, tables and figures read nothing else of a run but this and the curves.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from math import ceil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from study.metrics import METRICS, Final, PerRound, Target, ToTarget
from study.plan.plan import Plan, PlannedComparison
from study.show.records import Records, first_reached
from study.show.tables.tuning import found
from study.stats.estimates import Floats
from study.store.failures import OUT_OF_MEMORY
from study.store.files import write_parquet

OBSERVATIONS = pa.schema(
    [
        *((name, pa.string()) for name in ("comparison", "label", "metric")),
        (
            "near",
            pa.string(),
        ),  # of a time to target: "easier" or "harder" where it is to a neighbouring target, else ""
        ("seed", pa.int32()),  # the round, of what the timing job measures
        ("value", pa.float64()),  # infinite: a target was not reached; null: there is no value
        ("paired", pa.float64()),  # the value that goes into pairs: as ``value``, but seconds by the round of the seed
        ("status", pa.string()),
        ("learned", pa.bool_()),
        ("out_of_memory", pa.bool_()),
        ("undertuned", pa.bool_()),  # tuned further its arm might be better in this metric
        ("unit", pa.string()),
        ("arm", pa.string()),
    ]
)
LEARNED = "learned"  # in place of a metric: 1 where a run learned, else 0; of every planned run of every selection
FACTOR = 1.25  # between a target's error (or loss) and those of its neighbours


class Observations:
    """``frame``: columns ``OBSERVATIONS``; arms in the order of their comparison, seeds of an arm ascending."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self._parts = dict(iter(frame.groupby(["comparison", "metric", "near"], sort=False)))
        self._by_label: dict[tuple[str, str, str], dict[str, Floats]] = {}

    def of(self, comparison: str, metric: str, near: str = "") -> pd.DataFrame:
        """The rows that ``metric`` of a comparison (by name) is estimated from."""
        return self._parts.get((comparison, metric, near), self.frame.iloc[:0])

    def values(self, comparison: str, metric: str, label: str, near: str = "") -> Floats:
        """What one arm has of a metric. [runs or rounds]"""
        key = comparison, metric, near
        if key not in self._by_label:
            rows = self.of(*key)
            groups = rows.groupby("label", sort=False)["value"]
            self._by_label[key] = {str(name): values.to_numpy(dtype=float) for name, values in groups}
        return self._by_label[key].get(label, np.empty(0))

    def runs(self, comparison: str) -> pd.DataFrame:
        """A row for every planned run of a comparison, of the arms of every selection."""
        return self.of(comparison, LEARNED)

    def unit(self, comparison: str, metric: str) -> str:
        """The unit of a metric: losses of a regression are squared errors, not nats."""
        rows = self.of(comparison, metric)
        return str(rows["unit"].iloc[0]) if len(rows) else METRICS[metric].unit

    def write(self, path: Path) -> None:
        table = pa.Table.from_pandas(self.frame, OBSERVATIONS, preserve_index=False)
        write_parquet(table.replace_schema_metadata(), path)

    @classmethod
    def read(cls, path: Path) -> Observations:
        return cls(pq.read_table(path, schema=OBSERVATIONS).to_pandas())


def observe(plan: Plan, records: Records) -> Observations:
    """Every observation of a study: all metrics that are shown or claimed, and times to the neighbouring targets."""
    known = _Known.of(plan, records)
    parts = [part for comparison in plan.comparisons for part in _comparison(comparison, known)]
    frame = pd.concat([OBSERVATIONS.empty_table().to_pandas(), *parts], ignore_index=True)[OBSERVATIONS.names]
    return Observations(frame.astype({"learned": bool, "out_of_memory": bool, "undertuned": bool}))


class _Known(NamedTuple):
    """What is worked out once for all comparisons."""

    runs: pd.DataFrame  # indexed by arm and seed
    curves: pd.DataFrame
    timing: pd.DataFrame  # with the steps of each arm's budget
    seconds: pd.Series  # median of a step over the rounds, by arm
    by_round: pd.Series  # seconds of a step, by arm and round
    undertuned: Mapping[str, bool]  # arms on the edge of their grids → whether further tuning could change shapes
    reached: dict[tuple[str, float], pd.DataFrame]  # ``first_reached``, by target

    @classmethod
    def of(cls, plan: Plan, records: Records) -> _Known:
        seconds = records.timing["step_seconds"].astype(float)
        timing = records.timing.assign(steps=records.timing["arm"].map(budgets(records.runs)).astype(float))
        by_round = pd.Series(seconds.to_numpy(), pd.MultiIndex.from_frame(timing[["arm", "round"]]))
        runs = records.runs.set_index(["arm", "seed"])
        full = runs["reason"].astype("string").str.contains(OUT_OF_MEMORY, regex=True).fillna(False).astype(bool)
        runs = runs.assign(out_of_memory=(runs["status"] == "failed") & full)
        searches = {arm: plan.arms[arm].search for arm in _on_edge(plan, records.tuning)}
        return cls(
            runs,
            records.curves,
            timing,
            seconds_of(records.timing),
            by_round,
            {arm: search is not None and search.changes_steps for arm, search in searches.items()},
            {},
        )

    def first_reached(self, target: Target) -> pd.DataFrame:
        key = target.metric, target.value
        if key not in self.reached:
            self.reached[key] = first_reached(self.curves, target)
        return self.reached[key]


def _on_edge(plan: Plan, tuning: pd.DataFrame) -> set[str]:
    """The ids of arms whose best trial is still on the edge of their grids, or of which nobody can say any more.

    ``tuning``: that of ``Records``.
    """
    chosen = found(tuning)
    tuned = [name for name, arm in plan.arms.items() if arm.search]
    return {arm for arm in tuned if arm not in chosen or ((one := chosen[arm]) and one.undertuned)}


def _comparison(comparison: PlannedComparison, known: _Known) -> Iterator[pd.DataFrame]:
    """The rows of one comparison, a frame for each metric."""
    arms = [(arm, label) for arm, label in comparison.trained.items()]
    every = _runs(comparison, arms, known)
    nats = _nats(every)
    learned = every[BASE].assign(value=every["learned"].astype(float), paired=np.nan)
    yield learned.assign(comparison=comparison.name, metric=LEARNED, near="", unit="", undertuned=False)
    made: dict[tuple[str, ...], pd.DataFrame] = {}
    for metric in comparison.used:
        about, read_from = METRICS[metric], comparison.arms_for(metric)
        key = tuple(read_from.values())
        if key not in made:
            made[key] = _runs(comparison, [(arm, label) for label, arm in read_from.items()], known)
        runs, source = made[key], about.source
        hangs = {arm for arm, shapes in known.undertuned.items() if about.source.twin is not None or shapes}
        if isinstance(source, Final):
            value = source.value(runs).astype(float).where(runs["status"] == "finished")
            parts = {"": runs[BASE].assign(value=value, paired=value)}
        elif isinstance(source, PerRound):
            parts = {"": _rounds(comparison, read_from, source, known)}
        else:
            near = neighbours(comparison.target) if metric in comparison.metrics else {}
            targets = {"": comparison.target} | near
            parts = {side: _to_target(source, runs, at, known) for side, at in targets.items() if at}
        unit = nats if about.unit == "nats" else about.unit
        for side, part in parts.items():
            undertuned = part["arm"].isin(hangs)
            yield part.assign(comparison=comparison.name, metric=metric, near=side, unit=unit, undertuned=undertuned)


BASE = ["arm", "label", "seed", "status", "learned", "out_of_memory"]


def _runs(comparison: PlannedComparison, arms: list[tuple[str, str]], known: _Known) -> pd.DataFrame:
    """A row for each seed of ``arms`` (id and label): the columns ``BASE``, and those of runs.parquet."""
    index = pd.MultiIndex.from_product([[arm for arm, _ in arms], range(comparison.seeds)], names=["arm", "seed"])
    runs = known.runs.reindex(index)
    return runs.assign(
        label=np.repeat([label for _, label in arms], comparison.seeds),
        status=runs["status"].fillna("missing"),
        learned=runs["learned"].eq(True).fillna(False).astype(bool),
        out_of_memory=runs["out_of_memory"].eq(True).fillna(False).astype(bool),
    ).reset_index()


def _nats(runs: pd.DataFrame) -> str:
    """What losses are in."""
    squared = runs.loc[runs["status"] == "finished", "test_accuracy"].isna()
    return "nats" if not squared.any() else "squared error" if squared.all() else "nats or squared error"


def _to_target(source: ToTarget, runs: pd.DataFrame, target: Target, known: _Known) -> pd.DataFrame:
    index = pd.MultiIndex.from_frame(runs[["arm", "seed"]])
    counts = known.first_reached(target)[source.counted].reindex(index).astype(float)
    counts = counts.fillna(np.inf).where(runs["status"].isin(["finished", "diverged"]).to_numpy())
    value = paired = counts.to_numpy()
    if source.timed:  # without seconds per step, unreached would look measured
        value = value * runs["arm"].map(known.seconds.dropna()).to_numpy(dtype=float)
        # Seed i by the step of round i, so that the noise of the clock is in the differences.
        of_round = known.by_round.reindex(index).to_numpy(dtype=float)
        paired = np.where(np.isfinite(of_round), paired * of_round, np.nan)
    return runs[BASE].assign(value=value, paired=paired)


def _rounds(
    comparison: PlannedComparison, read_from: Mapping[str, str], source: PerRound, known: _Known
) -> pd.DataFrame:
    """A metric of the timing job in every round that was timed, whatever the number of seeds."""
    labels = {arm: label for label, arm in read_from.items()}
    timing = known.timing[known.timing["arm"].isin(list(labels))]
    of_reference = timing[timing["arm"] == read_from[comparison.reference]].set_index("round")["step_seconds"]
    numbers = timing[["step_seconds", "memory_bytes", "steps"]].astype(float)
    numbers = numbers.assign(reference_seconds=timing["round"].map(of_reference).astype(float))
    value = source.value(numbers)
    rows = pd.DataFrame(
        {"arm": timing["arm"], "label": timing["arm"].map(labels), "seed": timing["round"].astype(int)}
        | {"status": "finished", "learned": True, "out_of_memory": False, "value": value, "paired": value}
    )
    return rows.sort_values(["arm", "seed"], ignore_index=True)


def budgets(runs: pd.DataFrame) -> dict[str, int]:
    """The steps of each arm's whole budget, whether or not a run of it finished.

    Training rows are those of any run on the same data; an arm whose data no run has seen is left out.
    """
    arms = runs.drop_duplicates("arm").set_index("arm")
    data = arms["recipe"].map(lambda recipe: json.dumps(json.loads(recipe)["dataset"], sort_keys=True))
    rows = runs.groupby(runs["arm"].map(data))["train_rows"].max()
    batches = (data.map(rows) / arms["batch_size"]).dropna().map(ceil)
    return {str(arm): int(count) for arm, count in (batches * arms["epochs"]).dropna().items()}


def seconds_of(timing: pd.DataFrame) -> pd.Series:
    """Median seconds of a step of each arm, over the rounds. [arm]"""
    return timing.groupby("arm")["step_seconds"].median() if len(timing) else pd.Series(dtype=float)


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
        rounded = _rounded(exact)
        if rounded < 1 or not accuracy:
            near[name] = target.model_copy(update={"value": round(1 - rounded, 12) if accuracy else rounded})
    return near


def _rounded(value: float) -> float:
    """To the fewest digits that move it by under a tenth: 0.0625 becomes 0.06, 0.125 becomes 0.12."""
    texts = (f"{value:.{digits}g}" for digits in (1, 2, 3))
    return next(float(text) for text in texts if abs(float(text) - value) < 0.1 * value)


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
