"""Dots with intervals: every seed, and the mean of each arm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from study.metrics import METRICS
from study.show.figures.data import Evidence
from study.show.figures.panels.panel import FEW, Panel
from study.show.figures.style import nothing, scatter, spread
from study.stats.estimates import estimate_of

HEIGHT = 0.26  # of the band that an arm's dots fill, in rows


class Dots(Panel):
    """{Metric}. Every seed is a dot (open: a run that did not learn), at the same height in each arm; diamond
    and bar: mean with its 95 % t interval.
    """

    place, least = 5, 1.25

    def suits(self, evidence: Evidence, metrics: Sequence[str]) -> list[str]:
        return [m for m in metrics if not METRICS[m].per_round and not METRICS[m].target]

    def draw(self, ax: Axes, evidence: Evidence, metric: str) -> None:
        points = [place(evidence, metric, label, row) for row, label in enumerate(evidence.labels)]
        frame = pd.concat(points, ignore_index=True)
        if not len(frame):
            nothing(ax, evidence.why_empty(metric))
        many = len(frame) > 2000
        for label, arm in zip(evidence.labels, points, strict=True):
            scatter(ax, arm, "value", "row", evidence.colour(label), evidence.marker(label), rasterized=many)
        for row, label in enumerate(evidence.labels):
            mean(ax, evidence, metric, label, row)
        ax.set_yticks(range(len(evidence.labels)), labels=[evidence.named(label, metric) for label in evidence.labels])
        ax.set_ylim(len(evidence.labels) - 0.5, -0.5)
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="x", color="0.92")
        ax.set(xlabel=evidence.axis(metric), ylabel="")
        room(ax, frame["value"], METRICS[metric].shown)
        for row, label in enumerate(evidence.labels):
            beyond(ax, evidence, metric, label, row)


class Rounds(Dots):
    """{Metric}. Every timing round is a dot; diamond and bar: median with its 95 % interval (no bar where all
    rounds agree).
    """

    def suits(self, evidence: Evidence, metrics: Sequence[str]) -> list[str]:
        return [metric for metric in metrics if METRICS[metric].per_round]


class Times(Dots):
    """{Metric}. Every seed that reached the target is a dot; diamond and bar: median with its 95 % interval, with an
    arrow where that goes past the budget; right: how many reached it.
    """

    def suits(self, evidence: Evidence, metrics: Sequence[str]) -> list[str]:
        return [m for m in metrics if METRICS[m].target] if len(evidence.labels) > FEW else []

    def draw(self, ax: Axes, evidence: Evidence, metric: str) -> None:
        super().draw(ax, evidence, metric)
        for row, label in enumerate(evidence.labels):
            values = evidence.values(metric, label)["value"]
            if len(values):
                text = f"{np.isfinite(values).sum()}/{len(values)}"
                ax.annotate(
                    text, (1, row), xycoords=("axes fraction", "data"), xytext=(4, 0), textcoords="offset points",
                    va="center", fontsize="small",
                )  # fmt: skip


def place(evidence: Evidence, metric: str, label: str, row: int) -> pd.DataFrame:
    """The values of an arm, spread over the height of its row by seed."""
    values = evidence.values(metric, label)
    values = values.loc[np.isfinite(values["value"].to_numpy())]
    return pd.DataFrame(values.assign(label=label, row=row + 2 * HEIGHT * spread(values["seed"]) + 0.08))


def mean(ax: Axes, evidence: Evidence, metric: str, label: str, row: float) -> None:
    """The estimate and the interval that the table shows, above the dots."""
    estimate, low, high, _ = estimate_of(metric, evidence.observed.values(metric, label))
    if estimate is None:
        return
    y = row - 0.32
    if low is not None and high is not None and np.isfinite([low, high]).all():
        ax.plot([low, high], [y, y], color=evidence.colour(label), linewidth=2, solid_capstyle="butt")
    ax.plot(
        [estimate], [y], marker="D", markersize=5.5, color=evidence.colour(label), markeredgecolor="white",
        markeredgewidth=0.8,
    )  # fmt: skip


def beyond(ax: Axes, evidence: Evidence, metric: str, label: str, row: float) -> None:
    """An interval that ends past the budget: a bar to the edge of the axis, with an arrow. Limits are final before."""
    estimate, low, high, _ = estimate_of(metric, evidence.observed.values(metric, label))
    if estimate is None or low is None or high is None or np.isfinite(high):
        return
    left, right = ax.get_xlim()
    ax.set_xlim(left, right)
    y, colour = row - 0.32, evidence.colour(label)
    ax.plot([low, right], [y, y], color=colour, linewidth=2, solid_capstyle="butt", zorder=1.9)
    ax.plot([right], [y], marker=">", markersize=6, color=colour, markeredgewidth=0, clip_on=False)


def room(ax: Axes, values: pd.Series, unit: str) -> None:
    """Limits and ticks: positive values over more than a factor of 30 get a logarithmic axis."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        ax.set_xticks([])
        return
    low, high = float(finite.min()), float(finite.max())
    if unit != "%" and low > 0 and high / low > 30:
        ax.set_xscale("log")
        return
    if np.isclose(low, high, rtol=1e-3):
        ax.set_xlim(min(0.0, 2 * low), 101 if unit == "%" and high >= 0 else max(0.0, 2 * high) or 1)
    ax.xaxis.set_major_locator(MaxNLocator(5))
