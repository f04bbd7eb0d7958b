"""Points: a dot for every seed or round, and the estimate of each arm with its interval; speedup against devices."""

from __future__ import annotations

from collections.abc import Sequence
from math import log2
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from study.metrics import METRICS
from study.plan.style import FEW
from study.show.figures.data import Evidence, Look
from study.show.figures.panel import MEAN, MetricPanel, estimate, nothing, scatter, spread
from study.show.figures.scales import spaced
from study.wording import counted, leading

SIDES = {"train": (Look("0.55", "s"), -0.14), "test": (Look("0.1", "o"), 0.14)}  # greys: colours stand for arms
INK, SHADE = "0.25", "0.94"
LETTERS = 34  # that names beside each other have room for
IDEAL: dict[str, Any] = {"color": "0.55", "linewidth": 0.8}
REPORTED: dict[str, Any] = {
    "marker": "o", "markersize": 8, "markerfacecolor": "none", "markeredgecolor": INK, "linestyle": "",
}  # fmt: skip


def opened(evidence: Evidence) -> str:
    """What a caption says of open dots; empty where there are none."""
    return " (open: its training loss did not fall)" * bool((evidence.runs["learned"] == False).any())  # noqa: E712


class Dots(MetricPanel):
    """{Metric}. Every {dot}; diamond and bar: {estimator}, with its 95 % interval."""

    place = 5

    @classmethod
    def suits(cls, evidence: Evidence, metrics: Sequence[str]) -> list[str]:
        return [m for m in metrics if not METRICS[m].per_round and not METRICS[m].target]

    def words(self) -> dict[str, str]:
        here = self.evidence.comparison.here
        dot = f"seed is a dot{opened(self.evidence)}" if here else "run is a dot"
        about = {"dot": dot, "alike": self.evidence.alike(self.metric)}
        return super().words() | about | {"estimator": self.evidence.estimator(self.metric)}

    @property
    def height(self) -> float:
        lines = [self.evidence.named(label).count("\n") for label in self.evidence.labels]
        return max(1.25, 0.34 * (len(lines) + 0.4 * sum(lines)) + 0.75)

    def draw(self, ax: Axes) -> None:
        evidence, metric = self.evidence, self.metric
        dots, estimates = evidence.dots(metric), evidence.estimates(metric)
        if not len(dots):
            nothing(ax, evidence.why_empty(metric))
        for row, (label, look) in enumerate(evidence.looks.items()):
            arm = dots[dots["label"] == label]
            arm = arm.assign(row=row + 0.08 + 0.52 * spread(arm["seed"]))
            scatter(ax, arm, "value", "row", look, rasterized=len(dots) > 2000)
            estimate(ax, estimates.loc[label], row - 0.32, look.color, upright=False)
        ax.set_yticks(range(len(evidence.labels)), labels=[evidence.named(label, metric) for label in evidence.labels])
        ax.set_ylim(len(evidence.labels) - 0.5, -0.5)
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="x", color="0.92")
        ax.set(xlabel=evidence.axis(metric), ylabel="")
        low, high, percent = dots["value"].min(), dots["value"].max(), METRICS[metric].shown == "%"
        if np.isnan(low):
            ax.set_xticks([])
            return
        ax.xaxis.set_major_locator(MaxNLocator(5))
        if np.isclose(low, high, rtol=1e-3):
            ax.set_xlim(min(0.0, 2 * low), 101 if percent and high >= 0 else max(0.0, 2 * high) or 1)
        else:
            spaced(ax.xaxis, dots["value"], estimates, linear=percent)


class Rounds(Dots):
    """{Metric}. Every timing round is a dot; diamond and bar: {estimator}, with its 95 % interval{alike}."""

    @classmethod
    def suits(cls, evidence: Evidence, metrics: Sequence[str]) -> list[str]:
        return [metric for metric in metrics if METRICS[metric].per_round]


class Times(Dots):
    """{Metric}. Every seed that reached the target is a dot; diamond and bar: {estimator}, with its 95 % interval,
    with an arrow where that goes past the budget; right: how many reached it.
    """

    @classmethod
    def suits(cls, evidence: Evidence, metrics: Sequence[str]) -> list[str]:
        return [m for m in metrics if METRICS[m].target] if len(evidence.labels) > FEW else []

    def draw(self, ax: Axes) -> None:
        super().draw(ax)
        known = self.evidence.of(self.metric).dropna(subset="value")
        for label, values in known.groupby("label")["value"]:
            ax.annotate(
                f"{np.isfinite(values).sum()}/{len(values)}", (1, self.evidence.labels.index(str(label))),
                xycoords=("axes fraction", "data"), xytext=(4, 0), textcoords="offset points", va="center",
                fontsize="small",
            )  # fmt: skip


class TrainTest(MetricPanel):
    """{Metric} on the training and on the test rows. Every seed is a dot{opened}; diamond and bar:
    {estimator}, with its 95 % interval.
    """

    place = 3

    @classmethod
    def suits(cls, evidence: Evidence, metrics: Sequence[str]) -> list[str]:
        kinds = [kind for kind in ("accuracy", "loss") if {f"train_{kind}", f"test_{kind}"} <= set(metrics)]
        return [f"test_{kind}" for kind in kinds[:1]] if len(evidence.labels) <= FEW else []

    @property
    def title(self) -> str:
        one, other = (self.evidence.tuned(metric) for metric in sorted(self.covers(), reverse=True))
        return one if one == other else f"training: {one}\ntest: {other}"

    def covers(self) -> set[str]:
        return {self.metric, self.metric.replace("test_", "train_")}

    def words(self) -> dict[str, str]:
        said = super().words() | {"estimator": self.evidence.estimator(self.metric), "opened": opened(self.evidence)}
        return {name: text.replace("test ", "") for name, text in said.items()}

    def draw(self, ax: Axes) -> None:
        evidence, kind = self.evidence, self.metric.partition("_")[2]
        if not len(evidence.dots(f"train_{kind}")) + len(evidence.dots(f"test_{kind}")):
            nothing(ax, evidence.why_empty(self.metric))
        for side, (look, shift) in SIDES.items():
            dots, estimates = evidence.dots(f"{side}_{kind}"), evidence.estimates(f"{side}_{kind}")
            rows = dots["label"].map(evidence.labels.index).astype(float)
            scatter(ax, dots.assign(x=rows + shift + 0.12 * spread(dots["seed"])), "x", "value", look)
            for row, label in enumerate(evidence.labels):
                estimate(ax, estimates.loc[label], row + shift, look.color)
            means = estimates["estimate"].to_numpy()
            ax.plot(np.arange(len(means)) + shift, means, color=look.color, linewidth=1, zorder=4)
            if np.isfinite(means).any():
                last = np.flatnonzero(np.isfinite(means))[-1]
                up = (side == "train") == (kind == "accuracy")  # training is the better side: labels move apart
                ax.annotate(
                    {"train": "training", "test": "test"}[side], (last + 0.14, means[last]),
                    xytext=(8, 5 if up else -5), textcoords="offset points", va="center", color=look.color,
                    in_layout=False,
                )  # fmt: skip
        names = [evidence.named(label, self.metric, 14) for label in evidence.labels]
        ax.set_xticks(range(len(names)), labels=names)
        if len(names) * max(len(line) for name in names for line in name.split("\n")) > LETTERS:
            ax.tick_params(axis="x", labelrotation=30)
        ax.set_xlim(-0.5, 1.28 * len(names) - 0.5)  # room for the two names
        ax.grid(axis="y", color="0.92")
        ax.set(xlabel="", ylabel=evidence.axis(self.metric).replace("test ", ""))
        values = pd.concat([evidence.dots(metric)["value"] for metric in self.covers()])
        spaced(ax.yaxis, values, linear=kind == "accuracy", factor=1000)


class Speedup(MetricPanel):
    """{Metric} over one device. Every timing round is a dot beside the geometric mean with its 95 % interval
    (diamond and bar).{reported} Thin line: ideal.{shaded}{times}
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

    def handles(self) -> Sequence[Artist]:
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
