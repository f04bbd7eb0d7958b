"""All runs of a study in one table, with those that failed or are missing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from study.axes.dataset import Dataset
from study.axes.recipe import Recipe
from study.plan.choice import Chosen
from study.plan.damage import inspect, lost
from study.plan.plan import Plan
from study.plan.trials import Trials, from_json, settings_of, settings_text
from study.show.given import VALUES, read_given
from study.store.failures import failures
from study.store.files import write_parquet
from study.store.layout import Block, Store, owned
from study.store.schemas import AXES_COLUMNS, CURVES, RUNS, TIMING, TUNING
from study.store.seal import read_parquet, read_table
from study.target import Target

TARGETS = [("reached_target", pa.bool_()), ("steps_to_target", pa.int64()), ("epochs_to_target", pa.float64())]
ABOUT = [
    pa.field("tuned_by", pa.string()),  # what its settings were chosen by; null where nothing is tuned
    *AXES_COLUMNS,
    pa.field("recipe", pa.string()),
]
STUDY_RUNS = pa.schema([*RUNS, *(pa.field(name, kind) for name, kind in TARGETS), *ABOUT])


class Records(NamedTuple):
    """What a study left. ``runs``: a row per planned run; ``curves``: per run and evaluation."""

    runs: pd.DataFrame
    curves: pd.DataFrame
    timing: pd.DataFrame  # a row per arm and round; empty where nothing was timed
    tuning: pd.DataFrame  # per arm, candidate and tuning seed; empty where nothing was tuned
    given: pd.DataFrame = VALUES.empty_table().to_pandas()  # of runs that were not trained here: per run and metric

    @property
    def chosen(self) -> dict[str, Chosen | None]:
        """What tuning chose for each arm."""
        return choices(self.tuning)

    def write(self, folder: Path) -> None:
        """As runs, curves, timing and tuning.parquet; what is ``given`` stays in its own files."""
        for name, schema in SCHEMAS.items():
            table = pa.Table.from_pandas(getattr(self, name), schema, preserve_index=False)
            write_parquet(table.replace_schema_metadata(), folder / f"{name}.parquet")

    @classmethod
    def read(cls, folder: Path) -> Records:
        """What ``write`` wrote; columns that an older file has not are null. Raises Damaged where it is not that."""
        return cls(*(read_parquet(folder / f"{name}.parquet", SCHEMAS[name]).to_pandas() for name in SCHEMAS))


SCHEMAS = {"runs": STUDY_RUNS, "curves": CURVES, "timing": TIMING, "tuning": TUNING}


def choices(tuning: pd.DataFrame) -> dict[str, Chosen | None]:
    """What was chosen for each arm that was tuned; None where every candidate diverged. ``tuning``: of ``Records``."""
    found: dict[str, Chosen | None] = dict.fromkeys(tuning["arm"])
    by_run = {arm: tuple(map(settings_of, settings)) for arm, settings in settings_by_run(tuning).items()}
    for row in tuning[tuning["chosen"].astype(bool)].drop_duplicates("arm").to_dict("records"):
        sides, points = (json.loads(row[name]) if isinstance(row[name], str) else {} for name in ("edge", "next"))
        score, final = (None if pd.isna(row.get(name)) else float(row[name]) for name in ("score", "final_score"))
        better, better_by = (row[name] if isinstance(row.get(name), str) else None for name in ("better", "better_by"))
        found[row["arm"]] = Chosen(
            settings_of(row["settings"]), sides, bool(row["undertuned"]), [from_json(point) for point in points],
            by_run.get(row["arm"], ()), row["select"], score, final, settings_of(better) if better else None, better_by,
        )  # fmt: skip
    return found


def settings_by_run(tuning: pd.DataFrame) -> pd.Series:
    """Of arms whose runs are tuned each for itself: the settings (JSON) of their runs, by arm."""
    if "chosen_here" not in tuning:
        return tuning["by_run"].groupby(tuning["arm"]).first().dropna().map(json.loads)
    own = tuning[tuning["chosen_here"].eq(True)].drop_duplicates(["arm", "run_seed"]).sort_values("run_seed")
    return own.groupby("arm")["settings"].agg(list).astype(object)


def gather(plan: Plan, store: Store) -> Records:
    """The records of every arm of a study, and of its timing.

    What is damaged, or another's, is set aside first, with a line. Raises ValueError where runs were trained with other
    settings than tuning chose, Refused where a file with runs that are there already has changed since the study was
    planned, Damaged where a damaged file cannot be set aside.
    """
    for line in inspect(plan, store):
        print(line, file=sys.stderr)
    present = store.present(plan.arms)
    runs, curves = _there(plan, store, present)
    given = read_given(plan)
    curves = pa.concat_tables([curves, given.curves])
    runs = pa.concat_tables([runs, _absent(plan, store, present), given.runs])
    runs = runs.sort_by([("arm", "ascending"), ("seed", "ascending")])
    trials = {name: Trials.read(search, store) for name, search in plan.searches.items()}
    path = plan.timing and store.timing(plan.timing.id)
    seen = curves.to_pandas()
    tuning = [row for arm in sorted(plan.arms) for row in _tuning(arm, plan, trials)]
    return Records(
        runs=_with_targets(_described(runs, plan, store, trials), seen, targets_of(plan)),
        curves=seen,
        timing=(read_table(path, TIMING) if path and path.exists() else TIMING.empty_table()).to_pandas(),
        tuning=pa.Table.from_pylist(tuning, TUNING).to_pandas(),
        given=given.values.to_pandas(),
    )


def _tuning(name: str, plan: Plan, trials: Mapping[str, Trials]) -> Iterator[dict[str, Any]]:
    """The rows of ``TUNING`` of an arm, once it is tuned; of runs that are tuned each for itself those that are."""
    arm = plan.arms[name]
    if arm.search is None or arm.selection is None:
        return
    parts = [mine for one in plan.searches_of(name) if arm.selection.name in (mine := trials[one.id]).done]
    if not parts:
        return
    chosen = {part.search.run_seed: part.chosen(arm.selection) for part in parts}
    for row in Trials.pooled(arm.search, parts).rows(arm.selection):
        seed = arm.search.run_seed_of(row["seed"])
        one = chosen[seed]
        here = None if seed is None else one is not None and settings_text(one.settings) == row["settings"]
        yield row | {"arm": name, "run_seed": seed, "chosen_here": here}


def _there(plan: Plan, store: Store, present: Mapping[str, list[Block]]) -> tuple[pa.Table, pa.Table]:
    """The runs and curves of all blocks that are there, of the seeds that each block answers for."""
    shares = [(arm, *share) for arm, blocks in present.items() for share in owned(blocks, plan.seeds[arm])]
    tables = []
    for schema, path in ((RUNS, store.runs), (CURVES, store.curves)):
        whole = [str(path(arm, block)) for arm, block, seeds in shares if seeds == block.seeds]
        cut = [
            (table := read_table(path(arm, block), schema)).filter(pc.is_in(table["seed"], pa.array(seeds)))
            for arm, block, seeds in shares
            if seeds != block.seeds
        ]
        tables.append(pa.concat_tables([ds.dataset(whole, schema=schema, format="parquet").to_table(), *cut]))
    runs, curves = tables
    return runs, curves.sort_by([("arm", "ascending"), ("seed", "ascending"), ("epoch", "ascending")])


def _absent(plan: Plan, store: Store, present: Mapping[str, list[Block]]) -> pa.Table:
    """A row for every planned run without records: failed, and why, where a job said so; else missing."""
    rows = []
    damaged = {(each.arm, seed): each.reason for each in lost(plan, store) for seed in each.seeds}
    for arm, wanted in plan.seeds.items():
        gone = set(range(wanted)).difference(*(seeds for _, seeds in owned(present[arm], wanted)))
        if not gone:
            continue
        failed = failures(store, arm, plan.arms[arm].waiting(gone))
        reasons = {seed: failure.reason for failure in failed for seed in failure.seeds}
        for seed in sorted(gone):
            status = "failed" if seed in reasons else "missing"
            reason = reasons.get(seed, damaged.get((arm, seed)))
            rows.append({"arm": arm, "seed": seed, "status": status, "reason": reason})
    return pa.Table.from_pylist(rows, RUNS)


def _described(runs: pa.Table, plan: Plan, store: Store, trials: Mapping[str, Trials]) -> pd.DataFrame:
    """The runs with the columns ``ABOUT`` their arms."""
    trained: dict[str, dict[int, str | None]] = {}  # arm → the settings that its runs have, by seed
    ended = runs.filter(pc.field("status").isin(["finished", "diverged"]))
    for name, seed, settings in zip(
        *(ended[column].to_pylist() for column in ("arm", "seed", "settings")), strict=True
    ):
        trained.setdefault(name, {})[seed] = settings
    apart = [name for name, arm in plan.arms.items() if arm.search and arm.search.by_seed]  # whose runs differ
    rows = []
    for arm_id, arm in plan.arms.items():
        settled = _settled(arm_id, plan, store, trained.get(arm_id, {}), trials) if arm.search else {0: arm.recipe}
        for seed, recipe in settled.items():
            about = {"arm": arm_id, "of": seed, "tuned_by": arm.selection.metric if arm.selection else None}
            columns = recipe.columns() if recipe else arm.columns()
            rows.append(about | columns | {"recipe": (recipe or arm.outline).model_dump_json()})
    keys = [pa.field("arm", pa.string()), pa.field("of", RUNS.field("seed").type)]
    about_arms = pa.Table.from_pylist(rows, pa.schema([*keys, *ABOUT])).to_pandas()
    frame: pd.DataFrame = runs.to_pandas()
    frame["of"] = frame["seed"].where(frame["arm"].isin(apart), 0)
    return frame.merge(about_arms, how="left", on=["arm", "of"]).drop(columns="of")


def _settled(
    arm_id: str, plan: Plan, store: Store, trained: Mapping[int, str | None], trials: Mapping[str, Trials]
) -> dict[int, Recipe | None]:
    """The recipe that was chosen for the runs of a tuned arm, by seed, or for all as if for seed 0; None where nothing
    is chosen yet, or every candidate diverged.

    Raises ValueError where its runs were ``trained`` with others than the search chose.
    """
    arm = plan.arms[arm_id]
    assert arm.search
    assert arm.selection
    found: dict[int, Recipe | None] = {}
    for search in plan.searches_of(arm_id):
        found[search.run_seed or 0] = None
        searched = trials[search.id]
        if arm.selection.name not in searched.done:
            continue
        chosen = searched.chosen(arm.selection)
        text = settings_text(chosen.settings) if chosen else None
        mine = trained.values() if search.run_seed is None else [trained.get(search.run_seed, text)]
        if others := {*mine} - {text}:
            with_others = ", ".join(sorted(each or "nothing, since every candidate diverged" for each in others))
            raise ValueError(
                f"{store.arm(arm_id)}: runs were trained with {with_others}, but {store.search(search.id)} chose "
                f"{text or 'nothing'}; delete the runs-*.parquet there, and they are trained again"
            )
        found[search.run_seed or 0] = arm.settled(chosen.settings) if chosen else None
    return found


def by_dataset(plan: Plan, runs: pd.DataFrame) -> Iterator[tuple[Dataset, pd.DataFrame]]:
    """Every dataset of a study, with those of ``runs`` on it that say how many rows they had."""
    ids = runs["arm"].map({name: arm.dataset_id for name, arm in plan.arms.items()})
    for dataset_id, dataset in plan.datasets.items():
        yield dataset, runs[(ids == dataset_id) & runs["train_rows"].notna()]


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
    met = [
        first_reached(curves[curves["arm"].isin([arm for arm, own in targets.items() if own == target])], target)
        for target in {None, *targets.values()}
    ]
    runs = runs.join(pd.concat(met), on=["arm", "seed"])
    known = runs["arm"].isin(list(targets)) & runs["status"].isin(["finished", "diverged"])
    hit = runs["step"].notna().astype(object).where(known, None)
    runs = runs.assign(reached_target=hit, steps_to_target=runs["step"], epochs_to_target=runs["epoch"])
    return runs[list(STUDY_RUNS.names)]
