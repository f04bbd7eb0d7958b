"""Runs that were not trained here, read from the files that people brought."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa

from study.errors import Mistakes, Refused, join
from study.metrics import METRICS
from study.plan.elsewhere.runs import read_curves, read_runs
from study.plan.plan import Plan, PlannedComparison
from study.store.checksums import file_sum
from study.store.schemas import CURVES, RUNS, schema

VALUES = schema("arm", "seed").append(pa.field("metric", pa.string())).append(pa.field("value", pa.float64()))
HELD = {name for name in RUNS.names if pa.types.is_floating(RUNS.field(name).type)}  # metrics that runs.parquet has


class GivenRecords(NamedTuple):
    """``runs``: of ``RUNS``, as far as anything is known; ``values``: of ``VALUES``, those that are finite."""

    runs: pa.Table
    curves: pa.Table
    values: pa.Table


def read_given(plan: Plan) -> GivenRecords:
    """What the files hold. Raises Refused where one has changed since the study was planned."""
    parts = [_read(comparison) for comparison in plan.comparisons if comparison.runs]
    runs, curves, values = ([row for part in parts for row in part[i]] for i in range(3))
    order = [(key, "ascending") for key in ("arm", "seed", "epoch", "step")]
    evaluations = pa.Table.from_pylist(curves, CURVES).sort_by(order)
    return GivenRecords(pa.Table.from_pylist(runs, RUNS), evaluations, pa.Table.from_pylist(values, VALUES))


Rows = list[dict[str, Any]]


def _read(comparison: PlannedComparison) -> tuple[Rows, Rows, Rows]:
    """Runs, curves and values of one comparison."""
    planned = comparison.runs
    assert planned
    for path, sum_ in zip(planned.paths, (planned.sha256, planned.curves_sha256), strict=False):
        if not path.is_file() or file_sum(path) != sum_:
            raise Refused([f"{path}: is not what it was when the study was planned; run the study again"])
    mistakes, at = Mistakes(str(planned.file.path)), join("comparisons", comparison.name, "runs")
    arms = {label: arm for arm, label in comparison.labels.items()}
    given = read_runs(planned.file, planned.metrics, at, mistakes)
    mistakes.raise_any()
    assert given
    runs = []
    for run in given.runs:
        row = {"arm": arms[run.label], "seed": run.seed, "status": run.status, "reason": run.reason}
        ended = run.status == "finished"
        runs.append(row | {metric: value for metric, value in run.values.items() if ended and metric in HELD})
    values = [
        {"arm": arms[run.label], "seed": run.seed, "metric": metric, "value": value}
        for run in given.runs
        if run.status == "finished"
        for metric, value in run.values.items()
    ]
    curves: Rows = []
    if planned.file.curves:
        there = {(run.label, run.seed) for run in given.runs}
        evaluations = read_curves(planned.file, given.labels, there, join(at, "curves"), mistakes)
        mistakes.raise_any()
        curves = [
            {"arm": arms[one.label], "seed": one.seed, "epoch": one.epoch, "step": one.step} | one.levels
            for one in evaluations
        ]
    return runs, curves, values


def observed(
    comparison: PlannedComparison, runs: pd.DataFrame, values: pd.DataFrame, kept: list[str], learned: str
) -> Iterator[pd.DataFrame]:
    """The observations of a comparison, a frame for each metric.

    ``runs`` and ``values`` of the study, indexed by arm and seed; ``kept``: columns of runs; ``learned``: what the rows
    are called that say whether a run learned. That is not known here: as nothing is to be said of it, all that finished
    did. Nor is the unit of losses.
    """
    every = runs.loc[runs.index.isin(list(comparison.labels), level="arm")].reset_index()
    ended = every["status"] == "finished"
    every = every.assign(label=every["arm"].map(comparison.labels), learned=ended)[kept]
    every = every.assign(comparison=comparison.name, near="", undertuned=False, misled=False, unsearched=False)
    yield every.assign(value=ended.astype(float), metric=learned, unit="")
    for metric in comparison.used:
        mine = values.loc[values["metric"] == metric, "value"]
        value = every.join(mine, on=["arm", "seed"])["value"].where(ended)
        unit = "" if METRICS[metric].unit == "nats" else METRICS[metric].unit
        yield every.assign(value=value, metric=metric, unit=unit)
