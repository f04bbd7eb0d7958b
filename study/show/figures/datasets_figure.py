"""The figure of a comparison over datasets: critical-difference diagrams, then performance profiles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from study.errors import Refused
from study.plan.datasets import across, has_figure, is_cost
from study.plan.plan import Plan, PlannedComparison
from study.show.figures import panel
from study.show.figures.critical_difference import CriticalDifference
from study.show.figures.data import LOOKS
from study.show.figures.panel import Grid, compose
from study.show.figures.performance_profile import OTHERS, Profile, areas
from study.show.figures.style import WIDTH
from study.show.tables.rank_table import scores
from study.stats.exact import DATASETS

Panels = Sequence[CriticalDifference | Profile]


def panels(plan: Plan, comparison: PlannedComparison, summary: pd.DataFrame) -> Panels:
    """A diagram of each metric, where the datasets are enough for tests, and a profile of each that is a cost.

    ``summary`` is that of the study. Raises Refused where there is nothing to draw over datasets.
    """
    found = across(plan, comparison)
    if found is None or not has_figure(found, comparison.metrics):
        raise Refused([f"{comparison.name}: there is no figure of it over datasets"])
    rows = summary[summary["comparison"] == comparison.name]
    by_metric = {metric: scores(found, rows, metric) for metric in comparison.metrics}
    costs = {metric: score for metric, score in by_metric.items() if is_cost(metric)}
    coloured = list(range(len(found.arms)))
    if len(coloured) > len(LOOKS):  # those with the largest areas under their profiles
        area = sum(map(areas, costs.values()), np.zeros(len(coloured)))
        coloured = sorted(np.argsort(-area, kind="stable")[: len(LOOKS) - 1])
    looks = dict.fromkeys(found.arms, OTHERS) | {found.arms[i]: look for i, look in zip(coloured, LOOKS, strict=False)}
    tested = by_metric if len(found.datasets) >= DATASETS else {}
    return [
        *(CriticalDifference(looks, metric, score) for metric, score in tested.items()),
        *(Profile(looks, metric, score) for metric, score in costs.items()),
    ]


def draw(panels: Panels) -> Figure:
    """The figure. Its caption is ``caption(panels)``."""
    # Diagrams under each other, as wide as the page; profiles two in a row, under them.
    diagrams: Grid = [[i, i] for i, one in enumerate(panels) if isinstance(one, CriticalDifference)]
    profiles: Grid = [[i, i + 1] for i in range(len(diagrams), len(panels), 2)]
    if profiles and profiles[-1][1] == len(panels):
        profiles[-1][1] = "." if len(profiles) > 1 else profiles[-1][0]
    return compose(panels, diagrams + profiles, _behind(panels), WIDTH if len(panels) > 1 else WIDTH * 0.7)


def caption(panels: Panels) -> str:
    """What the panels show, and what so few datasets can tell."""
    return f"{panel.caption(panels)} {_behind(panels)}."


def _behind(panels: Panels) -> str:
    return f"n = {len(panels[0].score.lost)} datasets"
