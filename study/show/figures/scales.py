"""How axes are spaced: losses by their logarithm, accuracies by that of their errors; cut where a few lie far out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon
from matplotlib.scale import FuncScale
from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, NullLocator

from study.stats.estimates import Floats

PERCENT: dict[str, Any] = {"ylim": (-2, 104), "yticks": [0, 25, 50, 75, 100]}
TICKS = np.array([0, 50, 80, 90, 95, 98, 99, 99.5, 99.8, 99.9])  # percent
NAMES = {
    "log": "log scale", "error": "log scale of the error", "cut": "scale is cut", "cut log": "log scale, cut",
    "symlog": "symlog scale", "logit": "logit scale",
}  # fmt: skip
LABEL = 34  # letters in a line of the label of an axis
FAR, APART = 15, 5  # medians of all distances from the median: where a value is far out, and the gap before it
STEP = 0.2  # decades: such a median is the least on a logarithmic axis
WORTH, EMPTY = 0.4, 0.35  # of the whole range: an axis is cut where the rest needs less, and only at gaps so wide
FROM_NOTHING = {True: 5, False: 3}  # medians of all distances from no effect, of factors or not: where one is far out
MOST = 307  # decades that a float has
LINE = 25  # letters beside each other on the rest of an axis
BREAK, BEYOND = 0.05, 0.3  # of the rest's length on a cut axis: the cut, and the most that each of the ends may take


class Parts(NamedTuple):
    """Of values: the ends of what lies together, and what lies far below and above it."""

    near: tuple[float, float]
    below: Floats
    above: Floats

    @property
    def apart(self) -> bool:
        return len(self.below) + len(self.above) > 0


def parts(values: Any, ends: Any = (), log: bool = False) -> Parts:
    """What lies so far from the rest that it would squeeze it, by a measure that up to half of the values do not move.

    ``values``: of all runs. The unit is the median of their distances from the median (Hampel, 1974), without those
    that are 0; it is 0.67 standard deviations of normal values. A value is far where it is ``FAR`` units away and a gap
    of ``APART``, and ``EMPTY`` of the whole, parts it from those nearer. ``ends``: of intervals, which fill gaps, too.
    """
    known, more = (_known(each, log) for each in (values, ends))
    if not len(known):
        return Parts((np.nan, np.nan), known, known)
    shown = np.unique(np.concatenate([known, more]))
    found, every = (np.log10(each) if log else each for each in (known, shown))
    low, high = every[0], every[-1]
    middle = np.median(found)
    away = np.abs(found - middle)
    unit = max(np.median(away[away > 0]) if away.any() else np.inf, STEP if log else 0)
    for side, far in ((-1, every[every < middle][::-1]), (1, every[every > middle])):
        gaps = np.abs(np.diff(far, prepend=middle))
        empty = gaps > max(APART * unit, EMPTY * (every[-1] - every[0]))
        stops = np.flatnonzero(empty & (np.abs(far - middle) > FAR * unit))
        if len(stops):
            edge = far[stops[0] - 1] if stops[0] else middle
            low, high = (edge, high) if side < 0 else (low, edge)
    if not low < high < low + WORTH * (every[-1] - every[0]):
        low, high = every[0], every[-1]
    near = shown[(every >= low) & (every <= high)]
    return Parts((float(near[0]), float(near[-1])), shown[every < low], shown[every > high])


def _known(values: Any, log: bool) -> Floats:
    """Those that can be shown."""
    found: Floats = np.asarray(values, dtype=float).ravel()
    return found[np.isfinite(found) & ((found > 0) | (not log))]


class CutScale(FuncScale):
    """Linear, or logarithmic, in each of up to three parts of an axis: by one scale, as far as the outer ones fit."""

    def __init__(self, axis: Axis, knots: tuple[Floats, Floats], log: bool) -> None:
        self.name = "cut log" if log else "cut"
        data, places = knots

        def forward(values: Any) -> Any:
            known = np.log10(np.maximum(values, 1e-300)) if log else np.asarray(values, dtype=float)
            return np.interp(known, data, places)

        def inverse(at: Any) -> Any:
            found = np.interp(at, places, data)
            return 10**found if log else found

        super().__init__(axis, (forward, inverse))


def cut(axis: Axis, found: Parts) -> None:
    """Cut an axis, linear or logarithmic, between what lies together and what is far; all of it is shown.

    The cut is grey, with a stroke on either side; ticks name the ends of what is beyond. Nothing where nothing is far.
    """
    if not found.apart:
        return
    log = axis.get_scale() == "log"
    read: Any = np.log10 if log else np.asarray
    below, (low, high), above = (read(_known(each, log)) for each in (found.below, found.near, found.above))
    span = high - low
    data, places, cuts = [low, high], [0.0, 1.0], list[tuple[float, float]]()
    for far, edge, outward in ((below, low, -1), (above, high, 1)):
        if len(far):
            last, first = sorted((far.min(), far.max()), reverse=outward > 0)
            gap = abs(first - edge)
            room = max(0.05 * span, 0.08 * abs(last - first), 1e-6 * abs(last))  # a smaller one would be rounded away
            pad, around = min(0.05 * span, gap / 4), min(room, gap / 4)
            inner = [edge + outward * pad, first - outward * around, last + outward * around]
            start, most = (inner[0] - low) / span, BEYOND if len(far) > 1 else 2 * BREAK
            beyond = min(most, abs(inner[2] - inner[1]) / span)
            at = [start, start + outward * BREAK, start + outward * (BREAK + beyond)]
            cuts.append((inner[0], inner[1]))
        else:
            inner, at = [edge + outward * 0.05 * span], [(outward > 0) + outward * 0.05]
        data, places = (data + inner, places + at) if outward > 0 else (inner[::-1] + data, at[::-1] + places)
    shown: Any = (lambda x: float(10 ** min(x, MOST))) if log else float
    limits = shown(data[0]), shown(data[-1])
    # What leaves the axis goes on as far as it is long.
    length, span = places[-1] - places[0], data[-1] - data[0]
    knots = (
        np.array([data[0] - span, *data, data[-1] + span]),
        np.array([places[0] - length, *places, places[-1] + length]),
    )
    ax, across = axis.axes, isinstance(axis, XAxis)
    upside = across or not ax.yaxis_inverted()
    (ax.set_xscale if across else ax.set_yscale)(CutScale(axis, knots, log))
    (ax.set_xlim if across else ax.set_ylim)(*(limits if upside else limits[::-1]))
    axis.set_major_locator(FixedLocator(_ticks(found, log, across)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(lambda value, _: _text(value))
    for start, end in cuts:
        _mark(axis, shown(start), shown(end))


def _text(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _ticks(found: Parts, log: bool, across: bool) -> list[float]:
    """Round numbers in what lies together, and the ends of what is beyond: the outer one where both have no room."""
    low, high = found.near
    wide = log and high > 10 * low
    every = LogLocator(subs=(1, 2, 5) if high < 1000 * low else (1,)) if wide else MaxNLocator(4, steps=[1, 2, 5, 10])
    ticks = [float(tick) for tick in every.tick_values(low, high) if low <= tick <= high]
    for far, outer in ((found.below, 0), (found.above, -1)):
        ends = [float(far[outer])] if len(far) else []
        length = np.ptp(np.log(far) if log else far) / np.ptp(np.log(found.near) if log else found.near) if ends else 0
        letters = max(map(len, map(_text, ends)), default=0) + 1
        if min(length, BEYOND) > (letters / LINE if across else 0.1):
            ends.append(float(far[-1 - outer]))
        ticks += ends
    return ticks


def _mark(axis: Axis, start: float, end: float) -> None:
    """Grey between what is shown on either side, and two strokes across the axis."""
    ax, across = axis.axes, isinstance(axis, XAxis)
    where = ax.get_xaxis_transform() if across else ax.get_yaxis_transform()
    corners = np.array([(start, 0), (end, 0), (end, 1), (start, 1)])
    ax.add_artist(
        Polygon(corners if across else corners[:, ::-1], transform=where, color="0.9", linewidth=0, zorder=0.5)
    )
    line = [(start, end), (0, 0)]
    stroke: Any = [(-0.5, -1), (0.5, 1)] if across else [(-1, -0.5), (1, 0.5)]
    looks: list[dict[str, Any]] = [{"color": "white", "linewidth": 2}, {"color": "0.3", "linewidth": 0}]
    for marker, look in zip((None, stroke), looks, strict=True):
        mark = Line2D(*(line if across else line[::-1]), transform=where, marker=marker, markersize=7, clip_on=False,
                      markeredgewidth=0.8, zorder=6, in_layout=False, **look)  # fmt: skip
        ax.add_line(mark)


def spaced(axis: Axis, values: Any, ends: Any = (), linear: bool = False, factor: float = 30) -> None:
    """Linear; logarithmic where positive values go over more than a factor, but for a few that are far out; cut where
    there are such.
    """
    found = parts(values, ends)
    if not linear and 0 < factor * found.near[0] < found.near[1]:
        (axis.axes.set_xscale if isinstance(axis, XAxis) else axis.axes.set_yscale)("log")
        found = parts(values, ends, log=True)
    cut(axis, found)


def around_nothing(effects: Any, margins: Any, ratio: bool) -> tuple[float, float]:
    """Ends of an axis of effects, such as factors (``ratio``), that shows no effect, every margin, and all effects but
    those so far from it that they would squeeze the others.
    """
    known, wanted = _known(effects, ratio), _known(margins, ratio)
    places, near = (np.log(known), np.log(wanted)) if ratio else (known, wanted)
    margin, away = float(near.max(initial=0)), np.abs(places)
    if away.any():
        places = places[away <= FROM_NOTHING[ratio] * max(float(np.median(away[away > 0])), margin)]
    least, most = min(places.min(initial=0), -1.2 * margin), max(places.max(initial=0), 1.2 * margin)
    span = (most - least) or (np.log(2) if ratio else 1.0)
    least, most = min(least - 0.05 * span, -0.2 * span), max(most + 0.05 * span, 0.2 * span)
    return (float(np.exp(least)), float(np.exp(most))) if ratio else (float(least), float(most))


def few_ticks(axis: Axis, most: int) -> None:
    """About so many ticks; on a logarithmic axis one is 1."""
    low, high = sorted(axis.get_view_interval())
    log = axis.get_scale() == "log"
    axis.set_major_locator(MaxNLocator(min(most, 4), steps=[1, 2, 5, 10]))
    if log:
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(lambda value, _: _text(value))
    if log and high >= 2 * low:
        steps = ((1, 1.5, 2, 3, 5), (1, 2, 5), (1,))
        each = [[s * 10.0**k for k in range(-9, 10) for s in kind if low <= s * 10.0**k <= high] for kind in steps]
        kinds = [sorted({1.0, *found}) for found in each]
        fitting = [ticks for ticks in kinds if len(ticks) <= max(2, min(most, 5))]
        axis.set_major_locator(FixedLocator([*fitting, [low, 1.0, high]][0]))


class ErrorScale(FuncScale):
    """A function of accuracies, known by its name."""

    name = "error"


def loss_scale(ax: Axes, low: float, high: float) -> None:
    """A logarithmic axis, with more ticks where its values span less than a decade and a half."""
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5, 7) if high < 30 * low else (1,)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter("")


def error_scale(ax: Axes, low: float, high: pd.Series) -> None:
    """Accuracies spaced by the logarithm of their errors: 90, 95 and 98 % are as far apart as they matter.

    ``low`` is the lowest that is shown, ``high`` are the highest of each arm or epoch; in percent.
    """
    top, below = 99.95, high[high < 100].max()  # the end: a little above the highest accuracy that is not 100 %
    if np.isfinite(below):
        top = min(top, 100 - (100 - below) / 2)

    def forward(accuracy: Any) -> Any:
        return -np.log10(100 - np.minimum(accuracy, top))

    def inverse(place: Any) -> Any:
        return 100 - 10 ** -np.asarray(place)

    ax.set_yscale(ErrorScale(ax.yaxis, (forward, inverse)))
    ax.set_ylim(max(0.0, min(float(np.nan_to_num(low)), 50)), top)
    ax.set_yticks(TICKS[top > TICKS], labels=[f"{tick:g}" for tick in TICKS[top > TICKS]])
    ax.set_yticks([], minor=True)


def name_scales(figure: Figure) -> None:
    """Say at the labels of axes that are not linear how they are spaced."""
    for axis in (axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)):
        label, scale = axis.get_label_text(), NAMES.get(axis.get_scale())
        if label and scale:
            fits = len(label.rpartition("\n")[2]) + len(scale) + 2 <= LABEL
            axis.set_label_text(f"{label},{' ' if fits else chr(10)}{scale}")
