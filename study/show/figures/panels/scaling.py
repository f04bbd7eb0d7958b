"""Speedup against the number of devices: measured, reported, and perfect."""

from __future__ import annotations

from collections.abc import Sequence
from math import log2

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, NullLocator

from study.show.figures.data import Evidence
from study.show.figures.panels.panel import Panel
from study.show.figures.style import nothing, scatter, spread
from study.show.formatting import leading
from study.stats.estimates import estimate_of
from study.wording import counted

INK, SHADE = "0.25", "0.94"
IDEAL = {"color": "0.55", "linewidth": 0.8}
REPORTED = {"marker": "o", "markersize": 8, "markerfacecolor": "none", "markeredgecolor": INK, "linestyle": ""}
MEDIAN = {"marker": "D", "markersize": 5.5, "markeredgecolor": "white", "markeredgewidth": 0.8, "linestyle": ""}


class Speedup(Panel):
    """{Metric} over one device. Every timing round is a dot beside the median with its 95 % interval (diamond and
    bar); both axes are logarithmic.{reported} Thin line: ideal.{shaded}
    """

    place, least = 2, 3.2

    def suits(self, evidence: Evidence, metrics: Sequence[str]) -> list[str]:
        return ["speedup"] if evidence.scaling and "speedup" in metrics else []

    def covers(self, evidence: Evidence, metric: str) -> set[str]:
        # Training time is so many times the time of a step.
        return {metric, "train_seconds"} if "step_seconds" in evidence.comparison.metrics else {metric}

    def words(self, evidence: Evidence, metric: str) -> dict[str, str]:
        source = evidence.comparison.source or "no source given"
        cores = _shared(evidence)
        both = "train_seconds" in self.covers(evidence, metric) & {*evidence.comparison.metrics}
        shaded = f" Shaded: more CPU workers than the {counted(cores, 'core')} that they share." if cores else ""
        times = " Training time is the time of a step, times the steps of the budget." * both
        reported = f" Open circles: as reported ({source})." if _reported(evidence, metric) else ""
        return {"reported": reported, "shaded": shaded + times}

    def handles(self, evidence: Evidence) -> list[Artist]:
        marks: list[Artist] = [Line2D([], [], color=INK, label="measured", **MEDIAN)]  # type: ignore[arg-type]
        if _reported(evidence, "speedup"):
            marks.append(Line2D([], [], label="reported", **REPORTED))  # type: ignore[arg-type]
        marks.append(Line2D([], [], label="ideal", **IDEAL))  # type: ignore[arg-type]
        if cores := _shared(evidence):
            marks.append(Patch(color=SHADE, label=f"more workers than the {counted(cores, 'core')}"))
        return marks

    def draw(self, ax: Axes, evidence: Evidence, metric: str) -> None:
        scaling = evidence.scaling
        if scaling is None:
            raise ValueError(f"{evidence.comparison.name} does not compare numbers of devices")
        seen = [1.0]
        for label, devices in scaling.devices.items():
            values = evidence.values(metric, label)
            if devices > 1 and len(values):
                beside = values.assign(x=devices * 2 ** (0.26 + 0.16 * spread(values["seed"])))
                scatter(ax, beside, "x", "value", evidence.colour(label), evidence.marker(label))
            estimate, low, high, _ = estimate_of(metric, values["value"].to_numpy(dtype=float))
            if low is not None and high is not None:
                ax.plot([devices] * 2, [low, high], color=evidence.colour(label), linewidth=2, zorder=4)
            if estimate is not None:
                ax.plot([devices], [estimate], **{**MEDIAN, "color": evidence.colour(label)}, zorder=5)  # type: ignore[arg-type]
            seen += list(values["value"])
        if len(seen) == 1:
            nothing(ax, evidence.why_empty(metric))
        reported = _reported(evidence, metric)
        ax.plot(list(reported), list(reported.values()), **REPORTED, zorder=3)  # type: ignore[arg-type]
        right = 2**0.6 * max(scaling.devices.values())  # room for the dots beside
        ax.plot([1, right], [1, right], **IDEAL, zorder=1)  # type: ignore[arg-type]
        _limits(ax, right, [*seen, *reported.values()])
        if cores := _shared(evidence):
            ax.axvspan(cores + 0.5, right, color=SHADE, linewidth=0, zorder=0)
        ax.set(xlabel=scaling.named, ylabel=evidence.axis(metric))


def _reported(evidence: Evidence, metric: str) -> dict[int, float]:
    """Figures printed elsewhere, by number of devices."""
    devices = evidence.scaling.devices if evidence.scaling else {}
    figures = {n: leading(evidence.comparison.reported.get(label, {}).get(metric)) for label, n in devices.items()}
    return {n: value for n, value in figures.items() if value is not None and value > 0}


def _shared(evidence: Evidence) -> int | None:
    """The cores that CPU workers share, where an arm has more workers than these."""
    scaling = evidence.scaling
    more = scaling and scaling.cores and scaling.cores < max(scaling.devices.values())
    return scaling.cores if scaling and more else None


def _limits(ax: Axes, right: float, speedups: list[float]) -> None:
    """Powers of two; the ideal line may leave at the top."""
    finite = [value for value in speedups if np.isfinite(value)]
    low, high = min(finite), max(*finite, 4.0)
    ax.set_xscale("log", base=2)
    ax.set_yscale("log", base=2)
    ax.set_xlim(0.8, right)
    ax.set_ylim(min(0.7, 0.85 * low), 1.2 * high)
    powers = [2.0**k for k in range(int(log2(low)) - 1, int(log2(high)) + 2)]
    for axis, ticks in ((ax.xaxis, [2.0**k for k in range(int(log2(right)) + 1)]), (ax.yaxis, powers)):
        axis.set_major_locator(FixedLocator(ticks))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter("{x:g}")
    ax.grid(axis="y", color="0.92")
