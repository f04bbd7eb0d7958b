"""What each arm is, in words: what varies in a comparison, what is fixed, and every arm's full recipe."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from study.axes.base import Choice
from study.axes.recipe import AXES, Recipe
from study.metrics import METRICS
from study.plan.arm import Arm
from study.plan.file.labels import number
from study.plan.plan import Plan, PlannedComparison
from study.show.records import Records
from study.show.tables.tuning import arm_names, by_selection, chosen_cell, found, short
from study.show.templates import paragraph
from study.wording import listed

LIMIT = 300  # rows of arms, and of reasons, that the page lists


def written(value: Any, tuned: Collection[str] = ()) -> str:
    """A choice with its settings, or a number: ``mlp (hidden=[64, 64])``.

    ``tuned``: the settings that are searched, of which ``value`` has no more than a stand-in; "" where it is one.
    """
    if not isinstance(value, Choice):
        return "tuned" if "" in tuned else number(value)
    settings = {k: v for k, v in value.settings().items() if v is not None and k != "sha256" and k not in tuned}
    if "path" in settings:
        settings["path"] = Path(settings["path"]).name  # the folder is somebody's own
    shown = ", ".join(f"{key}={number(setting)}" for key, setting in settings.items())
    shown += "; " * bool(shown and tuned) + "tuned: " * bool(tuned) + ", ".join(sorted(tuned))
    return f"{value.name} ({shown})" if shown else value.name


def planned(arm: Arm, axis: str) -> str:
    """What an arm has on an axis, as far as that is known before it is tuned."""
    return written(getattr(arm.outline, axis), arm.open(axis))


def fixed(plan: Plan, comparison: PlannedComparison) -> list[tuple[str, str]]:
    """Axes (and their value) on which all arms of a comparison agree, and switches that are not at their defaults."""
    arms = [plan.arms[arm.arm] for arm in comparison.arms]
    found = []
    for axis, about in AXES.items():
        values = {(getattr(arm.outline, axis), frozenset(arm.open(axis))) for arm in arms}
        usual = not about.varies and getattr(arms[0].outline, axis) == Recipe.model_fields[axis].default
        if len(values) == 1 and not usual:
            found.append((axis, planned(arms[0], axis)))
    return found


def asked(plan: Plan, comparison: PlannedComparison) -> str:
    """The question of a comparison: what varies, over which values; and what is tuned."""
    varied = {}
    for key in comparison.keys:
        if key in AXES and AXES[key].choices and not any(other.startswith(f"{key}.") for other in comparison.keys):
            # With all settings: arms that differ in optimizer differ in rate too.
            values = [planned(plan.arms[arm.arm], key) for arm in comparison.arms]
        else:
            values = [arm.values[key].removeprefix(f"{key.rpartition('.')[2]}=") for arm in comparison.arms]
        varied[key.replace("_", " ")] = list(dict.fromkeys(values))
    searches = [plan.arms[arm].search for arm in comparison.trained]
    return paragraph(
        "asked",
        arms=len(comparison.arms),
        varied=varied,
        skipped=comparison.skipped,
        seeds=comparison.seeds,
        settings=listed(dict.fromkeys(short(key) for search in searches if search for key in search.covers)),
        everywhere=all(arm.tuned for arm in comparison.arms),
        by={METRICS[s].title: [METRICS[m].title for m in metrics] for s, metrics in by_selection(comparison).items()},
    )


def recipes(plan: Plan, records: Records) -> list[dict[str, str]]:
    """Every arm with its full recipe, the settings that tuning chose, and where it is compared."""
    places, chosen = arm_names(plan), found(records.tuning)
    rows = []
    for name, arm in list(plan.arms.items())[:LIMIT]:
        row = {"arm": name} | {axis.replace("_", " "): planned(arm, axis) for axis in AXES}
        if plan.searches:
            row["tuned to"] = ""
        if arm.selection:
            row["tuned to"] = f"{chosen_cell(chosen, name)}, by {METRICS[arm.selection.metric].title}"
        rows.append(row | {"compared as": "; ".join(places[name])})
    return rows
