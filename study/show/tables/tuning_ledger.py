"""What tuning cost and what it bought: trials, runs and steps of every arm, and the best to expect of fewer trials."""

from __future__ import annotations

from collections.abc import Iterable
from math import nan
from typing import NamedTuple

import pandas as pd

from study.metrics import METRICS, Select
from study.plan.check.warnings import uneven
from study.plan.plan import Plan, PlannedComparison
from study.plan.searches.search import Search, Selection
from study.show.formatting import NONE, Estimate, show
from study.show.records import Records
from study.show.tables.tuning import found, grid_text, in_words, selects_of
from study.stats.estimates import expected_best
from study.wording import counted


class Spent(NamedTuple):
    """Runs, and steps of all of them together."""

    runs: int
    steps: int

    def __str__(self) -> str:
        return f"{counted(self.runs, 'run')}, {counted(self.steps, 'step')}"


class Line(NamedTuple):
    """One tuned arm."""

    arm: str  # its label
    chosen: str
    remark: str  # undertuned, every candidate diverged, not tuned yet
    tuning: Spent
    final: Spent
    expected: str  # the best scores to be expected of as many trials as the group counts


class Group(NamedTuple):
    """Arms of a comparison that are searched alike, in as many trials, and chosen by the same metric."""

    comparison: str
    about: str  # what they are chosen by, where it was searched, in how many trials
    counts: str  # "best of 1, 2, 4, 8, 9 (%)"
    lines: list[Line]


class Ledger(NamedTuple):
    """``tuning``: all of it together, where runs that several arms chose from count once; so it may be ``shared``."""

    groups: list[Group]
    tuning: Spent
    final: Spent
    shared: bool

    @property
    def lines(self) -> list[Line]:
        return [line for group in self.groups for line in group.lines]


def ledger(plan: Plan, records: Records) -> Ledger:
    """Every tuned arm once, in the order of the plan, where it is compared first."""
    chosen, rows = found(records.tuning), dict(iter(records.tuning.groupby("arm")))
    finals = dict(iter(records.runs[records.runs["steps"] > 0].groupby("arm")))
    places: dict[str, tuple[PlannedComparison, str]] = {}
    for comparison in plan.comparisons:
        for select in selects_of(comparison):
            for arm in comparison.arms:
                places.setdefault(arm.tuned.get(select, ""), (comparison, arm.label))
    made = trials_made(plan, records)
    groups: dict[tuple[object, ...], Group] = {}
    for arm_id, (comparison, label) in places.items():
        search, selection = (plan.arms[arm_id].search, plan.arms[arm_id].selection) if arm_id else (None, None)
        if search is None or selection is None:
            continue
        mine = rows.get(arm_id, records.tuning.iloc[:0])
        alike = (comparison.name, search.settings, search.trials, search.seeds, search.extend, selection)
        about = Group(comparison.title, _about(search, selection, made[arm_id]), _counts(search, selection), [])
        group = groups.setdefault((*alike, made[arm_id]), about)
        told, remark = in_words(chosen.get(arm_id), tuned=len(mine) > 0)
        expected = expected_text(search.first, selection.metric, mine) if len(mine) else NONE
        group.lines.append(Line(label, told, remark, _spent(mine), _spent(finals.get(arm_id)), expected))
    lines = [line for group in groups.values() for line in group.lines]
    searches = records.tuning["arm"].map({name: arm.search.id for name, arm in plan.arms.items() if arm.search})
    once = records.tuning.assign(search=searches).drop_duplicates(["search", "settings", "seed"])
    final = _total(line.final for line in lines)
    return Ledger(list(groups.values()), _spent(once), final, len(once) < len(records.tuning))


def _total(parts: Iterable[Spent]) -> Spent:
    runs, steps = zip((0, 0), *parts, strict=True)
    return Spent(sum(runs), sum(steps))


def _about(search: Search, selection: Selection, made: int) -> str:
    first = min(search.first, made)
    further = f" and {made - first} further" * (made > first)
    trials = f"{first}{further} trials of {counted(search.seeds, 'seed')}"
    return f"by {METRICS[selection.metric].title}; {grid_text(search)}; {trials}"


def _counts(search: Search, selection: Selection) -> str:
    unit = METRICS[selection.metric].percent
    return f"best of {', '.join(map(str, counts_of(search.first)))}" + f" ({unit})" * bool(unit)


def counts_of(trials: int) -> list[int]:
    """1, 2, 4, … and all."""
    return sorted({*(2**i for i in range(trials.bit_length())), trials})


def expected_text(first: int, select: Select, rows: pd.DataFrame) -> str:
    """``71.2 · 88.1 · 94.0 · 95.3``: the best score to be expected of 1, 2, 4, … of the ``first`` trials."""
    scores = []
    for _, candidate in rows[rows["phase"] == "grid"].groupby("candidate"):
        whole = (candidate["status"] == "finished") & (candidate["steps_to_target"].notna() | (select != TIMES))
        scores.append(float(candidate["score"].iloc[0]) if whole.all() else nan)
    expected = dict(enumerate(expected_best(select, scores), 1))
    values = [expected.get(count) for count in counts_of(first)]
    if select == "val_loss":
        return " · ".join(NONE if value is None else f"{value:.3g}" for value in values)
    places = 0 if select == TIMES else 1
    return " · ".join(show(select, Estimate(value, None, None), places).value for value in values)


TIMES = "steps_to_target"


def _spent(rows: pd.DataFrame | None) -> Spent:
    return Spent(0, 0) if rows is None else Spent(len(rows), int(rows["steps"].fillna(0).sum()))


class Searches(NamedTuple):
    """What the protocol says of all tuning. Trials are counted as made, of arms not tuned yet as planned."""

    trials: str  # of an arm: "9", "3 to 6"
    unequal: list[str]  # comparisons in which not all arms get as many, and who has how many
    seeds: str  # of a trial
    further: bool  # whether the last trials are placed where the first were best
    by: list[str]  # titles of what is chosen by
    without: list[str]  # titles of comparisons that tune nothing


def searches(plan: Plan, records: Records) -> Searches | None:
    """None where nothing is tuned."""
    if not plan.searches:
        return None
    made = trials_made(plan, records)
    unequal = {}  # as dict for its order
    for comparison in plan.comparisons:
        for select in selects_of(comparison):
            mine = {arm.label: made.get(arm.tuned.get(select, ""), 0) for arm in comparison.arms}
            if words := uneven(mine):
                unequal[f"{comparison.title} ({words})"] = True
    return Searches(
        trials=_ends(set(made.values())),
        unequal=list(unequal),
        seeds=_ends({search.seeds for search in plan.searches.values()}),
        further=any(search.extend for search in plan.searches.values()),
        by=list(dict.fromkeys(METRICS[arm.selection.metric].title for arm in plan.arms.values() if arm.selection)),
        without=[comparison.title for comparison in plan.comparisons if not comparison.selections],
    )


def trials_made(plan: Plan, records: Records) -> dict[str, int]:
    """The trials of every tuned arm, by id: as many as were made, or are planned where it is not tuned yet."""
    made = records.tuning.groupby("arm")["candidate"].nunique()
    return {name: int(made.get(name, arm.search.candidates)) for name, arm in plan.arms.items() if arm.search}


def _ends(values: set[int]) -> str:
    return " to ".join(map(str, sorted({min(values), max(values)})))
