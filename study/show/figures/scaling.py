"""Speedup against the number of devices: measured, reported, ideal, and as a model predicts it."""

from __future__ import annotations

from math import isfinite, log2

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import EngFormatter, FixedLocator, NullLocator

from study.show.figures.data import Evidence
from study.show.figures.learning_curves import nothing
from study.show.figures.seeds import scatter, spread
from study.show.formatting import counted, leading
from study.show.scaling import MOST, Model, Scaling
from study.stats.estimates import estimate_of

LEAST = 2**-2.5  # of what the model predicts, to be shown
INK, SHADE = "0.25", "0.94"
IDEAL = {"color": "0.55", "linewidth": 0.8}
PREDICTED = {"color": INK, "linewidth": 1.2, "linestyle": (0, (4, 2))}
REPORTED = {"marker": "o", "markersize": 8, "markerfacecolor": "none", "markeredgecolor": INK, "linestyle": ""}
MEDIAN = {"marker": "D", "markersize": 5.5, "markeredgecolor": "white", "markeredgewidth": 0.8, "linestyle": ""}


def draw(ax: Axes, evidence: Evidence, metric: str) -> None:
    """{Metric} over one device. Every timing round is a dot beside the median with its 95 % interval (diamond and
    bar); both axes are logarithmic.{scaling}
    """
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
    ax.plot([1, MOST], [1, MOST], **IDEAL, zorder=1)  # type: ignore[arg-type]
    if isinstance(scaling.model, Model):
        predicted = scaling.model.speedups()
        ax.plot(predicted.index, predicted, **PREDICTED, zorder=2)  # type: ignore[arg-type]
        seen += list(predicted.clip(lower=LEAST))
    _limits(ax, [*seen, *reported.values()])
    if scaling.cores and scaling.cores < MOST:
        ax.axvspan(scaling.cores + 0.5, MOST * 1.2, color=SHADE, linewidth=0, zorder=0)
    ax.set(xlabel=scaling.named, ylabel=evidence.axis(metric))


def handles(evidence: Evidence) -> list[Line2D | Patch]:
    """What the marks and lines stand for, for a legend."""
    scaling, shown = evidence.scaling, []
    shown.append(Line2D([], [], color=INK, label="measured", **MEDIAN))  # type: ignore[arg-type]
    if _reported(evidence, "speedup"):
        shown.append(Line2D([], [], label="reported", **REPORTED))  # type: ignore[arg-type]
    if scaling and isinstance(scaling.model, Model):
        shown.append(Line2D([], [], label="model", **PREDICTED))  # type: ignore[arg-type]
    shown.append(Line2D([], [], label="ideal", **IDEAL))  # type: ignore[arg-type]
    if scaling and scaling.cores and scaling.cores < MOST:
        return [*shown, Patch(color=SHADE, label=f"more workers than the {counted(scaling.cores, 'core')}")]
    return list(shown)


def told(evidence: Evidence) -> str:
    """What is drawn beside the measured speedups, and what the model assumes, for the caption."""
    scaling = evidence.scaling
    if scaling is None:
        return ""
    parts = []
    if _reported(evidence, "speedup"):
        parts.append(f"Open circles: as reported ({evidence.comparison.source or 'no source given'}).")
    model = scaling.model
    parts += ["Thin line: ideal.", _assumed(model, scaling) if isinstance(model, Model) else f"No model: {model}."]
    if scaling.cores:
        parts.append(f"Shaded: more CPU workers than the {counted(scaling.cores, 'core')} that they share.")
    return "".join(f" {part}" for part in parts)


def _assumed(model: Model, scaling: Scaling) -> str:
    """The model in words, with its numbers."""
    core = ", with a core of its own," if scaling.named == "CPU workers" else ""
    rate = f" and bandwidth ({_short(model.bandwidth, 'B/s')})" if isfinite(model.bandwidth) else ""
    free = "" if rate else " (where its size made no difference)"
    return (
        f"Dashed: a model, not fitted to the speedups. It takes each device{core} to be as fast as the one measured; "
        f"the {_short(model.fixed, 's')} of a step that do not depend on its rows do not shrink, the other "
        f"{_short(model.step - model.fixed, 's')} are split evenly, and then the gradient ({_short(model.size, 'B')}) "
        f"is summed by a ring all-reduce (Patarasuk and Yuan, 2009) at the latency "
        f"({_short(model.latency, 's')} a message){rate} measured between {model.between} {scaling.named}{free}, with "
        "no overlap of the two."
        + f" The line ends at {model.rows}, where each has one row of the batch."
        * (model.rows < MOST)
    )


def _short(value: float, unit: str) -> str:
    """Two digits and a prefix: ``1.4 ms``."""
    return EngFormatter(unit=unit)(float(f"{value:.2g}"))


def _reported(evidence: Evidence, metric: str) -> dict[int, float]:
    """Figures printed elsewhere, by number of devices."""
    devices = evidence.scaling.devices if evidence.scaling else {}
    figures = {n: leading(evidence.comparison.reported.get(label, {}).get(metric)) for label, n in devices.items()}
    return {n: value for n, value in figures.items() if value is not None and value > 0}


def _limits(ax: Axes, speedups: list[float]) -> None:
    """Powers of two; the ideal line may leave at the top, and a model that predicts next to nothing at the bottom."""
    finite = [value for value in speedups if np.isfinite(value)]
    low, high = min(finite), max(*finite, 4.0)
    ax.set_xscale("log", base=2)
    ax.set_yscale("log", base=2)
    ax.set_xlim(0.8, MOST * 1.2)
    ax.set_ylim(min(0.7, 0.85 * low), 1.2 * high)
    powers = [2.0**k for k in range(int(log2(low)) - 1, int(log2(high)) + 2)]
    for axis, ticks in ((ax.xaxis, [2.0**k for k in range(7)]), (ax.yaxis, powers)):
        axis.set_major_locator(FixedLocator(ticks))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter("{x:g}")
    ax.grid(axis="y", color="0.92")
