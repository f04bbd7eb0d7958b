"""What tuning cost, what it found for each arm, and the best to expect of fewer trials: as text for the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import nan
from typing import Any, NamedTuple

import pandas as pd

from study.metric import Select
from study.metrics import METRICS
from study.plan.check.warnings import uneven
from study.plan.cost import Work
from study.plan.file.labels import short
from study.plan.plan import Plan, PlannedArm, PlannedComparison
from study.plan.search import Search
from study.show.formatting import NONE, Cell
from study.show.records import Records
from study.show.tables.tuning import by_selection, chosen_cell, score_text, value_of
from study.stats.estimates import expected_best
from study.wording import counted, listed


def grid_text(search: Search) -> str:
    """Where each setting is searched: ``lr: 9 points from 0.001 to 10 (log)``."""
    parts = (f"{short(searched.key)}: {searched.words}" for searched in search.settings)
    quasi = f"{search.trials} quasi-random points of " if search.method == "sobol" else ""
    return quasi + "; ".join(parts)


class Line(NamedTuple):
    """One tuned arm."""

    arm: str  # its label
    chosen: Cell
    scores: str  # of the chosen candidate's trials, and of the final runs
    tuning: Work
    final: Work
    expected: str  # the best scores to be expected of as many trials as the group counts


class Ledger(NamedTuple):
    """``groups``: arms that are searched alike, in as many trials, and chosen by the same metric, by their comparison's
    title, what was searched by which metric, and the numbers of trials of which the best is to be expected.
    ``tuning``, ``final``: all of it together, where an arm counts once, and runs that several arms chose from; whether
    there are such is ``shared``.
    """

    groups: dict[tuple[str, str, str], list[Line]]
    tuning: Work
    final: Work
    shared: bool

    @property
    def lines(self) -> list[Line]:
        return [line for lines in self.groups.values() for line in lines]


def ledger(plan: Plan, records: Records) -> Ledger:
    """Every tuned arm of each comparison, in the order of the plan."""
    tuning, finals = records.tuning, records.runs[records.runs["steps"] > 0]
    rows, final_rows = (dict(iter(frame.groupby("arm"))) for frame in (tuning, finals))
    chosen, made = records.chosen, trials_made(plan, records)
    tuned: set[str] = set()
    groups: dict[tuple[str, str, str], list[Line]] = {}
    for comparison, select, arm in arms_by_selection(plan):
        name = arm.tuned.get(select)
        if name is None:
            continue
        tuned.add(name)
        search, mine = plan.arms[name].search, rows.get(name, tuning.iloc[:0])
        assert search
        first = min(search.first, made[name])
        further = f" and {made[name] - first} further" * (made[name] > first)
        each = " for each run" * search.by_seed
        trials = f"{first}{further} trials of {counted(search.seeds, 'seed')}{each}"
        about = f"by {METRICS[select].title}; {grid_text(search)}; {trials}"
        counts = f"best of {', '.join(map(str, counts_of(search.first)))}" + " (%)" * bool(METRICS[select].percent)
        expected = expected_text(search.first, select, mine) if len(mine) else NONE
        final = final_rows.get(name, finals.iloc[:0])
        scores = score_text(one) if (one := chosen.get(name)) else NONE
        line = Line(arm.label, chosen_cell(chosen, name), scores, _spent(mine), _spent(final), expected)
        groups.setdefault((comparison.title, about, counts), []).append(line)
    searches = tuning["arm"].map({name: arm.search.id for name, arm in plan.arms.items() if arm.search})
    once = tuning.assign(search=searches).drop_duplicates(["search", "settings", "seed"])
    return Ledger(groups, _spent(once), _spent(finals[finals["arm"].isin(tuned)]), len(once) < len(tuning))


def counts_of(trials: int) -> list[int]:
    """1, 2, 4, … and all."""
    return sorted({*(2**i for i in range(trials.bit_length())), trials})


def expected_text(first: int, select: Select, rows: pd.DataFrame) -> str:
    """``71.2 · 88.1 · 94.0 · 95.3``: the best score to be expected of 1, 2, 4, … of the ``first`` trials."""
    scores = []
    for _, candidate in rows[rows["phase"] == "grid"].groupby("candidate"):
        whole = (candidate["status"] == "finished") & (
            candidate["steps_to_target"].notna() | (select != "steps_to_target")
        )
        scores.append(float(candidate["score"].iloc[0]) if whole.all() else nan)
    expected = dict(enumerate(expected_best(select, scores), 1))
    values = (expected.get(count) for count in counts_of(first))
    return " · ".join(NONE if value is None else value_of(select, value) for value in values)


def _spent(rows: pd.DataFrame) -> Work:
    """Runs, and steps of all of them together."""
    return Work(len(rows), int(rows["steps"].fillna(0).sum()), certain=True)


def searches(plan: Plan, records: Records) -> dict[str, Any] | None:
    """What the protocol says of all tuning; None where nothing is tuned.

    ``trials`` of an arm ("9", "3 to 6"), as made, or as planned of arms that are not tuned yet; ``unequal``:
    comparisons in which not all arms get as many, and who has how many; ``seeds`` of a trial; ``further``: whether the
    last trials are placed where the first were best; ``by_seed``: titles of comparisons in which each run is tuned for
    itself, "everywhere" where all are, or none; ``by``: titles of what is chosen by; ``without``: titles of
    comparisons that tune nothing.
    """
    if not plan.searches:
        return None
    made = trials_made(plan, records)
    trials: dict[tuple[str, str], dict[str, int]] = {}
    for comparison, select, arm in arms_by_selection(plan):
        trials.setdefault((comparison.title, select), {})[arm.label] = made.get(arm.tuned.get(select, ""), 0)
    return {
        "trials": _ends(made.values()),
        "unequal": [f"{title} ({words})" for (title, _), mine in trials.items() if (words := uneven(mine))],
        "seeds": _ends(search.seeds for search in plan.searches.values()),
        "by_seed": _by_seed(plan),
        "further": any(search.extend for search in plan.searches.values()),
        "by": list(dict.fromkeys(METRICS[arm.selection.metric].title for arm in plan.arms.values() if arm.selection)),
        "without": [comparison.title for comparison in plan.comparisons if not comparison.selections],
    }


def _by_seed(plan: Plan) -> str:
    tuned = {comparison.title: plan.arms[arm.arm].search for comparison, _, arm in arms_by_selection(plan)}
    titles = [title for title, search in tuned.items() if search and search.by_seed]
    return "everywhere" if titles and len(titles) == len(tuned) else listed(titles)


def arms_by_selection(plan: Plan) -> Iterator[tuple[PlannedComparison, Select, PlannedArm]]:
    """Every arm of every comparison, once for each selection of that comparison."""
    for comparison in plan.comparisons:
        for select in by_selection(comparison):
            for arm in comparison.arms:
                yield comparison, select, arm


def trials_made(plan: Plan, records: Records) -> dict[str, int]:
    """The trials of every tuned arm, by id: as many as were made, or are planned where it is not tuned yet."""
    made = records.tuning.groupby("arm")["candidate"].nunique()
    return {name: int(made.get(name, arm.search.candidates)) for name, arm in plan.arms.items() if arm.search}


def _ends(values: Iterable[int]) -> str:
    ordered = sorted(values)
    return " to ".join(dict.fromkeys(map(str, (ordered[0], ordered[-1]))))
