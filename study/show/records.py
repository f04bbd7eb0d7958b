"""All runs of a study in one table, with those that failed or are missing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from study.plan.arm import Arm
from study.plan.file.models import Target
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
TARGETS = [("reached_target", pa.bool_()), ("steps_to_target", pa.int64()), ("epochs_to_target", pa.float64())]
ABOUT = [
    ("tuned_by", pa.string()),  # what its settings were chosen by; null where nothing is tuned
    *AXES_SCHEMA,
    ("recipe", pa.string()),
]
STUDY_RUNS = pa.schema([*RUNS, *(pa.field(name, kind) for name, kind in (*TARGETS, *ABOUT))])
AT_ONCE = 512  # files that are opened at a time


class Records(NamedTuple):
    """What a study left. ``runs``: a row per planned run; ``curves``: per run and evaluation."""

    runs: pd.DataFrame
    curves: pd.DataFrame
    timing: pd.DataFrame  # a row per arm and round; empty where nothing was timed
    tuning: pd.DataFrame  # per arm, candidate and tuning seed; empty where nothing was tuned

    def write(self, folder: Path) -> None:
        """As runs, curves, timing and tuning.parquet."""
        for name, frame in self._asdict().items():
            table = pa.Table.from_pandas(frame, SCHEMAS[name], preserve_index=False)
            write_parquet(table.replace_schema_metadata(), folder / f"{name}.parquet")

    @classmethod
    def read(cls, folder: Path) -> Records:
        """What ``write`` wrote; columns that an older file has not are null."""
        return cls(*(pq.read_table(folder / f"{name}.parquet", schema=SCHEMAS[name]).to_pandas() for name in SCHEMAS))


SCHEMAS = {"runs": STUDY_RUNS, "curves": CURVES, "timing": TIMING, "tuning": TUNING}


def gather(plan: Plan, store: Store) -> Records:
    """The records of every arm of a study, and of its timing.

    Raises ValueError where runs were trained with other settings than tuning chose.
    """
    present = store.present(plan.arms)
    runs, curves = _there(plan, store, present)
    absent = _absent(plan, store, present)
    runs = pa.concat_tables([runs, absent]).sort_by([("arm", "ascending"), ("seed", "ascending")])
    paths = [store.tuning(arm) for arm, recipe in sorted(plan.arms.items()) if recipe.tune]
    path = plan.timing and store.timing(plan.timing.id)
    seen = curves.to_pandas()
    return Records(
        runs=_with_targets(_described(runs, plan, store).to_pandas(), seen, targets_of(plan)),
        curves=seen,
        timing=(pq.read_table(path, schema=TIMING) if path and path.exists() else TIMING.empty_table()).to_pandas(),
        tuning=_tables([path for path in paths if path.exists()], TUNING).to_pandas(),
    )


def _there(plan: Plan, store: Store, present: Mapping[str, list[Block]]) -> tuple[pa.Table, pa.Table]:
    """The runs and curves of all blocks that are there, of the seeds that each block answers for."""
    whole: dict[str, list[Path]] = {"runs": [], "curves": []}
    parts: dict[str, list[pa.Table]] = {"runs": [], "curves": []}
    for arm, blocks in present.items():
        for block, seeds in owned(blocks, plan.seeds[arm]):
            for name, path in (("runs", store.runs(arm, block)), ("curves", store.curves(arm, block))):
                if seeds == block.seeds:
                    whole[name].append(path)
                else:
                    keep = [("seed", ">=", seeds.start), ("seed", "<", seeds.stop)]
                    parts[name].append(pq.read_table(path, schema=SHARED[name], filters=keep))
    runs, curves = (pa.concat_tables([_tables(whole[name], SHARED[name]), *parts[name]]) for name in SHARED)
    return runs, curves.sort_by([("arm", "ascending"), ("seed", "ascending"), ("epoch", "ascending")])


SHARED = {"runs": RUNS, "curves": CURVES}


def _tables(paths: list[Path], schema: pa.Schema) -> pa.Table:
    """All rows of many files, in their order; columns that a file has not are null."""
    groups = [list(map(str, paths[at : at + AT_ONCE])) for at in range(0, len(paths), AT_ONCE)]
    made = [ds.dataset(group, schema=schema, format="parquet").to_table() for group in groups]
    return pa.concat_tables([schema.empty_table(), *made]).combine_chunks()


def _absent(plan: Plan, store: Store, present: Mapping[str, list[Block]]) -> pa.Table:
    """A row for every planned run without records: failed, and why, where a job said so; else missing."""
    rows = []
    for arm, wanted in plan.seeds.items():
        there = {seed for _, seeds in owned(present[arm], wanted) for seed in seeds}
        if len(there) == wanted:
            continue
        reasons = {seed: failure.reason for failure in failures(store, arm) for seed in failure.block.seeds}
        for seed in (seed for seed in range(wanted) if seed not in there):
            status = "failed" if seed in reasons else "missing"
            rows.append({"arm": arm, "seed": seed, "status": status, "reason": reasons.get(seed)})
    return pa.Table.from_pylist(rows, RUNS)


def _described(runs: pa.Table, plan: Plan, store: Store) -> pa.Table:
    """The runs with the columns ``ABOUT`` their arms."""
    rows = []
    for arm, planned in plan.arms.items():
        recipe = _settled(arm, plan, store, runs) if planned.tune else planned
        about = {"arm": arm, "tuned_by": planned.tune.select if planned.tune else None}
        rows.append(about | recipe.columns() | {"recipe": recipe.model_dump_json()})
    arms = pa.Table.from_pylist(rows, pa.schema([("arm", pa.string()), *ABOUT]))
    places = pc.index_in(runs["arm"], value_set=arms["arm"].combine_chunks())
    for name, kind in ABOUT:
        runs = runs.append_column(pa.field(name, kind), arms[name].take(places))
    return runs


def _settled(arm: str, plan: Plan, store: Store, runs: pa.Table) -> Arm:
    """The arm with the settings that tuning chose, or as planned before that.

    Raises ValueError where its runs were trained with others than its tuning chose.
    """
    planned = plan.arms[arm]
    if not store.tuning(arm).exists():
        return planned
    tuned = settled(planned, store)
    chosen = used(planned, tuned)
    mine = runs.filter(pc.field("arm") == arm)
    pairs = zip(mine["status"].to_pylist(), mine["settings"].to_pylist(), strict=True)
    others = {settings for status, settings in pairs if status in ("finished", "diverged")} - {chosen}
    if others:
        trained = ", ".join(sorted(settings or "nothing, since every candidate diverged" for settings in others))
        raise ValueError(
            f"{store.arm(arm)}: runs were trained with {trained}, but tuning.parquet chose {chosen or 'nothing'}; "
            "delete the runs-*.parquet there, and they are trained again"
        )
    return tuned or planned


def targets_of(plan: Plan) -> dict[str, Target]:
    """By arm: the target of the first comparison that has the arm and a target."""
    found: dict[str, Target] = {}
    for comparison in plan.comparisons:
        for arm in comparison.trained if comparison.target else ():
            found.setdefault(arm, comparison.target)  # type: ignore[arg-type]
    return found


def first_reached(curves: pd.DataFrame, target: Target | None) -> pd.DataFrame:
    """The first evaluation at or past ``target``: columns epoch and step, indexed by arm and seed."""
    met = curves[target.met(curves[target.metric])] if target else curves.iloc[:0]
    return met.groupby(["arm", "seed"])[["epoch", "step"]].min()


def _with_targets(runs: pd.DataFrame, curves: pd.DataFrame, targets: Mapping[str, Target]) -> pd.DataFrame:
    """The runs with the columns ``TARGETS``: null where nothing was trained, or the study has no target."""
    parts = [curves.iloc[:0][["arm", "seed", "epoch", "step"]].set_index(["arm", "seed"])]
    for target in set(targets.values()):
        mine = [arm for arm, own in targets.items() if own == target]
        parts.append(first_reached(curves[curves["arm"].isin(mine)], target))
    reached = pd.concat(parts).reindex(pd.MultiIndex.from_frame(runs[["arm", "seed"]]))
    known = runs["arm"].isin(list(targets)) & runs["status"].isin(["finished", "diverged"])
    hit = reached["step"].notna().to_numpy()
    return runs.assign(
        reached_target=pd.Series(hit, runs.index, dtype=object).where(known, None),
        steps_to_target=reached["step"].to_numpy(dtype=float),
        epochs_to_target=reached["epoch"].to_numpy(dtype=float),
    )[list(STUDY_RUNS.names)]
