"""Critical-difference diagrams (Demšar, 2006, "Statistical comparisons of classifiers over multiple data sets").

scikit-posthocs draws them too, with one marker for all arms, and would be one more package for a drawing: the tests
behind it are those of scipy and statsmodels here too.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from study.metrics import METRICS
from study.show.figures.data import Look
from study.show.figures.panel import Panel
from study.show.figures.style import nothing
from study.show.tables.rank_table import Scores
from study.stats.exact import decidable, fewest_seeds
from study.stats.ranks import costs_of, critical_difference, indistinct

ROW, BAR = 0.2, 0.13  # inches of an arm's name, and of a bar


class CriticalDifference(Panel):
    """Average rank by {metric}, 1 the best. A bar joins arms that the tests do not tell apart (Wilcoxon's signed-rank
    test over datasets of every pair, Holm over the pairs of a panel, level 5 %); its dots say which.{few}
    """

    def __init__(self, looks: Mapping[str, Look], metric: str, score: Scores) -> None:
        self.looks, self.metric, self.score = looks, metric, score
        self.ranks, self.bars = np.full(len(looks), np.nan), list[tuple[int, tuple[int, ...]]]()
        if score.absent:
            return
        self.ranks, p = critical_difference(costs_of(metric, score.estimates, score.lost), higher_is_better=False)
        groups = [] if p is None else indistinct(p)
        ends = {bar: (self.ranks[list(bar)].min(), self.ranks[list(bar)].max()) for bar in groups}
        for bar in sorted(groups, key=lambda bar: ends[bar]):  # from the best rank on, where it crosses no other
            crossed = {level for level, other in self.bars if ends[other][1] >= ends[bar][0]}
            self.bars.append((min({*range(1, len(groups) + 1)} - crossed), bar))

    @property
    def _names(self) -> float:
        """Inches from the axis to the first name."""
        return (max((level for level, _ in self.bars), default=0) + 0.5) * BAR

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
        for level, bar in self.bars:
            ax.plot(self.ranks[list(bar)], [level * BAR] * len(bar), color="0.2", linewidth=2.2, marker="o",
                    markersize=4, solid_capstyle="round", zorder=2.5)  # fmt: skip
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
        """A line from the rank on the axis down and out to the arm's name; ``side``: 0 left, 1 right."""
        (arm, look), rank = list(self.looks.items())[i], float(self.ranks[i])
        dark = "0.35" if look.marker == "." else look.color  # of arms that are grey
        ax.plot([rank, rank], [0, y], color=dark, linewidth=1, solid_capstyle="round")
        # To the edge of the panel, whatever the ranks are.
        ax.annotate(
            "\u2002".join((arm, f"{rank:.2f}")[:: 1 - 2 * side]), xy=(rank, y), xytext=(side, y),
            textcoords=("axes fraction", "data"), ha=("right", "left")[side], va="center", fontsize=8,
            arrowprops={"arrowstyle": "-", "color": dark, "linewidth": 1, "shrinkA": 2, "shrinkB": 0,
                        "relpos": (1 - side, 0.5)},
        )  # fmt: skip
        ax.plot(rank, 0, color=dark, marker=look.marker, markersize=5.5, markeredgecolor="white", markeredgewidth=0.6,
                clip_on=False, zorder=3)  # fmt: skip
