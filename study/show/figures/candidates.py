"""What the figure of the tuning is drawn from: the score of every candidate against one setting, for all arms."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from study.metrics import METRICS, Select
from study.plan.plan import Plan, PlannedComparison
from study.plan.searches.selection import Chosen
from study.plan.searches.space import Searched
from study.plan.searches.trials import settings_of
from study.show.tables.tuning import found, selects_of

ENDS = pd.CategoricalDtype(["finished", "unreached", "diverged"], ordered=True)  # of a seed, the worst last
WIDE = 8  # largest by smallest of listed values, above which their axis is logarithmic


class Candidates(NamedTuple):
    """All candidates, by a setting that is searched and by what arms are chosen by. Both make a panel.

    ``rows``: per arm (label), candidate and tuning seed its place on the axis (x), ``value`` in the unit shown, how the
    seed ended (finished, diverged, unreached), and the candidate's rank among those of its arm.
    """

    select: Select
    unit: str  # shown; empty where the name says it
    setting: Searched
    rows: pd.DataFrame
    chosen: dict[str, Chosen | None]  # by label; arms that are not tuned yet are left out
    joined: bool  # whether a line through neighbouring candidates means something

    @property
    def log(self) -> bool:
        """Whether the axis of the setting is logarithmic."""
        values = [value for value in self.setting.values or () if not isinstance(value, tuple)]
        listed = self.setting.ordered and self.setting.positive and max(values, default=0) >= WIDE * min(values or [1])
        return bool(self.setting.log) or listed

    def best(self, label: str) -> pd.DataFrame:
        """The rows of an arm's best candidate at every value of the setting."""
        arm = self.rows[self.rows["label"] == label]
        return arm[arm["candidate"].isin(arm.sort_values("rank").groupby("x")["candidate"].first())]

    def profile(self, label: str) -> pd.DataFrame:
        """Of these candidates: x; mean, low and high over seeds; whether it is chosen; how the worst seed ended (end);
        and whether none finished (all).

        Without a mean where a seed diverged or did not reach the target: that of the others would flatter.
        """
        by_place = self.best(label).groupby("x", sort=True)
        ends = by_place["end"].max()
        made = by_place["value"].agg(["mean", "min", "max"]).where(ends == "finished")
        made = made.rename(columns={"min": "low", "max": "high"})
        lost = by_place["end"].min() != "finished"
        return made.assign(chosen=by_place["chosen"].any(), end=ends, all=lost).reset_index()

    def lost(self) -> pd.DataFrame:
        """Columns label, x, end, all: the candidates that lost seeds, by arm."""
        parts = [self.profile(label).assign(label=label) for label in self.chosen]
        rows = pd.concat(parts) if parts else pd.DataFrame(columns=["label", "x", "end", "all"])
        return rows.loc[rows["end"] != "finished", ["label", "x", "end", "all"]].reset_index(drop=True)


def candidates_of(plan: Plan, comparison: PlannedComparison, tuning: pd.DataFrame) -> list[Candidates]:
    """Those of each selection and setting. ``tuning``: that of ``Records``."""
    chosen = found(tuning)
    searches = {arm: search for arm in comparison.trained if (search := plan.arms[arm].search)}
    panels = []
    for select in selects_of(comparison):
        arms = {arm.tuned[select]: arm.label for arm in comparison.arms if select in arm.tuned}
        settings = {setting.key: setting for arm in arms for setting in searches[arm].settings}
        for key, setting in sorted(settings.items()):
            mine = {arm: label for arm, label in arms.items() if key in searches[arm].covers}
            rows = tuning[tuning["arm"].isin(list(mine))]
            panels.append(
                Candidates(
                    select,
                    _unit(select, rows),
                    setting,
                    _rows(select, setting, rows).assign(label=rows["arm"].map(mine)),
                    {label: chosen[arm] for arm, label in mine.items() if arm in chosen},
                    all(searches[arm].method == "grid" or len(searches[arm].settings) == 1 for arm in mine),
                )
            )
    return panels


def _rows(select: Select, setting: Searched, rows: pd.DataFrame) -> pd.DataFrame:
    """Columns candidate, seed, x, value, end, rank and chosen."""
    x = rows["settings"].map(lambda text: settings_of(text)[setting.key])
    if not setting.ordered:
        x = x.map(list(setting.values or ()).index)
    value = rows[select].astype(float) * (100 if METRICS[select].percent else 1)
    end = np.where(rows["status"] != "finished", "diverged", np.where(value.isna(), "unreached", "finished"))
    made = rows[["candidate", "seed", "rank", "chosen"]].assign(x=x.astype(float), value=value.where(end == "finished"))
    return made.assign(end=pd.Categorical(end, dtype=ENDS))


def _unit(select: Select, rows: pd.DataFrame) -> str:
    if select != "val_loss":
        return METRICS[select].percent or ""
    ended = rows[rows["status"] == "finished"]
    return "squared error" if len(ended) and ended["val_accuracy"].isna().all() else METRICS[select].unit
