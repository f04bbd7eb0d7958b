"""How the study was done: data, splits, budget, devices, versions; and what became of every run."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd
from study.plan.searches.chosen import NOTHING_CHOSEN

from study.axes.dataset import Dataset
from study.metrics import METRICS
from study.plan.file.labels import number
from study.plan.plan import Plan
from study.show.formatting import listed
from study.show.page.arms import written
from study.show.page.timing import timed_on
from study.show.records import Records
from study.show.tables import tuning_ledger as ledger
from study.show.tables.notes import target_text
from study.show.tables.table import BROKEN
from study.show.tables.tuning import arm_names

STATUSES = ("finished", *BROKEN)


class Coverage(NamedTuple):
    name: str
    planned: int
    counts: tuple[int, ...]  # by STATUSES


def coverage(plan: Plan, records: Records) -> list[Coverage]:
    """How the runs of each comparison ended, and those of the study (where arms are shared, counted once)."""
    rows = []
    for comparison in plan.comparisons:
        mine = records.runs["arm"].isin(list(comparison.trained)) & (records.runs["seed"] < comparison.seeds)
        rows.append(_covered(comparison.title, comparison.seeds * len(comparison.trained), records.runs[mine]))
    return [*rows, _covered("whole study", sum(plan.seeds.values()), records.runs)]


def _covered(name: str, runs: int, rows: pd.DataFrame) -> Coverage:
    ends = rows["status"].value_counts()
    counts = tuple(int(ends.get(status, 0)) for status in STATUSES[:-1])
    return Coverage(name, runs, (*counts, runs - sum(counts)))


def reasons(plan: Plan, records: Records, why_untimed: str | None = None) -> list[tuple[str, str, int, str]]:
    """Arm, status, number of runs and reason, for what did not finish; and for arms that could not be timed."""
    labels = arm_names(plan)
    runs = records.runs[records.runs["status"] != "finished"]
    found = [
        (labels.get(str(arm), str(arm)), str(status), len(rows), _reason(rows))
        for (arm, status), rows in runs.groupby(["arm", "status"])
    ]
    timing = records.timing[records.timing["reason"].notna()]
    found += [(labels.get(str(arm), str(arm)), "not timed", len(r), _reason(r)) for arm, r in timing.groupby("arm")]
    if why_untimed:
        found.append(("timing job", "failed", plan.timing.rounds if plan.timing else 0, why_untimed))
    return sorted(found)


REASONS = {NOTHING_CHOSEN: "every candidate of its tuning diverged, so it was not trained"}


def _reason(rows: pd.DataFrame) -> str:
    known = [REASONS.get(str(reason), str(reason)) for reason in rows["reason"].dropna().unique()]
    return "; ".join(known[:3]) + " …" * (len(known) > 3)


class Scope(NamedTuple):
    """What results hold for, and over what they generalise."""

    held: str
    over: str


def scope(plan: Plan) -> Scope:
    """Wider where seeds draw the split."""
    datasets = "this dataset" if len(plan.datasets) == 1 else "these datasets"
    drawn = [dataset.split == "by_seed" for dataset in plan.datasets.values()]
    if not any(drawn):
        return Scope(f"{datasets}, split and budget", "seeds only")
    if all(drawn):
        return Scope(f"{datasets} and budget", "splits and seeds of these rows only")
    return Scope(
        f"{datasets}, their fixed splits and budget", "seeds, and over splits of these rows where seeds draw them"
    )


def facts(plan: Plan, records: Records, why_untimed: str | None = None) -> list[tuple[str, str]]:
    """The protocol, one line per matter."""
    runs = records.runs[records.runs["status"].isin(["finished", "diverged"])]
    lines = [("Data and splits", text) for text in _data(plan, runs)]
    if any(dataset.split == "by_seed" for dataset in plan.datasets.values()):
        tuned = any(arm.tune for arm in plan.arms.values())
        lines.append(("Splits by seed", TUNED_TOO * tuned + RESAMPLED))
    counts = sorted({comparison.seeds for comparison in plan.comparisons})
    lines.append(
        ("Seeds", f"{listed(map(str, counts))} per arm. Seed s gives every arm the same batch order, and the same "
         "initial parameters where shapes and initialization agree.")
    )  # fmt: skip
    budgets = sorted({arm.epochs for arm in plan.arms.values()})
    lines.append(("Budget", f"{listed(map(str, budgets))} epochs; evaluation before training and after every epoch."))
    targets = {target_text(c) for c in plan.comparisons if c.target}
    if targets:
        lines.append(
            ("Target", f"{listed(sorted(targets))}. A run that does not reach it is censored at its budget; times to "
             "target have a resolution of one epoch.")
        )  # fmt: skip
    lines.append(("Tuning", ledger.protocol(plan, records)))
    lines += _timing(plan, records, why_untimed)
    lines.append(
        (
            "Trained on",
            f"{_all(runs, 'device')}; PyTorch {_all(runs, 'torch_version')}, Python {_all(runs, 'python_version')}.",
        )
    )
    lines.append(("Code", f"commit {_all(runs, 'commit')}; recipe version {_all(runs, 'recipe_version')}."))
    tested = any(comparison.claims for comparison in plan.comparisons)
    lines.append(
        ("Intervals", "95 %, over seeds (over rounds for what is timed), one at a time, not adjusted for their number: "
         "a t interval for means, an exact interval of order statistics for medians. They describe each arm by itself: "
         "whether two arms differ is a question of paired differences over seeds, "
         + ("which claims are judged by." if tested else "and no tests were made."))
    )  # fmt: skip
    return lines


def _data(plan: Plan, runs: pd.DataFrame) -> list[str]:
    ids = runs["arm"].map({arm: recipe.dataset_id for arm, recipe in plan.arms.items()})
    texts = []
    for dataset_id, dataset in plan.datasets.items():
        mine = runs[ids == dataset_id].dropna(subset=["train_rows"])
        rows = "rows not known yet"
        if len(mine):
            rows = ", ".join(f"{int(mine[f'{s}_rows'].iloc[0]):,} {w}" for s, w in SPLITS.items()) + " rows"
        scaled = "Pixels are divided by their maximum" if dataset.images else "Features are standardized"
        if len(mine) and mine["train_loss"].notna().any() and mine["train_accuracy"].isna().all():
            scaled += ", and so is the target: a squared error of 1 is that of predicting its mean"
        texts.append(f"{written(dataset)}: {rows}. {scaled}. {_drawn(dataset)}")
    return texts


def _drawn(dataset: Dataset) -> str:
    if dataset.split == "fixed":
        return "The split is the same for every seed."
    parts = "which training rows validate; the test rows are those given" if dataset.given_test else "the split"
    return f"Each seed draws {parts}, the same for all arms, and its own training rows set the scale."


TUNED_TOO = (
    "Tuning seeds draw splits of their own: a row that tests one seed may have trained or validated another in tuning. "
)
RESAMPLED = (
    "Splits of different seeds share rows, for training and for testing, so intervals are too narrow, and p values too "
    "small, for a statement on new data (Nadeau and Bengio, 2003; Dietterich, 1998)."
)
SPLITS = {"train": "training", "val": "validation", "test": "test"}


def _timing(plan: Plan, records: Records, why_untimed: str | None) -> list[tuple[str, str]]:
    timing = records.timing
    if why_untimed:
        return [("Timing", f"Not measured: {why_untimed}.")]
    if not len(timing):
        return [("Timing", "Not measured yet." if plan.timing else "No comparison shows a time, memory or speedup.")]
    threads = _all(timing, "threads")
    text = (
        f"{timed_on(plan, timing) or 'device not known'}, {threads} thread{'s' * (threads != '1')} for each: all timed "
        f"arms in one job, one after another and beside no training of this study, in {timing['round'].nunique()} "
        "interleaved rounds of random order. Training shares the device, so wall times of training are never used: "
        "seconds = steps × seconds per step. Timing, below, says how quiet the machine was."
    )
    return [("Timing", text)]


def metrics(plan: Plan) -> list[tuple[str, str, str, str]]:
    """Title, unit, better and definition of the metrics that the study shows."""
    used = dict.fromkeys(metric for comparison in plan.comparisons for metric in comparison.metrics)
    rows: list[tuple[str, str, str, str]] = []
    for name in [metric for metric in METRICS if metric in used]:
        about = METRICS[name]
        kind = (
            "median over rounds"
            if METRICS[name].per_round
            else "median over seeds"
            if about.target
            else "mean over seeds"
        )
        rows.append((about.title, about.shown or "–", about.better, f"{about.definition}; {kind}"))
    return rows


def _all(frame: pd.DataFrame, name: str) -> str:
    values = sorted(map(number, frame[name].dropna().unique()))
    return listed(value[:12] if name == "commit" else value for value in values) or "not known yet"
