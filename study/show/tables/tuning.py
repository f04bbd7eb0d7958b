"""What tuning found for each arm: in words, and as text for tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from study.metrics import METRICS, Select
from study.plan.file.labels import number
from study.plan.plan import Plan, PlannedComparison
from study.plan.searches.search import Search
from study.plan.searches.selection import Chosen
from study.plan.searches.space import Value
from study.plan.searches.trials import from_json, settings_of, settings_text
from study.show.formatting import none
from study.wording import listed

ALL_DIVERGED = "every candidate diverged"
NOT_YET = "not tuned yet"
AT_EDGE = "at the edge, but hardly better than inside it"


def found(tuning: pd.DataFrame) -> dict[str, Chosen | None]:
    """What was chosen for each arm that was tuned, None where every candidate diverged. ``tuning``: of ``Records``."""
    chosen = tuning[tuning["chosen"].astype(bool)].drop_duplicates("arm")
    by_arm = {}
    for row in chosen[["arm", "settings", "edge", "undertuned", "next"]].to_dict("records"):
        by_arm[str(row["arm"])] = chosen_of({str(key): None if none(value) else value for key, value in row.items()})
    return {str(arm): by_arm.get(str(arm)) for arm in tuning["arm"].unique()}


def chosen_of(row: Mapping[str, Any]) -> Chosen:
    """The chosen candidate from one of its rows in tuning.parquet."""
    following = [from_json(settings) for settings in json.loads(row["next"] or "[]")]
    sides = json.loads(row["edge"] or "{}")
    return Chosen(settings_of(row["settings"]), sides, bool(row["undertuned"]), following)


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


def in_words(chosen: Chosen | None, tuned: bool) -> tuple[str, str]:
    """What was chosen, and a remark on it; ``tuned``: whether the arm was tuned yet."""
    if chosen is None:
        return "–", ALL_DIVERGED if tuned else NOT_YET
    if chosen.undertuned:
        return said(chosen.settings), f"undertuned: {undertuned(chosen)}"
    return said(chosen.settings), AT_EDGE * bool(chosen.sides)


def undertuned_arms(comparison: PlannedComparison, chosen: Mapping[str, Chosen | None]) -> str:
    """Names the arms that are undertuned and where to look further; empty where there are none. ``chosen``: by arm."""
    selects, told = selects_of(comparison), []
    for arm in comparison.arms:
        for select in selects:
            one = chosen.get(arm.tuned.get(select, ""))
            if one and one.undertuned:
                by = f" (by {METRICS[select].title})" * (len(selects) > 1)
                told.append(f"{arm.label}{by}, {undertuned(one)}")
    return f"Undertuned, so it may do better than shown: {'; '.join(told)}." if told else ""


def read_from(comparison: PlannedComparison) -> str:
    """Which metrics are read from arms that are tuned by something else than those of the first; empty without."""
    selects = selects_of(comparison)
    shown = {select: [m for m in read_by(comparison, select) if m in comparison.metrics] for select in selects[1:]}
    told = [
        f"{listed(METRICS[m].title for m in metrics)}: of the arms tuned by {METRICS[select].title}"
        for select, metrics in shown.items()
        if metrics
    ]
    return f"Arms are tuned by {METRICS[selects[0]].title}; {'; '.join(told)}." if told else ""


def covers_text(searches: Iterable[Search]) -> str:
    """The settings that are searched: ``lr and strength``."""
    return listed(dict.fromkeys(short(key) for search in searches for key in search.covers))


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


def row_of(chosen: Chosen | None, select: str | None, tuned: bool) -> dict[str, Any]:
    """The columns of summary.parquet on tuning; all null for an arm that is not tuned."""
    return {
        "select": select,
        "chosen": settings_text(chosen.settings) if chosen else None,
        "undertuned": (chosen is not None and chosen.undertuned) if tuned else None,
        "edge": json.dumps(chosen.sides, sort_keys=True) if chosen and chosen.sides else None,
        "next": json.dumps(chosen.next, sort_keys=True) if chosen and chosen.next else None,
    }


def from_row(row: Mapping[str, Any]) -> tuple[Chosen | None, bool]:
    """Of those columns: what was chosen, and whether the arm was tuned yet."""
    given = {name: None if none(row[name]) else row[name] for name in ("chosen", "undertuned", "edge", "next")}
    chosen = chosen_of(given | {"settings": given["chosen"]}) if given["chosen"] else None
    return chosen, given["undertuned"] is not None
