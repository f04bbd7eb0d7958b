"""Blocks of records in a store → the study's tables, as anything that reads Parquet sees them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from study.__main__ import main
from study.plan.plan import Plan
from study.plan.style import Style
from study.show.figures import FIGURES
from study.show.records import Records
from study.store.files import write_parquet
from study.store.layout import Block, Store
from study.store.schemas import CURVES, RUNS, TIMING

ONE = "o: {vary: {optimizer: [sgd]}, metrics: [test_accuracy, seconds_to_target]}"


def block(store: Store, arm: str, seeds: range, loss: float, ends: str = "finished") -> None:
    """Records of ``seeds``; runs of even seeds are at 95 % after epoch 1, the others never reach 90 %."""
    curves = [
        {"arm": arm, "seed": seed, "epoch": epoch, "step": 34 * epoch, "val_accuracy": accuracy}
        for seed in seeds
        for epoch, accuracy in enumerate((0.1, 0.95 if seed % 2 == 0 else 0.8, 0.85))
    ]
    runs: list[dict[str, Any]] = [
        {"arm": arm, "seed": seed, "status": ends, "learned": True, "train_loss": loss, "train_rows": 1077}
        for seed in seeds
    ]
    name = Block(seeds.start, seeds.stop - 1)
    write_parquet(pa.Table.from_pylist(curves, CURVES), store.curves(arm, name))
    write_parquet(pa.Table.from_pylist(runs, RUNS), store.runs(arm, name))


def collected(plan: Plan, store: Store, timing: Iterable[dict[str, Any]] = ()) -> Path:
    plan.write(store, {})
    assert plan.timing
    if timing:
        about = plan.timing.id
        write_parquet(pa.Table.from_pylist(list(timing), TIMING), store.timing(about))
    folder = store.study(plan.study)
    assert main(["collect", str(folder / "plan.json")]) == 0
    return folder


@pytest.fixture
def place(planned: Callable[..., Plan], tmp_path: Path) -> tuple[Plan, Store, str]:
    plan = planned(ONE, seeds=6)
    return plan, Store(tmp_path / "results"), next(iter(plan.arms))


def test_of_overlapping_blocks_the_earlier_starting_one_counts(place: tuple[Plan, Store, str]) -> None:
    plan, store, arm = place
    block(store, arm, range(2, 9), loss=2.0)
    block(store, arm, range(0, 4), loss=1.0)
    runs = pd.read_parquet(collected(plan, store) / "runs.parquet")
    assert runs["seed"].tolist() == [0, 1, 2, 3, 4, 5]  # surplus seeds are ignored
    assert runs["train_loss"].tolist() == [1, 1, 1, 1, 2, 2]
    curves = pd.read_parquet(store.study(plan.study) / "curves.parquet")
    assert curves.groupby("seed").size().tolist() == [3] * 6


def test_seeds_without_records_are_failed_where_a_job_said_why_else_missing(place: tuple[Plan, Store, str]) -> None:
    plan, store, arm = place
    block(store, arm, range(0, 2), loss=1.0, ends="diverged")
    store.failed(arm, Block(2, 3)).write_text(json.dumps({"reason": "out of memory", "log": "", "time": ""}))
    runs = pd.read_parquet(collected(plan, store) / "runs.parquet")
    assert runs["status"].tolist() == ["diverged"] * 2 + ["failed"] * 2 + ["missing"] * 2
    assert runs["reason"].tolist()[2:4] == ["out of memory"] * 2
    assert runs["reason"][4:].isna().all()
    # Whether the target was reached is known of runs that were seen, and of no other.
    reached = pq.read_table(store.study(plan.study) / "runs.parquet")["reached_target"].to_pylist()
    assert reached == [True, False, None, None, None, None]
    assert runs["steps_to_target"].tolist()[:1] == [34]
    assert runs["epochs_to_target"].tolist()[:1] == [1.0]
    assert runs["steps_to_target"][1:].isna().all()


def test_what_was_reached_is_the_target_of_the_comparison(planned: Callable[..., Plan], tmp_path: Path) -> None:
    own = ONE.replace("metrics:", "target: {metric: val_accuracy, value: 0.75}, metrics:")
    plan, store = planned(own, seeds=6), Store(tmp_path / "results")
    block(store, next(iter(plan.arms)), range(6), loss=1.0)  # odd seeds come to 80 % and no further
    runs = pd.read_parquet(collected(plan, store) / "runs.parquet")
    assert runs["reached_target"].all()
    assert plan.target
    assert plan.target.value == 0.9


TEXT, WHOLE, LONG, REAL, TRUTH = "VARCHAR", "INTEGER", "BIGINT", "DOUBLE", "BOOLEAN"  # DuckDB's names
CONTRACT = {  # columns at least
    "runs": {
        TEXT: "arm status reason tuned_by dataset network activation init optimizer schedule regularizer recipe device "
        "torch_version python_version host commit pack started_at",
        WHOLE: "seed epochs_run batch_size epochs gpus recipe_version",
        LONG: "steps steps_to_target n_parameters",
        REAL: "train_loss val_loss test_loss train_accuracy val_accuracy test_accuracy epochs_to_target weight_norm "
        "small_weights lr dropout",
        TRUTH: "learned reached_target",
    },
    "curves": {
        TEXT: "arm",
        WHOLE: "seed",
        LONG: "step",
        REAL: "epoch lr train_loss train_accuracy val_loss val_accuracy grad_norm",
    },
    "timing": {
        TEXT: "arm device torch_version host reason",
        WHOLE: "round threads",
        LONG: "memory_bytes",
        REAL: "step_seconds load_average gpu_utilization",
    },
    "observations": {
        TEXT: "comparison label metric near status unit arm",
        WHOLE: "seed",
        REAL: "value",
        TRUTH: "learned undertuned",
    },
    "summary": {
        TEXT: "comparison arm label metric unit reported estimator against_estimator",
        WHOLE: "n n_finished n_diverged n_failed n_missing n_learned n_reached",
        REAL: "estimate low high against against_low against_high",
    },
}
POLARS = {TEXT: pl.String, WHOLE: pl.Int32, LONG: pl.Int64, REAL: pl.Float64, TRUTH: pl.Boolean}


@pytest.mark.parametrize("full", [True, False], ids=["trained and timed", "nothing there"])
@pytest.mark.parametrize("name", CONTRACT)
def test_columns_and_types_are_those_promised_whoever_reads(
    place: tuple[Plan, Store, str], name: str, full: bool
) -> None:
    plan, store, arm = place
    if full:
        block(store, arm, range(0, 6), loss=1.0)
    timing = [{"arm": arm, "round": i, "step_seconds": 1e-3, "memory_bytes": 1, "device": "CPU"} for i in range(6)]
    path = collected(plan, store, timing if full else ()) / f"{name}.parquet"
    wanted = {column: kind for kind, columns in CONTRACT[name].items() for column in columns.split()}
    described = duckdb.sql(f"DESCRIBE SELECT * FROM '{path}'").fetchall()
    assert wanted.items() <= {column: kind for column, kind, *_ in described}.items()
    polars = pl.read_parquet(path)
    assert {column: polars.schema[column] for column in wanted} == {c: POLARS[kind] for c, kind in wanted.items()}
    pandas = pd.read_parquet(path)
    assert set(wanted) <= set(pandas.columns)
    rows = {"runs": 6, "curves": 18 * full, "timing": 6 * full, "summary": 2, "observations": 6 + 6 + 3 * 6}
    assert len(pandas) == len(polars) == rows[name]


def test_accuracies_are_stored_as_fractions_and_said_to_be(place: tuple[Plan, Store, str]) -> None:
    plan, store, arm = place
    block(store, arm, range(0, 6), loss=1.0)
    summary = pd.read_parquet(collected(plan, store) / "summary.parquet").set_index("metric")
    assert summary["unit"].to_dict() == {"test_accuracy": "fraction", "seconds_to_target": "s"}


def test_a_timing_with_fewer_columns_is_read_with_nulls(place: tuple[Plan, Store, str]) -> None:
    plan, store, arm = place
    rows = [{"arm": arm, "round": 0, "step_seconds": 1e-3, "memory_bytes": 1, "device": "CPU"}]
    folder = collected(plan, store, rows)
    pq.write_table(pa.Table.from_pylist(rows), folder / "timing.parquet")
    timing = Records.read(folder).timing
    assert timing.columns.tolist() == TIMING.names
    assert timing["step_seconds"].tolist() == [1e-3]
    assert timing[["cores", "load_average", "gpu_utilization", "block"]].isna().all(axis=None)


def test_a_timing_with_more_columns_is_read_without_them(place: tuple[Plan, Store, str]) -> None:
    plan, store, arm = place
    row = {"arm": arm, "round": 0, "allreduce_seconds": 9.0, "step_seconds": 1e-3, "memory_bytes": 1, "device": "CPU"}
    folder = collected(plan, store, [row])
    pq.write_table(pa.Table.from_pylist([row]), folder / "timing.parquet")
    timing = Records.read(folder).timing
    assert timing.columns.tolist() == TIMING.names
    assert timing["step_seconds"].tolist() == [1e-3]
    assert timing[["cores", "load_average"]].isna().all(axis=None)


def test_tables_and_figures_of_a_renamed_comparison_are_taken_away(
    place: tuple[Plan, Store, str], planned: Callable[..., Plan]
) -> None:
    plan, store, arm = place
    block(store, arm, range(0, 6), loss=1.0)
    folder = collected(plan, store)
    drawn = ["tables/o.csv", "tables/o.md", "tables/o.tex"]
    drawn += [f"figures/{name}/o.{ending}" for name in FIGURES for ending in ("svg", "png", "pdf")]
    mine = ["tables/o.txt", "tables/mine/o.csv", "figures/o.svg", "figures/results/o.tif"]
    for name in (*drawn, *mine):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    collected(plan, store)
    there = {name for name in drawn if (folder / name).exists()}
    assert there == {name for name in drawn if name.startswith(("tables", "figures/results"))}  # nothing is tuned
    fewer = plan.model_copy(update={"style": Style(formats=("pdf",))})
    assert (folder / "figures/results/o.png").exists()
    collected(fewer, store)
    assert not (folder / "figures/results/o.png").exists()
    assert (folder / "figures/results/o.pdf").exists()
    collected(planned(ONE.replace("o:", "renamed:"), seeds=6), store)
    assert not any((folder / name).exists() for name in drawn)
    assert all((folder / name).exists() for name in mine)
