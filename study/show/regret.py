"""What the runs of a tuned arm came to by the metric that it was chosen by, and whether another choice did better."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from study.metric import Select
from study.metrics import METRICS
from study.plan.plan import Plan
from study.plan.search import Selection
from study.show.records import Records, first_reached
from study.stats.estimates import Floats, scaled
from study.stats.regret import better_candidate, better_runs
from study.target import Target

COLUMNS = ("final_score", "better", "better_by")


def with_regret(plan: Plan, records: Records) -> Records:
    """Its tuning has ``COLUMNS`` in the rows of the candidates that were chosen; null where no run has ended."""
    tuning, ended = records.tuning, _Ended(records)
    siblings: dict[str, list[str]] = {}  # of one search, chosen by different metrics
    for name, arm in plan.arms.items():
        if arm.search and name in ended.arms:
            siblings.setdefault(arm.search.id, []).append(name)
    found = {}
    trials = dict(iter(tuning.groupby("arm")))
    for name, arm in plan.arms.items():
        if arm.search and arm.selection and name in ended.arms and name in trials:
            others = {other: plan.arms[other].selection for other in siblings[arm.search.id] if other != name}
            found[name] = _regret(name, arm.selection, others, trials[name], ended)
    chosen = tuning["chosen"].eq(True)
    values = pd.DataFrame.from_dict(found, "index", columns=list(COLUMNS)).reindex(tuning.loc[chosen, "arm"])
    tuning = tuning.assign(**dict.fromkeys(COLUMNS))
    tuning.loc[chosen, list(COLUMNS)] = values.astype(object).where(values.notna(), None).to_numpy()
    return records._replace(tuning=tuning.astype({"final_score": float}))


class _Ended:
    """The runs that finished or diverged."""

    def __init__(self, records: Records) -> None:
        runs = records.runs
        ended = runs[runs["status"].isin(["finished", "diverged"]) & (runs["steps"] > 0)]
        self.arms = {str(name): rows.set_index("seed") for name, rows in ended.groupby("arm")}
        self._reached = cache(lambda target: first_reached(records.curves, target)["step"])

    def values(self, arm: str, selection: Selection) -> pd.Series:
        """What an arm's runs have of what a selection is by; NaN where they were lost. [seed]"""
        rows, target = self.arms[arm], selection.target
        values = rows[selection.metric] if target is None else self._steps(arm, target).reindex(rows.index)
        return values.astype(float).where(rows["status"] == "finished")

    def _steps(self, arm: str, target: Target) -> pd.Series:
        reached: pd.Series = self._reached(target)
        return reached.xs(arm) if arm in reached.index.get_level_values(0) else pd.Series(dtype=float)


def _regret(
    name: str, selection: Selection, siblings: Mapping[str, Selection | None], rows: pd.DataFrame, ended: _Ended
) -> tuple[float | None, str | None, str | None]:
    """``COLUMNS`` of one arm. ``rows``: its trials."""
    metric, values = selection.metric, ended.values(name, selection)
    final = None if values.isna().all() else float(values.mean())
    merits = merits_of(metric, values.to_numpy())
    tried = rows.assign(merit=merits_of(metric, rows[metric].astype(float).where(rows["status"] == "finished")))
    trials = [(part["settings"].iloc[0], part["merit"].to_numpy()) for _, part in tried.groupby("candidate")]
    common = rows.loc[rows["chosen"].eq(True) if rows["chosen_here"].isna().all() else rows["chosen_here"].eq(True)]
    alike = common["settings"].unique()
    places = [place for place, (settings, _) in enumerate(trials) if len(alike) == 1 and settings == alike[0]]
    place = better_candidate(merits, [merits for _, merits in trials], next(iter(places), None))
    better = None if place is None else trials[place][0]
    for other, its in siblings.items():
        theirs = ended.values(other, selection)
        both = values.index.intersection(theirs.index)
        ours, others = (merits_of(metric, each[both].to_numpy()) for each in (values, theirs))
        if its and better_runs(ours, others, len(siblings)):
            return final, better, its.metric
    return final, better, None


def merits_of(metric: Select, values: Any) -> Floats:
    """``values`` on the scale on which arms are compared, the higher the better; -inf for NaN, which was lost."""
    known = np.asarray(values, dtype=float)  # of a script's loss some may be below 0
    merits = METRICS[metric].orientation * known if (known < 0).any() else scaled(metric, known)
    return np.where(np.isnan(known), -np.inf, merits)
