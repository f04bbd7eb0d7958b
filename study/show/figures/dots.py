"""Dots with intervals: every seed, and the mean of each arm."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from study.plan.metrics import METRICS
from study.show.figures.evidence import Evidence
from study.show.figures.learning_curves import nothing
from study.show.observe import PER_ROUND
from study.show.summary import estimate_of

HEIGHT = 0.26  # of the band that an arm's dots fill, in rows


def draw(ax: Axes, evidence: Evidence, metric: str) -> None:
    """{Metric}. Every seed is a dot (open: a run that did not learn), at the same height in each arm; diamond
    and bar: mean with its 95 % t interval.
    """
    points = [place(evidence, metric, label, row) for row, label in enumerate(evidence.labels)]
    frame = pd.concat(points, ignore_index=True)
    if not len(frame):
        reason = "no run reached the target" if evidence.runs[metric].notna().any() else "no run finished"
        nothing(ax, "not timed yet" if METRICS[metric].timed and not evidence.device else reason)
    many = len(frame) > 2000
    for label, arm in zip(evidence.labels, points, strict=True):
        for learned, part in arm.groupby("learned"):
            sns.scatterplot(
                part, x="value", y="row", ax=ax, legend=False, marker=evidence.marker(label), s=13, linewidth=0.6,
                facecolor=evidence.colour(label) if learned else "none", edgecolor=evidence.colour(label),
                alpha=0.55 if learned else 1, rasterized=many,
            )  # fmt: skip
    for row, label in enumerate(evidence.labels):
        mean(ax, evidence, metric, label, row)
    ax.set_yticks(range(len(evidence.labels)), labels=[evidence.named(label) for label in evidence.labels])
    ax.set_ylim(len(evidence.labels) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color="0.92")
    ax.set(xlabel=evidence.axis(metric), ylabel="")
    room(ax, frame["value"], METRICS[metric].unit)


def draw_rounds(ax: Axes, evidence: Evidence, metric: str) -> None:
    """{Metric}. Every timing round is a dot; diamond and bar: median with its 95 % interval (no bar where all
    rounds agree).
    """
    draw(ax, evidence, metric)


def draw_times(ax: Axes, evidence: Evidence, metric: str) -> None:
    """{Metric}. Every seed that reached the target is a dot; diamond and bar: median with its 95 % interval; right:
    how many reached it.
    """
    draw(ax, evidence, metric)
    for row, label in enumerate(evidence.labels):
        values = evidence.values(metric, label)["value"]
        if len(values):
            text = f"{np.isfinite(values).sum()}/{len(values)}"
            ax.annotate(
                text, (1, row), xycoords=("axes fraction", "data"), xytext=(4, 0), textcoords="offset points",
                va="center", fontsize="small",
            )  # fmt: skip


def suited(metric: str) -> Callable[[Axes, Evidence, str], None]:
    """The kind of dots for ``metric``."""
    return draw_rounds if metric in PER_ROUND else draw_times if METRICS[metric].target else draw


def place(evidence: Evidence, metric: str, label: str, row: int) -> pd.DataFrame:
    """The values of an arm, spread over the height of its row by seed."""
    values = evidence.values(metric, label)
    values = values.loc[np.isfinite(values["value"].to_numpy())]
    # Multiples of the golden ratio: neighbouring seeds lie apart, and nothing is random.
    spread = (values["seed"] * 0.618034 + 0.5) % 1 - 0.5
    return pd.DataFrame(values.assign(label=label, row=row + 2 * HEIGHT * spread + 0.08))


def mean(ax: Axes, evidence: Evidence, metric: str, label: str, row: float) -> None:
    """The estimate and the interval that the table shows, above the dots."""
    estimate, low, high, _ = estimate_of(metric, evidence.values(metric, label)["value"].to_numpy(dtype=float))
    if estimate is None:
        return
    y = row - 0.32
    if low is not None and high is not None and np.isfinite([low, high]).all():
        ax.plot([low, high], [y, y], color=evidence.colour(label), linewidth=2, solid_capstyle="butt")
    ax.plot(
        [estimate], [y], marker="D", markersize=5.5, color=evidence.colour(label), markeredgecolor="white",
        markeredgewidth=0.8,
    )  # fmt: skip


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
