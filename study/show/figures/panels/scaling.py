"""Speedup against the number of devices: measured, reported, and perfect."""

from __future__ import annotations

from collections.abc import Sequence
from math import log2
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, NullLocator

from study.show.figures.data import Evidence
from study.show.figures.panel import MetricPanel
from study.show.figures.style import MEAN, estimate, nothing, scatter, spread
from study.show.formatting import leading
from study.wording import counted

INK, SHADE = "0.25", "0.94"
IDEAL: dict[str, Any] = {"color": "0.55", "linewidth": 0.8}
REPORTED: dict[str, Any] = {
    "marker": "o", "markersize": 8, "markerfacecolor": "none", "markeredgecolor": INK, "linestyle": "",
}  # fmt: skip


class Speedup(MetricPanel):
    """{Metric} over one device. Every timing round is a dot beside the median with its 95 % interval (diamond and
    bar); both axes are logarithmic.{reported} Thin line: ideal.{shaded}{times}
    """

    place = 2
    height = 3.2

    def __init__(self, evidence: Evidence, metric: str) -> None:
        super().__init__(evidence, metric)
        assert evidence.scaling
        self.scaling, figures = evidence.scaling, evidence.comparison.reported
        printed = {n: leading(figures.get(label, {}).get(metric)) for label, n in self.scaling.devices.items()}
        self.reported = {n: value for n, value in printed.items() if value and value > 0}
        most, cores = max(self.scaling.devices.values()), self.scaling.cores
        self.shared = cores if cores and cores < most else None  # the cores, where an arm has more workers than these

    @classmethod
    def suits(cls, evidence: Evidence, metrics: Sequence[str]) -> list[str]:
        return ["speedup"] if evidence.scaling and "speedup" in metrics else []

    def covers(self) -> set[str]:
        # Training time is so many times the time of a step.
        return {self.metric, *["train_seconds"] * ("step_seconds" in self.evidence.comparison.metrics)}

    def words(self) -> dict[str, str]:
        source, cores = self.evidence.comparison.source or "no source given", self.shared
        both = "train_seconds" in self.covers() & {*self.evidence.comparison.metrics}
        return super().words() | {
            "reported": f" Open circles: as reported ({source})." * bool(self.reported),
            "shaded": f" Shaded: more CPU workers than the {counted(cores, 'core')} that they share." if cores else "",
            "times": " Training time is the time of a step, times the steps of the budget." * both,
        }

    def handles(self) -> list[Artist]:
        marks: list[Artist] = [Line2D([], [], color=INK, label="measured", **MEAN)]
        marks += [Line2D([], [], label="reported", **REPORTED)] * bool(self.reported)
        marks.append(Line2D([], [], label="ideal", **IDEAL))
        if self.shared:
            marks.append(Patch(color=SHADE, label=f"more workers than the {counted(self.shared, 'core')}"))
        return marks

    def draw(self, ax: Axes) -> None:
        dots, estimates = self.evidence.dots(self.metric), self.evidence.estimates(self.metric)
        if not len(dots):
            nothing(ax, self.evidence.why_empty(self.metric))
        for label, devices in self.scaling.devices.items():
            look, rounds = self.evidence.looks[label], dots[dots["label"] == label]
            if devices > 1 and len(rounds):
                beside = rounds.assign(x=devices * 2 ** (0.26 + 0.16 * spread(rounds["seed"])))
                scatter(ax, beside, "x", "value", look)
            estimate(ax, estimates.loc[label], devices, look.color)
        ax.plot(list(self.reported), list(self.reported.values()), **REPORTED, zorder=3)
        right = 2**0.6 * max(self.scaling.devices.values())  # room for the dots beside
        ax.plot([1, right], [1, right], **IDEAL, zorder=1)
        if self.shared:
            ax.axvspan(self.shared + 0.5, right, color=SHADE, linewidth=0, zorder=0)
        speedups = [1.0, *dots["value"], *self.reported.values()]
        low, high = min(speedups), max(*speedups, 4.0)
        ax.set_xscale("log", base=2)
        ax.set_yscale("log", base=2)
        ax.set_xlim(0.8, right)
        ax.set_ylim(min(0.7, 0.85 * low), 1.2 * high)  # the ideal line may leave at the top
        for axis, first, last in ((ax.xaxis, 1.0, right), (ax.yaxis, low / 2, 2 * high)):
            axis.set_major_locator(FixedLocator([2.0**k for k in range(int(log2(first)), int(log2(last)) + 1)]))
            axis.set_minor_locator(NullLocator())
            axis.set_major_formatter("{x:g}")
        ax.grid(axis="y", color="0.92")
        ax.set(xlabel=self.scaling.named, ylabel=self.evidence.axis(self.metric))
