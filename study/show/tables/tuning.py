"""What tuning found for each arm: in words, and as text for tables."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pandas as pd

from study.metrics import METRICS, Select
from study.plan.file.labels import number
from study.plan.plan import Plan, PlannedComparison
from study.plan.searches.search import Search
from study.plan.searches.selection import Chosen
from study.plan.searches.space import Value
from study.plan.searches.trials import from_json, settings_of
from study.show.formatting import NONE, Cell
from study.wording import listed

ALL_DIVERGED = "every candidate diverged"
NOT_YET = "not tuned yet"
AT_EDGE = "at the edge, but hardly better than inside it"


def found(tuning: pd.DataFrame) -> dict[str, Chosen | None]:
    """What was chosen for each arm that was tuned, None where every candidate diverged. ``tuning``: of ``Records``."""
    chosen = tuning[tuning["chosen"].astype(bool)].drop_duplicates("arm")
    columns = chosen[["arm", "settings", "edge", "undertuned", "next"]].itertuples(index=False)
    return dict.fromkeys(tuning["arm"]) | {arm: chosen_of(*row) for arm, *row in columns}


def chosen_of(settings: str, edge: str | None, undertuned: bool, following: str | None) -> Chosen:
    """The chosen candidate from the columns of tuning.parquet (and of summary.parquet); JSON where they are text."""
    sides, points = (json.loads(text) if isinstance(text, str) else {} for text in (edge, following))
    return Chosen(settings_of(settings), sides, bool(undertuned), [from_json(point) for point in points])


def selects_of(comparison: PlannedComparison) -> list[Select]:
    """What the arms of a comparison are tuned by: that of the first metric first; empty where nothing is tuned."""
    return list(dict.fromkeys(comparison.selections[metric] for metric in comparison.used if comparison.selections))


def read_by(comparison: PlannedComparison, select: str) -> list[str]:
    """The metrics that are read from the arms tuned by ``select``."""
    return [metric for metric in comparison.used if comparison.selections.get(metric) == select]


def arm_names(plan: Plan) -> dict[str, str]:
    """What people call each arm: the first comparison that has it and its label there; and what it is tuned by,
    where the comparison tunes by several.
    """
    names: dict[str, str] = {}
    for comparison in plan.comparisons:
        several = len(selects_of(comparison)) > 1
        for arm in comparison.arms:
            for select, tuned in arm.tuned.items() if several else ():
                names.setdefault(tuned, f"{comparison.name}: {arm.label} (tuned by {METRICS[select].title})")
            names.setdefault(arm.arm, f"{comparison.name}: {arm.label}")
    return names


def short(key: str) -> str:
    """The last part of a setting's key, as labels have it."""
    return key.rpartition(".")[2]


def value_text(value: Value) -> str:
    """Rates to three digits: halfway between two points of a log grid they have many."""
    return f"{value:.3g}" if isinstance(value, float) else number(value)


def said(settings: Mapping[str, Value]) -> str:
    """``lr=0.316, strength=0.01``."""
    return ", ".join(f"{short(key)}={value_text(value)}" for key, value in settings.items())


def steps_out(chosen: Chosen) -> dict[str, list[Value]]:
    """Setting → the values to be tried next, of those whose edge the chosen candidate lies on beyond doubt."""
    values: dict[str, list[Value]] = {}
    for candidate in chosen.next:
        for key, value in candidate.items():
            if value != chosen.settings[key]:
                values.setdefault(key, []).append(value)
    return values


def undertuned(chosen: Chosen) -> str:
    """``best at the edge (lr=10); try 17.8, 31.6``; for a person who may widen the grid."""
    out = steps_out(chosen)
    edge = said({key: chosen.settings[key] for key in out or chosen.sides})
    named = len(out) > 1
    tries = (f"{short(k)}=" * named + ", ".join(map(value_text, values)) for k, values in out.items())
    return f"best at the edge ({edge})" + f"; try {' or '.join(tries)}" * bool(out)


def chosen_cell(chosen: Chosen | None, tuned: bool = True) -> Cell:
    """What was chosen, and a remark on it; ``tuned``: whether the arm was tuned yet."""
    if chosen is None:
        return Cell(NONE, remark=ALL_DIVERGED if tuned else NOT_YET)
    remark = f"undertuned: {undertuned(chosen)}" if chosen.undertuned else AT_EDGE * bool(chosen.sides)
    return Cell(said(chosen.settings), remark=remark)


def undertuned_arms(comparison: PlannedComparison, chosen: Mapping[str, Chosen | None]) -> str:
    """Names the arms that are undertuned and where to look further; empty where there are none. ``chosen``: by arm."""
    selects = selects_of(comparison)
    parts = [
        f"{arm.label}{f' (by {METRICS[select].title})' * (len(selects) > 1)}, {undertuned(one)}"
        for arm in comparison.arms
        for select in selects
        if (one := chosen.get(arm.tuned.get(select, ""))) and one.undertuned
    ]
    return f"Undertuned, so it may do better than shown: {'; '.join(parts)}." if parts else ""


def read_from(comparison: PlannedComparison) -> str:
    """Which metrics are read from arms that are tuned by something else than those of the first; empty without."""
    first, *others = [METRICS[select].title for select in selects_of(comparison)] or [""]
    by_select: dict[str, list[str]] = {title: [] for title in others}
    for metric in comparison.metrics if others else ():
        by_select.get(METRICS[comparison.selections[metric]].title, []).append(METRICS[metric].title)
    parts = [f"{listed(titles)}: of the arms tuned by {select}" for select, titles in by_select.items() if titles]
    return f"Arms are tuned by {first}; {'; '.join(parts)}." if parts else ""


def grid_text(search: Search) -> str:
    """Where each setting is searched: ``lr: 9 points from 0.001 to 10 (log)``."""
    parts = []
    for searched in search.settings:
        if searched.values is not None:
            parts.append(f"{short(searched.key)}: {', '.join(map(value_text, searched.values))}")
            continue
        low, high = (value_text(end) for end in searched.log or searched.linear or (0.0, 1.0))
        points = f"{searched.points} points " if search.method == "grid" else ""
        parts.append(f"{short(searched.key)}: {points}from {low} to {high} ({'log' if searched.log else 'linear'})")
    quasi = f"{search.trials} quasi-random points of " if search.method == "sobol" else ""
    return quasi + "; ".join(parts)
