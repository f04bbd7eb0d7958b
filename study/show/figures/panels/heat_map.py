"""A matrix of arms as a heat map: the first keys down, the others across."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, product
from math import log, prod

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from study.metrics import METRICS
from study.plan.plan import PlannedComparison
from study.show.figures.data import Evidence
from study.show.figures.panels.panel import Panel
from study.show.formatting import COUNTED
from study.stats.estimates import estimate_of

ANNOTATED = 200  # cells; above this their figures are only in the table
TICKED = 40  # rows or columns


class HeatMap(Panel):
    """{Metric} of every arm: mean over finished seeds, or the median of times to target. Grey: no estimate, with
    the count of runs that reached the target or what became of them; a dagger: some runs did not finish.
    """

    place, wide = 0, True

    def suits(self, evidence: Evidence, metrics: Sequence[str]) -> list[str]:
        return list(metrics) if is_matrix(evidence.comparison) else []

    def height(self, evidence: Evidence) -> float:
        return 1.3 + min(0.24 * shape(evidence.comparison)[0], 6.5)

    def draw(self, ax: Axes, evidence: Evidence, metric: str) -> None:
        comparison = evidence.comparison
        down, across = _levels(comparison)
        keys = comparison.keys
        size = shape(comparison)
        values, texts, grey = np.full(size, np.nan), np.full(size, "", dtype=object), np.zeros(size, dtype=bool)
        order = {levels: place for place, levels in enumerate(product(*down, *across))}
        places = {arm.label: order[tuple(arm.values[key] for key in keys)] for arm in comparison.arms}
        decimals = 0 if METRICS[metric].unit in COUNTED else 1 if METRICS[metric].percent else None
        for label, runs in evidence.runs.groupby("label", sort=False):
            cell = divmod(places[str(label)], size[1])
            estimate, text = _estimate(metric, evidence.observed.values(metric, str(label)), runs["status"], decimals)
            values[cell], texts[cell], grey[cell] = np.nan if estimate is None else estimate, text, estimate is None
        annotate = values.size <= ANNOTATED
        lower = METRICS[metric].better == "lower"
        if np.isfinite(values).any():
            sns.heatmap(
                values, ax=ax, cmap="cividis_r" if lower else "cividis", annot=texts if annotate else False, fmt="",
                annot_kws={"fontsize": 7}, linewidths=0.5 if annotate else 0, linecolor="white",
                rasterized=not annotate,
                cbar_kws={"label": evidence.axis(metric), "pad": 0.015, "aspect": 14, "fraction": 0.05},
            )  # fmt: skip
        else:
            ax.set(xlim=(0, values.shape[1]), ylim=(values.shape[0], 0))
            ax.set_title(f"{evidence.axis(metric)}: no estimate in any arm", fontsize="medium", pad=40)
        for row, col in zip(*np.nonzero(grey), strict=True):
            ax.add_patch(Rectangle((col, row), 1, 1, facecolor="0.86", edgecolor="white", linewidth=0.5))
            if annotate:
                ax.text(col + 0.5, row + 0.5, texts[row, col], ha="center", va="center", fontsize=6.5, color="0.2")
        _name_levels(ax, keys[: len(down)], down, across=False)
        _name_levels(ax, keys[len(down) :], across, across=True)


def is_matrix(comparison: PlannedComparison) -> bool:
    """Whether at least two keys vary and the arms fill at least half of their grid, and are many."""
    keys, arms = len(comparison.keys), len(comparison.arms)
    if keys < 2 or (arms < 13 and keys < 3) or arms < 8:
        return False
    down, across = _levels(comparison)
    return arms >= prod(len(values) for values in [*down, *across]) / 2


def shape(comparison: PlannedComparison) -> tuple[int, int]:
    """Rows and columns."""
    down, across = _levels(comparison)
    return prod(map(len, down)), prod(map(len, across))


def _levels(comparison: PlannedComparison) -> tuple[list[list[str]], list[list[str]]]:
    """The values of the keys that go down and of those that go across, split near a landscape shape."""
    levels = [list(dict.fromkeys(arm.values[key] for arm in comparison.arms)) for key in comparison.keys]
    sizes = [len(values) for values in levels]

    def far(cut: int) -> float:
        return abs(log(prod(sizes[cut:]) / prod(sizes[:cut])) - log(1.4))

    cut = min(range(1, len(sizes)), key=far)
    return levels[:cut], levels[cut:]


def _estimate(metric: str, values: np.ndarray, ends: pd.Series, decimals: int | None) -> tuple[float | None, str]:
    """The estimate of an arm, and what its cell says. ``ends``: how its runs did."""
    estimate = estimate_of(metric, values)[0]
    dagger = "" if (ends == "finished").all() else "†"
    if estimate is not None:
        return estimate, f"{estimate:.3g}{dagger}" if decimals is None else f"{estimate:.{decimals}f}{dagger}"
    known = values[~np.isnan(values)]
    if METRICS[metric].target and len(known):
        return None, f"{np.isfinite(known).sum()}/{len(known)}{dagger}"
    commonest = str(ends.value_counts().index[0])
    return None, {"diverged": "div.", "failed": "failed", "missing": "–"}.get(commonest, "–")


def _name_levels(ax: Axes, keys: tuple[str, ...], levels: list[list[str]], across: bool) -> None:
    """Innermost values as ticks; the others as names of the groups that they span, outside them."""
    sizes = [len(level) for level in levels]
    total = prod(sizes)
    codes = np.array(np.unravel_index(np.arange(total), sizes)).T
    inner = [levels[-1][code[-1]] for code in codes]
    places = np.arange(total) + 0.5
    axis = ax.xaxis if across else ax.yaxis
    shown = total <= TICKED
    axis.set_ticks(places if shown else [], labels=inner if shown else [])
    axis.set_tick_params(length=0, labelsize=7, pad=2)
    turned = across and max(map(len, inner)) > 5
    if across:
        ax.xaxis.tick_top()
        ax.tick_params(axis="x", labelrotation=90 if turned else 0)
    else:
        ax.tick_params(axis="y", labelrotation=0)
    longest = max(map(len, inner)) if shown else 0
    offset = (4.6 * longest if turned or not across else 10) + 6
    for depth in reversed(range(len(levels) - 1)):
        for _, members in groupby(range(total), key=lambda i: tuple(codes[i][: depth + 1])):
            group = list(members)
            middle, text = (group[0] + group[-1] + 1) / 2, levels[depth][codes[group[0]][depth]]
            at, shift = ((middle, 1.0), (0.0, offset)) if across else ((0.0, middle), (-offset, 0.0))
            ax.annotate(
                text, at, xycoords=("data", "axes fraction") if across else ("axes fraction", "data"),
                xytext=shift, textcoords="offset points", fontsize=7.5, ha="center" if across else "right",
                va="bottom" if across else "center",
            )  # fmt: skip
            if group[-1] + 1 < total and total <= TICKED:
                line = ax.axvline if across else ax.axhline
                line(group[-1] + 1, color="white", linewidth=2.5)
        offset += 12 if across else 4.8 * max(map(len, levels[depth])) + 8
    ax.set(xlabel="", ylabel="")
