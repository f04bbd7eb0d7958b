"""What the figure of the tuning is drawn from: the score of every candidate against one setting, for all arms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from study.metrics import METRICS, Select
from study.plan.plan import Plan, PlannedComparison
from study.plan.searches.selection import Chosen
from study.plan.searches.space import Searched, Value
from study.plan.searches.trials import settings_of
from study.show.tables.tuning import found, selects_of

ENDS = ("diverged", "unreached", "finished")  # of a seed, the worst first
WIDE = 8  # largest by smallest of listed values, above which their axis is logarithmic


class Candidates(NamedTuple):
    """All candidates, by a setting that is searched and by what arms are chosen by. Both make a panel.

    ``rows``: per arm (label), candidate and tuning seed its place on the axis (x), ``value`` in the unit shown, how the
    seed ended (finished, diverged, unreached), and the candidate's rank among those of its arm.
    """

    select: Select
    unit: str  # shown; empty where the name says it
    key: str
    scale: Literal["log", "linear", "values"]
    names: list[Value]  # of the places 0, 1, … where the scale is that of values
    rows: pd.DataFrame
    chosen: dict[str, Chosen | None]  # by label; arms that are not tuned yet are left out
    joined: bool  # whether a line through neighbouring candidates means something

    def best(self, label: str) -> pd.DataFrame:
        """The rows of an arm's best candidate at every value of the setting."""
        arm = self.rows[self.rows["label"] == label]
        return arm[arm["candidate"].isin(arm.sort_values("rank").groupby("x")["candidate"].first())]

    def profile(self, label: str) -> pd.DataFrame:
        """Of these candidates: x; mean, low and high over seeds; whether it is chosen; how the worst seed ended (end);
        whether none was left (all), and whether all diverged.

        Without a mean where a seed diverged or did not reach the target: that of the others would flatter.
        """
        by_place = self.best(label).groupby("x", sort=True)
        ends = by_place["end"].agg(lambda ends: next(end for end in ENDS if (ends == end).any()))
        gone = {
            "all": by_place["end"].agg(lambda ends: bool((ends != "finished").all())),
            "diverged": by_place["end"].agg(lambda ends: bool((ends == "diverged").all())),
        }
        made = by_place["value"].agg(["mean", "min", "max"]).where(ends == "finished")
        made = made.rename(columns={"min": "low", "max": "high"})
        return made.assign(chosen=by_place["chosen"].any(), end=ends, **gone).reset_index()

    def lost(self, label: str) -> pd.DataFrame:
        """Those that lost seeds."""
        return self.profile(label).query("end != 'finished'")[["x", "end", "all"]].reset_index(drop=True)


def candidates_of(plan: Plan, comparison: PlannedComparison, tuning: pd.DataFrame) -> list[Candidates]:
    """Those of each selection and setting. ``tuning``: that of ``Records``."""
    chosen = found(tuning)
    searches = {arm: search for arm in comparison.trained if (search := plan.arms[arm].search)}
    panels = []
    for select in selects_of(comparison):
        arms = {arm.tuned[select]: arm.label for arm in comparison.arms if select in arm.tuned}
        searched = {s.key: s for arm in arms for s in searches[arm].settings}
        for key, one in sorted(searched.items()):
            mine = {arm: label for arm, label in arms.items() if key in searches[arm].covers}
            known = {label: chosen[arm] for arm, label in mine.items() if arm in chosen}
            joined = all(searches[arm].method == "grid" or len(searches[arm].settings) == 1 for arm in mine)
            panels.append(_candidates(select, one, mine, tuning, known, joined))
    return panels


def _candidates(
    select: Select,
    searched: Searched,
    arms: Mapping[str, str],
    tuning: pd.DataFrame,
    chosen: dict[str, Chosen | None],
    joined: bool,
) -> Candidates:
    rows = tuning[tuning["arm"].isin(list(arms))]
    settings = rows["settings"].map(settings_of)
    scale, names = _scale(searched)
    value = rows[select].astype(float) * (100 if METRICS[select].percent else 1)
    end = np.where(rows["status"] != "finished", "diverged", np.where(value.isna(), "unreached", "finished"))
    places = [names.index(s[searched.key]) if names else float(s[searched.key]) for s in settings]
    return Candidates(
        select=select,
        unit=_unit(select, rows),
        key=searched.key,
        scale=scale,
        names=names,
        rows=pd.DataFrame(
            {"label": rows["arm"].map(arms), "candidate": rows["candidate"], "seed": rows["seed"], "x": places}
            | {"value": value.where(end == "finished"), "end": end, "rank": rows["rank"], "chosen": rows["chosen"]}
        ),
        chosen=chosen,
        joined=joined,
    )


def _unit(select: Select, rows: pd.DataFrame) -> str:
    if select != "val_loss":
        return METRICS[select].percent or ""
    ended = rows[rows["status"] == "finished"]
    return "squared error" if len(ended) and ended["val_accuracy"].isna().all() else METRICS[select].unit


def _scale(searched: Searched) -> tuple[Literal["log", "linear", "values"], list[Value]]:
    if searched.values is None:
        return "log" if searched.log else "linear", []
    if any(isinstance(value, tuple) for value in searched.values):
        return "values", list(searched.values)
    numbers = [value for value in searched.values if not isinstance(value, tuple)]
    return "log" if searched.positive and max(numbers) >= WIDE * min(numbers) else "linear", []
