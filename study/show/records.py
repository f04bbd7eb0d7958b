"""All runs of a study in one table, with those that failed or are missing."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from study.plan.arm import Arm
from study.metrics import Target
from study.plan.plan import Plan
from study.plan.searches.chosen import settled, used
from study.store.failures import failures
from study.store.files import write_parquet
from study.store.layout import Block, Store, owned
from study.store.schemas import CURVES, RUNS, TIMING, TUNING

NAMED_AXES = ("dataset", "network", "activation", "init", "optimizer", "schedule", "regularizer")
AXES_SCHEMA = [
    *((axis, pa.string()) for axis in NAMED_AXES),
    ("dropout", pa.float64()),
    *((axis, pa.int32()) for axis in ("batch_size", "epochs", "gpus")),
]
STUDY_RUNS = pa.schema(
    [
        *RUNS,
        pa.field("reached_target", pa.bool_()),
        pa.field("steps_to_target", pa.int64()),
        pa.field("epochs_to_target", pa.float64()),
        pa.field("tuned_by", pa.string()),  # what its settings were chosen by; null where nothing is tuned
        *(pa.field(name, kind) for name, kind in AXES_SCHEMA),
        pa.field("recipe", pa.string()),
    ]
)


class Records(NamedTuple):
    """What a study left. ``runs``: a row per planned run; ``curves``: per run and evaluation."""

    runs: pd.DataFrame
    curves: pd.DataFrame
    timing: pd.DataFrame  # a row per arm and round; empty where nothing was timed
    tuning: pd.DataFrame  # per arm, candidate and tuning seed; empty where nothing was tuned


def gather(plan: Plan, store: Store) -> dict[str, pa.Table]:
    """The tables of ``Records``, from the records of every arm.

    Raises ValueError where runs were trained with other settings than tuning chose.
    """
    runs, curves = [], []
    for arm, blocks in store.present(plan.arms).items():
        rows, curve = _arm(arm, blocks, plan, store)
        runs.append(rows)
        curves.append(curve)
    path = plan.timing and store.timing(plan.timing.id)
    paths = [store.tuning(arm) for arm, recipe in sorted(plan.arms.items()) if recipe.tune]
    tuning = [pq.read_table(path, schema=TUNING) for path in paths if path.exists()]
    return {
        "runs": _with_targets(pa.concat_tables(runs), pa.concat_tables(curves), plan.target),
        "curves": pa.concat_tables(curves),
        "timing": pq.read_table(path, schema=TIMING) if path and path.exists() else TIMING.empty_table(),
        "tuning": pa.concat_tables([TUNING.empty_table(), *tuning]),
    }


def collect(plan: Plan, store: Store) -> None:
    """Write runs, curves, tuning and timing of the study beside its plan."""
    for name, table in gather(plan, store).items():
        write_parquet(table, store.study(plan.study) / f"{name}.parquet")


def read(plan: Plan, store: Store) -> Records:
    """What ``collect`` wrote."""
    folder = store.study(plan.study)
    return Records(
        runs=pd.read_parquet(folder / "runs.parquet"),
        curves=pd.read_parquet(folder / "curves.parquet"),
        timing=pq.read_table(folder / "timing.parquet", schema=TIMING).to_pandas(),  # older ones have fewer columns
        tuning=pd.read_parquet(folder / "tuning.parquet"),
    )


def _arm(arm: str, blocks: list[Block], plan: Plan, store: Store) -> tuple[pa.Table, pa.Table]:
    wanted = plan.seeds[arm]
    runs, curves = [RUNS.empty_table()], [CURVES.empty_table()]
    absent = dict.fromkeys(range(wanted))
    for block, seeds in owned(blocks, wanted):
        keep = [("seed", ">=", seeds.start), ("seed", "<", seeds.stop)]
        runs.append(pq.read_table(store.runs(arm, block), schema=RUNS, filters=keep))
        curves.append(pq.read_table(store.curves(arm, block), schema=CURVES, filters=keep))
        for seed in seeds:
            del absent[seed]
    reasons = {seed: failure.reason for failure in failures(store, arm) for seed in failure.block.seeds}
    rows = [
        {"arm": arm, "seed": seed, "status": "failed" if seed in reasons else "missing", "reason": reasons.get(seed)}
        for seed in absent
    ]
    runs.append(pa.Table.from_pylist(rows, RUNS))
    table = pa.concat_tables(runs)
    recipe = _settled(arm, plan, store, table)
    tune = plan.arms[arm].tune
    about = recipe.columns() | {"recipe": recipe.model_dump_json(), "tuned_by": tune.select if tune else None}
    for name, kind in (*AXES_SCHEMA, ("recipe", pa.string()), ("tuned_by", pa.string())):
        table = table.append_column(name, pa.array([about[name]] * len(table), kind))
    return table, pa.concat_tables(curves)


def _settled(arm: str, plan: Plan, store: Store, runs: pa.Table) -> Arm:
    """The arm with the settings that tuning chose, or as planned before that.

    Raises ValueError where its runs were trained with others than its tuning chose.
    """
    planned = plan.arms[arm]
    if planned.tune is None or not store.tuning(arm).exists():
        return planned
    tuned = settled(planned, store)
    chosen = used(planned, tuned)
    pairs = zip(runs["status"].to_pylist(), runs["settings"].to_pylist(), strict=True)
    others = {settings for status, settings in pairs if status in ("finished", "diverged")} - {chosen}
    if others:
        trained = ", ".join(sorted(settings or "nothing, since every candidate diverged" for settings in others))
        raise ValueError(
            f"{store.arm(arm)}: runs were trained with {trained}, but tuning.parquet chose {chosen or 'nothing'}; "
            "delete the runs-*.parquet there, and they are trained again"
        )
    return tuned or planned


def first_reached(curves: pd.DataFrame, target: Target | None) -> pd.DataFrame:
    """The first evaluation at or past ``target``: columns epoch and step, indexed by arm and seed."""
    if target is None:
        met = curves.iloc[:0]
    else:
        value = curves[target.metric]
        met = curves[value >= target.value if target.metric.endswith("accuracy") else value <= target.value]
    return met.groupby(["arm", "seed"])[["epoch", "step"]].min()


def _with_targets(runs: pa.Table, curves: pa.Table, target: Target | None) -> pa.Table:
    reached = first_reached(curves.to_pandas(), target)
    rows: list[dict[str, Any]] = []
    for arm, seed, status in zip(*(runs[name].to_pylist() for name in ("arm", "seed", "status")), strict=True):
        hit = reached.loc[(arm, seed)] if (arm, seed) in reached.index else None
        known = target is not None and status in ("finished", "diverged")
        rows.append(
            {
                "reached_target": hit is not None if known else None,
                "steps_to_target": None if hit is None else int(hit["step"]),
                "epochs_to_target": None if hit is None else float(hit["epoch"]),
            }
        )
    for name in ("reached_target", "steps_to_target", "epochs_to_target"):
        runs = runs.append_column(
            STUDY_RUNS.field(name), pa.array([r[name] for r in rows], STUDY_RUNS.field(name).type)
        )
    return runs.select(STUDY_RUNS.names).sort_by([("arm", "ascending"), ("seed", "ascending")])
