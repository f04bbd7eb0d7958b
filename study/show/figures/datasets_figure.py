"""The figure of a comparison over datasets: critical-difference diagrams, then performance profiles.

scikit-posthocs draws such diagrams too, with one marker for all arms, and would be one more package for a drawing: the
tests behind them are those of scipy here too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from study.metrics import METRICS
from study.plan.plan import Plan, PlannedComparison
from study.plan.style import Style
from study.show.datasets import across, is_cost
from study.show.figures import panel
from study.show.figures.data import USUAL, Look, colours, looks
from study.show.figures.panel import NARROW, Grid, Panel, alone, arms, compose, nothing, steps
from study.show.figures.scales import PERCENT
from study.show.tables.rank_table import Scores, scores
from study.stats.estimates import Floats
from study.stats.exact import DATASETS, decidable, fewest_seeds
from study.stats.ranks import average_ranks, costs_of, critical_difference, indistinct, performance_profile

ROW, BAR = 0.2, 0.13  # inches of an arm's name, and of a bar, in a diagram
WIDE = 8  # the factor from which on the axis of a profile is logarithmic


class CriticalDifference(Panel):
    """Average rank by {metric}, 1 the best. A bar joins arms that the tests do not tell apart (Wilcoxon's signed-rank
    test over datasets of every pair, Holm over the pairs of a panel, level 5 %); its dots say which.{few}
    """

    def __init__(self, looks: Mapping[str, Look], metric: str, score: Scores) -> None:
        self.looks, self.metric, self.score = looks, metric, score
        self.ranks, self.bars = np.full(len(looks), np.nan), list[Floats]()  # bars: the ranks that each joins
        if score.absent:
            return
        costs = costs_of(metric, score.estimates, score.lost)
        self.ranks, p = average_ranks(costs), critical_difference(costs)
        groups = [] if p is None else indistinct(p)
        self.bars = sorted((np.sort(self.ranks[list(group)]) for group in groups), key=list)

    @property
    def _names(self) -> float:
        """Inches from the axis to the first name."""
        return (len(self.bars) + 0.5) * BAR

    @property
    def height(self) -> float:
        return 0.6 + self._names + -(-len(self.looks) // 2) * ROW

    def words(self) -> dict[str, str]:
        datasets, arms = self.score.lost.shape
        pairs = arms * (arms - 1) // 2
        few = (
            f" No outcome of {datasets} datasets can tell any two of {arms} arms apart: "
            f"{pairs} pairs need at least {fewest_seeds(pairs)}."
        )
        return super().words() | {"few": few * (decidable(datasets) < pairs)}

    def draw(self, ax: Axes) -> None:
        title, arms = METRICS[self.metric].title, len(self.looks)
        ax.yaxis.set_visible(False)
        ax.spines[["left", "bottom"]].set_visible(False)
        if self.score.absent:
            ax.xaxis.set_visible(False)
            nothing(ax, f"{title}: no estimate of every arm yet")
            return
        ax.spines["top"].set_visible(True)
        for level, bar in enumerate(self.bars, 1):
            ax.plot(bar, [level * BAR] * len(bar), color="0.2", linewidth=2.2, marker="o", markersize=4,
                    solid_capstyle="round", zorder=2.5)  # fmt: skip
        order, half = np.argsort(self.ranks, kind="stable"), -(-arms // 2)
        for side, members in enumerate((order[:half], order[half:][::-1])):
            for row, i in enumerate(members):
                self._name(ax, int(i), self._names + (row + 0.5) * ROW, side)
        ax.set_xlim(1, arms)
        ax.set_ylim(self._names + half * ROW, 0)
        ax.xaxis.set_ticks_position("top")
        ax.xaxis.set_label_position("top")
        ax.set_xticks(range(1, arms + 1))
        ax.set_xlabel(f"average rank by {title}")

    def _name(self, ax: Axes, i: int, y: float, side: int) -> None:
        """A line from the rank on the axis down and out to the arm's name, at the edge; ``side``: 0 left, 1 right."""
        (arm, look), rank = list(self.looks.items())[i], float(self.ranks[i])
        ax.annotate(
            "\u2002".join((arm, f"{rank:.2f}")[:: 1 - 2 * side]), xy=(rank, 0), xytext=(side, y),
            textcoords=("axes fraction", "data"), ha=("right", "left")[side], va="center", fontsize=8, zorder=2,
            arrowprops={"arrowstyle": "-", "color": look.color, "linewidth": 1, "shrinkA": 2, "shrinkB": 0,
                        "relpos": (1 - side, 0.5), "connectionstyle": "angle,angleA=0,angleB=90"},
        )  # fmt: skip
        ax.plot(rank, 0, color=look.color, marker=look.marker, markersize=5.5, markeredgecolor="white",
                markeredgewidth=0.6, clip_on=False, zorder=3)  # fmt: skip


class Profile(Panel):
    """Performance profiles (Dolan and Moré, 2002) of {metric}: the share of datasets on which an arm comes within a
    factor of the best arm there. Left, at 1: on how many it is the best itself; right: on how many it has a value at
    all.{lost}
    """

    height = 2.5

    def __init__(self, looks: Mapping[str, Look], metric: str, score: Scores) -> None:
        self.looks, self.metric, self.score = looks, metric, score

    def words(self) -> dict[str, str]:
        lost = " A dataset on which runs diverged, or too few reached the target, counts as one without."
        return super().words() | {"lost": lost * bool((self.score.lost > 0).any())}

    def handles(self) -> Sequence[Artist]:
        return arms(self.looks)

    def draw(self, ax: Axes) -> None:
        ax.set(xlabel=f"{METRICS[self.metric].title}: factor of the best arm", ylabel="datasets (%)", **PERCENT)
        solved = self.score.solved[np.isfinite(self.score.solved).any(axis=1)]
        if self.score.absent or (self.score.estimates <= 0).any() or not len(solved):
            lost = "no factors of a value of 0" if len(solved) else "no arm has an estimate"
            nothing(ax, "no estimate of every arm yet" if self.score.absent else lost)
            return
        found = solved / solved.min(axis=1, keepdims=True)
        factors = np.unique(found[np.isfinite(found)])
        shares = performance_profile(self.score.solved, factors) * 100
        end = max(factors[-1] ** 1.05, 1 + 1.05 * (factors[-1] - 1), 1.1)
        for look, share in zip(self.looks.values(), shares, strict=True):
            steps(ax, factors, share, (1, end), look)
        if end > WIDE:
            ax.set_xscale("log")
            ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if end < 100 else (1,)))
            ax.xaxis.set_minor_formatter(NullFormatter())
        else:
            ticks = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(1, end)
            ax.set_xticks([1, *(tick for tick in ticks if 1 < tick <= end)])
        ax.xaxis.set_major_formatter("{x:g}")
        ax.set_xlim(1, end)


Panels = Sequence[CriticalDifference | Profile]


def panels(plan: Plan, comparison: PlannedComparison, summary: pd.DataFrame) -> Panels:
    """A diagram of each metric, where the datasets are enough for tests, and a profile of each that is a cost.

    ``summary`` is that of the study.
    """
    found = across(plan, comparison)
    assert found
    rows = summary[summary["comparison"] == comparison.name]
    by_metric = {metric: scores(found, rows, metric) for metric in comparison.metrics}
    costs = {metric: score for metric, score in by_metric.items() if is_cost(metric)}
    tested = by_metric if len(found.datasets) >= DATASETS else {}
    palette = colours(plan.style)
    return [
        *(CriticalDifference(looks(found.arms, palette), metric, score) for metric, score in tested.items()),
        *(Profile(looks(found.arms, palette), metric, score) for metric, score in costs.items()),
    ]


def draw(panels: Panels, style: Style = USUAL) -> Figure:
    """The figure. Its caption is ``caption(panels)``."""
    # Diagrams under each other, as wide as the page; profiles two in a row, under them.
    diagrams: Grid = [[i, i] for i, one in enumerate(panels) if isinstance(one, CriticalDifference)]
    profiles: Grid = [[i, i + 1] for i in range(len(diagrams), len(panels), 2)]
    if style.inches < NARROW:
        profiles = [[i, i] for i in range(len(diagrams), len(panels))]
    elif profiles and profiles[-1][1] == len(panels):
        profiles[-1][1] = "." if len(profiles) > 1 else profiles[-1][0]
    return compose(panels, diagrams + profiles, _behind(panels), style, None if len(panels) > 1 else alone(style))


def caption(panels: Panels) -> str:
    """What the panels show, and what so few datasets can tell."""
    return f"{panel.caption(panels)} {_behind(panels)}."


def _behind(panels: Panels) -> str:
    return f"n = {len(panels[0].score.lost)} datasets"
