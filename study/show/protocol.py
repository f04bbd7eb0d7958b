"""How the study was done: data, splits, budget, devices, versions; and what became of every run."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from study.axes import AXES, CHOICES, Choice
from study.plan.arm import Arm
from study.plan.labels import number
from study.plan.metrics import METRICS
from study.plan.plan import Plan, PlannedComparison
from study.show.collect import Records
from study.show.numbers import listed
from study.show.observe import PER_ROUND
from study.show.tables import BROKEN, target_text
from study.show.timing import timed_on

STATUSES = ("finished", *BROKEN)
LIMIT = 300  # rows of arms, and of reasons, that the page lists


class Coverage(NamedTuple):
    name: str
    planned: int
    counts: tuple[int, ...]  # by STATUSES


def written(value: Any) -> str:
    """A choice with its settings, or a number: ``mlp (hidden=[64, 64])``."""
    if not isinstance(value, Choice):
        return number(value)
    settings = {k: v for k, v in value.settings().items() if v is not None and k != "sha256"}
    if "path" in settings:
        settings["path"] = Path(settings["path"]).name  # the folder is somebody's own
    shown = ", ".join(f"{key}={number(setting)}" for key, setting in settings.items())
    return f"{value.name} ({shown})" if shown else value.name


def fixed(plan: Plan, comparison: PlannedComparison) -> list[tuple[str, str]]:
    """Axes (and their value) on which all arms of a comparison agree."""
    arms = [plan.arms[arm.arm] for arm in comparison.arms]
    return [(a, written(getattr(arms[0], a))) for a in AXES if len({getattr(arm, a) for arm in arms}) == 1]


def asked(plan: Plan, comparison: PlannedComparison) -> str:
    """The question of a comparison: what varies, over which values."""
    arms = len(comparison.arms)
    parts = []
    for key in comparison.keys:
        if key in CHOICES and not any(other.startswith(f"{key}.") for other in comparison.keys):
            # With all settings: arms that differ in optimizer differ in rate too.
            values = list(dict.fromkeys(written(getattr(plan.arms[arm.arm], key)) for arm in comparison.arms))
        else:
            name = key.rpartition(".")[2]
            values = list(dict.fromkeys(arm.values[key].removeprefix(f"{name}=") for arm in comparison.arms))
        shown = listed(values) if len(values) <= 12 else f"{len(values)} values from {values[0]} to {values[-1]}"
        parts.append(f"{key.replace('_', ' ')}: {shown}")
    text = f"{arms} arms vary {'; '.join(parts)}" if parts else f"{arms} arm{'s' * (arms != 1)}"
    skipped = f"; {comparison.skipped} combinations are left out" if comparison.skipped else ""
    return f"{text}{skipped}. {comparison.seeds} seed{'s' * (comparison.seeds != 1)} per arm."


def recipes(plan: Plan) -> list[dict[str, str]]:
    """Every arm with its full recipe and where it is compared."""
    places: dict[str, list[str]] = {}
    for comparison in plan.comparisons:
        for arm in comparison.arms:
            places.setdefault(arm.arm, []).append(f"{comparison.name}: {arm.label}")
    return [
        {"arm": arm} | _recipe(recipe) | {"compared as": "; ".join(places.get(arm, []))}
        for arm, recipe in list(plan.arms.items())[:LIMIT]
    ]


def _recipe(arm: Arm) -> dict[str, str]:
    row = {axis.replace("_", " "): written(getattr(arm, axis)) for axis in AXES}
    return row | {"stack": number(arm.stack)}


def coverage(plan: Plan, summary: pd.DataFrame, records: Records) -> list[Coverage]:
    """How the runs of each comparison ended, and those of the study (where arms are shared, counted once)."""
    rows = []
    for comparison in plan.comparisons:
        mine = summary[(summary["comparison"] == comparison.name) & (summary["metric"] == comparison.metrics[0])]
        counts = tuple(int(mine[f"n_{status}"].sum()) for status in STATUSES)
        rows.append(Coverage(comparison.title, int(mine["n"].sum()), counts))
    ends = records.runs["status"].value_counts()
    planned = sum(plan.seeds.values())
    counts = tuple(int(ends.get(status, 0)) for status in STATUSES[:-1])
    return [*rows, Coverage("whole study", planned, (*counts, planned - sum(counts)))]


def reasons(plan: Plan, records: Records, why_untimed: str | None = None) -> list[tuple[str, str, int, str]]:
    """Arm, status, number of runs and reason, for what did not finish; and for arms that could not be timed."""
    labels = {arm.arm: f"{c.name}: {arm.label}" for c in reversed(plan.comparisons) for arm in c.arms}
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


def _reason(rows: pd.DataFrame) -> str:
    known = [str(reason) for reason in rows["reason"].dropna().unique()]
    return "; ".join(known[:3]) + " …" * (len(known) > 3)


def facts(plan: Plan, records: Records, why_untimed: str | None = None) -> list[tuple[str, str]]:
    """The protocol, one line per matter."""
    runs = records.runs[records.runs["status"].isin(["finished", "diverged"])]
    lines = [("Data and splits", text) for text in _data(plan, runs)]
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
    lines.append(("Tuning", "None: learning rates and all other settings are those written in the study file."))
    lines += _timing(plan, records, why_untimed)
    lines.append(
        (
            "Trained on",
            f"{_all(runs, 'device')}; PyTorch {_all(runs, 'torch_version')}, Python {_all(runs, 'python_version')}.",
        )
    )
    lines.append(("Code", f"commit {_all(runs, 'commit')}; recipe version {_all(runs, 'recipe_version')}."))
    lines.append(
        ("Intervals", "95 %, over seeds (over rounds for what is timed), one at a time, not adjusted for their number: "
         "a t interval for means, an exact interval of order statistics for medians. They describe each arm by itself: "
         "whether two arms differ is a question of paired differences over seeds, and no tests were made.")
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
        texts.append(f"{written(dataset)}: {rows}. {scaled}. The split is the same for every seed.")
    return texts


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
        kind = "median over rounds" if name in PER_ROUND else "median over seeds" if about.target else "mean over seeds"
        rows.append((about.title, about.shown or "–", about.better, f"{about.definition}; {kind}"))
    return rows


def _all(frame: pd.DataFrame, name: str) -> str:
    values = sorted(map(number, frame[name].dropna().unique()))
    return listed(value[:12] if name == "commit" else value for value in values) or "not known yet"
