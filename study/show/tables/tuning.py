"""What tuning found for each arm, what it cost, and the best to expect of fewer trials: as text for tables."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import nan
from typing import Any, NamedTuple

import pandas as pd

from study.metrics import METRICS, Select
from study.plan.check.warnings import uneven
from study.plan.cost import Work
from study.plan.file.labels import number
from study.plan.plan import Plan, PlannedArm, PlannedComparison
from study.plan.search import Candidate, Search, Value
from study.plan.trials import Chosen, from_json, settings_of
from study.show.formatting import NONE, Cell, Estimate, show
from study.show.records import Records
from study.stats.estimates import expected_best
from study.wording import counted, listed

ALL_DIVERGED = "every candidate diverged"
NOT_YET = "not tuned yet"
AT_EDGE = "at the edge, but hardly better than inside it"


def found(tuning: pd.DataFrame) -> dict[str, Chosen | None]:
    """What was chosen for each arm that was tuned, None where every candidate diverged. ``tuning``: of ``Records``."""
    found: dict[str, Chosen | None] = dict.fromkeys(tuning["arm"])
    by_run = {arm: tuple(map(settings_of, settings)) for arm, settings in chosen_by_run(tuning).items()}
    for row in tuning[tuning["chosen"].astype(bool)].drop_duplicates("arm").to_dict("records"):
        sides, points = (json.loads(row[name]) if isinstance(row[name], str) else {} for name in ("edge", "next"))
        following = [from_json(point) for point in points]
        found[row["arm"]] = Chosen(
            settings_of(row["settings"]), sides, bool(row["undertuned"]), following, by_run.get(row["arm"], ())
        )
    return found


def chosen_by_run(tuning: pd.DataFrame) -> pd.Series:
    """Of arms whose runs are tuned each for itself: the settings (JSON) of their runs, by arm."""
    if "chosen_here" not in tuning:
        if "by_run" not in tuning:  # what an older version wrote
            return pd.Series(dtype=object)
        return tuning["by_run"].groupby(tuning["arm"]).first().dropna().map(json.loads)
    own = tuning[tuning["chosen_here"].eq(True)].drop_duplicates(["arm", "run_seed"]).sort_values("run_seed")
    return own.groupby("arm")["settings"].agg(list).astype(object)


def by_selection(comparison: PlannedComparison) -> dict[Select, list[str]]:
    """What the arms of a comparison are tuned by → the metrics that are read from those arms; empty without tuning."""
    found: dict[Select, list[str]] = {}
    for metric in comparison.used if comparison.selections else ():
        found.setdefault(comparison.selections[metric], []).append(metric)
    return found


def arm_names(plan: Plan) -> dict[str, list[str]]:
    """What people call each arm: every comparison that has it and its label there; and what it is tuned by, where the
    comparison tunes by several.
    """
    names: dict[str, list[str]] = {}
    for comparison in plan.comparisons:
        several = len(by_selection(comparison)) > 1
        for name, label in comparison.trained.items():
            selection = plan.arms[name].selection if comparison.here else None
            by = f" (tuned by {METRICS[selection.metric].title})" if several and selection else ""
            names.setdefault(name, []).append(f"{comparison.name}: {label}{by}")
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


def chosen_cell(chosen: Mapping[str, Chosen | None], arm: str) -> Cell:
    """What was chosen for an arm, and a remark on it. ``chosen``: as ``found``."""
    one = chosen.get(arm)
    if one is None:
        return Cell(NONE, remark=ALL_DIVERGED if arm in chosen else NOT_YET)
    remark = f"undertuned: {undertuned(one)}" if one.undertuned else AT_EDGE * bool(one.sides)
    if not one.by_run:
        return Cell(said(one.settings), remark=remark)
    common, others = spread(one.by_run)
    return Cell(common, remark="; ".join(filter(None, (others, remark))))


def spread(chosen: Sequence[Candidate]) -> tuple[str, str]:
    """``lr=0.316`` and ``in 9 of 16 runs; 0.1 to 1``: what most of several runs chose, and how far others went."""
    common, number = Counter(map(said, chosen)).most_common(1)[0]
    if number == len(chosen):
        return common, ""
    first = next(settings for settings in chosen if said(settings) == common)
    ends = []
    for key in first:
        values = sorted({settings[key] for settings in chosen}, key=lambda v: v if isinstance(v, tuple) else (v,))
        if len(values) > 1:
            ends.append(f"{short(key)} " * (len(first) > 1) + f"{value_text(values[0])} to {value_text(values[-1])}")
    return common, f"in {number} of {counted(len(chosen), 'run')}; {'; '.join(ends)}"


def undertuned_arms(comparison: PlannedComparison, chosen: Mapping[str, Chosen | None]) -> str:
    """Names the arms that are undertuned and where to look further; empty where there are none. ``chosen``: by arm."""
    selects = by_selection(comparison)
    parts = [
        f"{arm.label}{f' (by {METRICS[select].title})' * (len(selects) > 1)}, {undertuned(one)}"
        for arm in comparison.arms
        for select in selects
        if (one := chosen.get(arm.tuned.get(select, ""))) and one.undertuned
    ]
    return f"Undertuned, so it may do better than shown: {'; '.join(parts)}." if parts else ""


def read_from(comparison: PlannedComparison) -> str:
    """Which metrics are read from the arms of which selection; empty where there is but one."""
    parts = [
        f"tuned by {METRICS[select].title}: {listed(METRICS[metric].title for metric in metrics)}"
        for select, metrics in by_selection(comparison).items()
    ]
    return f"Of arms {'; '.join(parts)}." if len(parts) > 1 else ""


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


class Line(NamedTuple):
    """One tuned arm."""

    arm: str  # its label
    chosen: Cell
    tuning: Work
    final: Work
    expected: str  # the best scores to be expected of as many trials as the group counts


class Ledger(NamedTuple):
    """``groups``: arms that are searched alike, in as many trials, and chosen by the same metric, by their comparison's
    title, what was searched by which metric, and the numbers of trials of which the best is to be expected.
    ``tuning``: all of it together, where runs that several arms chose from count once; so it may be ``shared``.
    """

    groups: dict[tuple[str, str, str], list[Line]]
    tuning: Work
    final: Work
    shared: bool

    @property
    def lines(self) -> list[Line]:
        return [line for lines in self.groups.values() for line in lines]


def ledger(plan: Plan, records: Records) -> Ledger:
    """Every tuned arm once, in the order of the plan, where it is compared first."""
    tuning, finals = records.tuning, records.runs[records.runs["steps"] > 0]
    rows, final_rows = (dict(iter(frame.groupby("arm"))) for frame in (tuning, finals))
    chosen, made = found(tuning), trials_made(plan, records)
    tuned: set[str] = set()
    groups: dict[tuple[str, str, str], list[Line]] = {}
    for comparison, select, arm in arms_by_selection(plan):
        name = arm.tuned.get(select)
        if name is None or name in tuned:
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
        line = Line(arm.label, chosen_cell(chosen, name), _spent(mine), _spent(final), expected)
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
        whole = (candidate["status"] == "finished") & (candidate["steps_to_target"].notna() | (select != TIMES))
        scores.append(float(candidate["score"].iloc[0]) if whole.all() else nan)
    expected = dict(enumerate(expected_best(select, scores), 1))
    values = [expected.get(count) for count in counts_of(first)]
    if select.endswith("_loss"):
        return " · ".join(NONE if value is None else f"{value:.3g}" for value in values)
    places = 0 if select == TIMES else 1
    return " · ".join(show(select, Estimate(value), places).value for value in values)


TIMES = "steps_to_target"


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
