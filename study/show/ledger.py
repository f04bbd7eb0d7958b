"""What tuning cost and what it bought: trials, runs and steps of every arm, and the best to expect of fewer trials."""

from __future__ import annotations

from collections.abc import Iterable
from math import nan
from typing import NamedTuple

import pandas as pd

from study.plan.metrics import METRICS
from study.plan.plan import Plan
from study.plan.tune import Select, Tune
from study.run.chosen import Chosen
from study.show.collect import Records
from study.show.numbers import NONE, Estimate, counted, listed, show
from study.show.statistics.tuning import expected_best
from study.show.tuning import arm_names, found, grid_text, in_words


class Spent(NamedTuple):
    """Runs, and steps of all of them together."""

    runs: int
    steps: int

    def __str__(self) -> str:
        return f"{counted(self.runs, 'run')}, {counted(self.steps, 'step')}"


class Line(NamedTuple):
    """One tuned arm, as text but for what was spent."""

    arm: str
    select: str  # what it is tuned by, with the unit of ``expected``
    grid: str
    trials: str  # "13 × 3 seeds"
    chosen: str
    remark: str  # undertuned, every candidate diverged, not tuned yet
    tuning: Spent
    final: Spent
    expected: str  # the best to be expected of 1, 2, 4, … trials of the grid


class Ledger(NamedTuple):
    lines: list[Line]
    tuning: Spent
    final: Spent


def ledger(plan: Plan, records: Records) -> Ledger:
    """A line per tuned arm, in the order of the plan."""
    names, chosen, rows = arm_names(plan), found(records.tuning), dict(iter(records.tuning.groupby("arm")))
    finals = dict(iter(records.runs[records.runs["steps"].notna()].groupby("arm")))
    empty = records.tuning.iloc[:0]
    lines = [
        _line(names.get(arm, arm), recipe.tune, rows.get(arm, empty), chosen.get(arm), _spent(finals.get(arm)))
        for arm, recipe in plan.arms.items()
        if recipe.tune
    ]
    return Ledger(lines, _total(line.tuning for line in lines), _total(line.final for line in lines))


def _total(parts: Iterable[Spent]) -> Spent:
    runs, steps = zip((0, 0), *parts, strict=True)
    return Spent(sum(runs), sum(steps))


def _line(name: str, tune: Tune, rows: pd.DataFrame, chosen: Chosen | None, final: Spent) -> Line:
    made = rows["candidate"].nunique() if len(rows) else tune.candidates
    told, remark = in_words(chosen, tuned=len(rows) > 0)
    return Line(
        arm=name,
        select=unit_named(tune.select),
        grid=grid_text(tune),
        trials=f"{made} × {counted(tune.seeds, 'seed')}",
        chosen=told,
        remark=remark,
        tuning=_spent(rows),
        final=final,
        expected=expected_text(tune.select, rows) if len(rows) else NONE,
    )


def unit_named(select: Select) -> str:
    """``validation accuracy (%)``."""
    unit = METRICS[select].percent or ""
    return f"{METRICS[select].title}{f' ({unit})' * bool(unit)}"


def expected_text(select: Select, rows: pd.DataFrame) -> str:
    """``1: 71.2, 2: 88.1, 4: 94.0, 9: 95.3``: trials of the grid, and the best score to be expected of so many."""
    scores = []
    for _, candidate in rows[rows["phase"] == "grid"].groupby("candidate"):
        whole = (candidate["status"] == "finished") & (candidate["steps_to_target"].notna() | (select != TIMES))
        scores.append(float(candidate["score"].iloc[0]) if whole.all() else nan)
    expected = expected_best(select, scores)
    n = len(scores)
    counts = sorted({*(2**i for i in range(n.bit_length()) if 2**i <= n), n})
    values = [expected[k - 1] for k in counts]
    places = 0 if select == TIMES else 1 if METRICS[select].percent else 3
    shown = [show(select, Estimate(value, None, None), places).value for value in values]
    return ", ".join(f"{k}: {text}" for k, text in zip(counts, shown, strict=True))


TIMES = "steps_to_target"


def _spent(rows: pd.DataFrame | None) -> Spent:
    return Spent(0, 0) if rows is None else Spent(len(rows), int(rows["steps"].fillna(0).sum()))


def protocol(plan: Plan) -> str:
    """How arms are tuned, in a paragraph."""
    tunes = list(dict.fromkeys(arm.tune for arm in plan.arms.values() if arm.tune))
    if not tunes:
        return "None: learning rates and all other settings are those written in the study file."
    bare = [comparison.title for comparison in plan.comparisons if not comparison.selections]
    trials, seeds = ({getattr(tune, name) for tune in tunes} for name in ("candidates", "seeds"))
    further = any(tune.extend for tune in tunes)
    by = listed(dict.fromkeys(METRICS[tune.select].title for tune in tunes))
    text = (
        f"Every arm of a comparison gets as many trials: {_ends(trials)} of {_ends(seeds)} tuning seed"
        f"{'s' * (seeds != {1})} each, which no final run has"
        + "; the last of them go one step past the edge while the best lies on it, else halfway to its neighbours"
        * further
        + f". Chosen by {by} at the end of the budget, never by test data. What was tried, chosen and spent is in the "
        "ledger."
    )
    return f"{text} Nothing is tuned in {listed(bare)}." if bare else text


def _ends(values: set[int]) -> str:
    return " to ".join(map(str, sorted({min(values), max(values)})))
