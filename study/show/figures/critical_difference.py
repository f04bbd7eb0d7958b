"""Critical-difference diagrams (Demšar, 2006, "Statistical comparisons of classifiers over multiple data sets").

scikit-posthocs draws them too, with one marker for all arms, and would be one more package for a drawing: the tests
behind it are those of scipy and statsmodels here too.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from study.metrics import METRICS
from study.show.figures.style import GREY, Palette, nothing
from study.show.tables.rank_table import Scores
from study.stats.estimates import Floats
from study.stats.ranks import average_ranks, costs_of, critical_difference, indistinct

ROW, BAR = 0.2, 0.13  # inches of an arm's name, and of a bar


def draw(ax: Axes, palette: Palette, metric: str, score: Scores) -> None:
    """Average rank by {metric}, 1 the best. A bar joins arms that the tests do not tell apart (Wilcoxon's signed-rank
    test over datasets of every pair, Holm over the pairs of a panel, level 5 %); its dots say which.{more}
    """
    ax.yaxis.set_visible(False)
    ax.spines[["left", "bottom"]].set_visible(False)
    if score.absent:
        ax.xaxis.set_visible(False)
        nothing(ax, f"{METRICS[metric].title}: no estimate of every arm yet")
        return
    ax.spines["top"].set_visible(True)
    ranks, bars = _tested(metric, score)
    arms, levels = len(ranks), max((level for level, _ in bars), default=0)
    for level, bar in bars:
        ax.plot(ranks[list(bar)], [level * BAR] * len(bar), color="0.2", linewidth=2.2, marker="o", markersize=4,
                solid_capstyle="round", zorder=2.5)  # fmt: skip
    order = np.argsort(ranks, kind="stable")
    left, right = order[: -(-arms // 2)], order[-(-arms // 2) :][::-1]
    for side, members in ((0, left), (1, right)):
        for row, i in enumerate(members):
            _name(ax, palette, palette.arms[i], float(ranks[i]), (levels + 0.5) * BAR + (row + 0.5) * ROW, side)
    ax.set_xlim(1, arms)
    ax.set_ylim((levels + 0.5) * BAR + len(left) * ROW, 0)
    ax.xaxis.set_ticks_position("top")
    ax.xaxis.set_label_position("top")
    ax.set_xticks(range(1, arms + 1))
    ax.set_xlabel(f"average rank by {METRICS[metric].title}")


def height(metric: str, score: Scores) -> float:
    """Inches that a panel needs."""
    arms = score.lost.shape[1]
    levels = 0 if score.absent else max((level for level, _ in _tested(metric, score)[1]), default=0)
    return float(0.6 + (levels + 0.5) * BAR + -(-arms // 2) * ROW)


def _tested(metric: str, score: Scores) -> tuple[Floats, list[tuple[int, tuple[int, ...]]]]:
    """Average ranks [arms]; and the bars, from the best rank on, each with the level where it crosses no other."""
    costs = costs_of(metric, score.estimates, score.lost)
    ranks, p = average_ranks(costs), critical_difference(costs)
    bars: list[tuple[int, tuple[int, ...]]] = []
    groups = [] if p is None else indistinct(p)
    ends = {bar: (ranks[list(bar)].min(), ranks[list(bar)].max()) for bar in groups}
    for bar in sorted(groups, key=lambda bar: ends[bar]):
        crossed = {level for level, other in bars if ends[other][1] >= ends[bar][0]}
        bars.append((next(level for level in range(1, len(groups) + 1) if level not in crossed), bar))
    return ranks, bars


def _name(ax: Axes, palette: Palette, arm: str, rank: float, y: float, side: int) -> None:
    """A line from the rank on the axis down and out to the arm's name; ``side``: 0 left, 1 right."""
    colour = palette.colour(arm)
    dark = "0.35" if colour == GREY else colour
    ax.plot([rank, rank], [0, y], color=dark, linewidth=1, solid_capstyle="round")
    # To the edge of the panel, whatever the ranks are.
    ax.annotate(
        f"{arm}\u2002{rank:.2f}" if side == 0 else f"{rank:.2f}\u2002{arm}", xy=(rank, y),
        xytext=(side, y), textcoords=("axes fraction", "data"), ha=("right", "left")[side], va="center", fontsize=8,
        arrowprops={"arrowstyle": "-", "color": dark, "linewidth": 1, "shrinkA": 2, "shrinkB": 0,
                    "relpos": (1 - side, 0.5)},
    )  # fmt: skip
    ax.plot([rank], [0], color=dark, marker=palette.marker(arm), markersize=5.5, markeredgecolor="white",
            markeredgewidth=0.6, clip_on=False, zorder=3)  # fmt: skip
