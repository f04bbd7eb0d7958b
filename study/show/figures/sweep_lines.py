"""What each arm was chosen by, against the setting that was searched: who is robust to a wrong one."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator

from study.metrics import METRICS
from study.show.figures.data import Evidence
from study.show.figures.learning_curves import error_scale, nothing
from study.show.figures.panels import FEW
from study.show.figures.sweeps import Sweep
from study.show.tables.tuning import ALL_DIVERGED, NOT_YET, steps_out, value_text

MARKS = {"diverged": "x", "unreached": "o"}


def draw(ax: Axes, evidence: Evidence, sweep: Sweep) -> None:
    """{Metric} against {setting}. Line: mean over {seeds}{best}; band: from the worst to the best of them; faint dots:
    every one. Large marker with a dark edge: the chosen candidate{arrow}.
    """
    few = len(evidence.labels) <= FEW
    profiles = {label: sweep.profile(label) for label in sweep.chosen}
    for label, line in profiles.items():
        colour, marker = evidence.colour(label), evidence.marker(label)
        if few:
            rows = sweep.best(label)
            ax.scatter(rows["x"], rows["value"], s=7, alpha=0.3, linewidth=0, zorder=1.5, color=colour, marker=marker)
            ax.fill_between(line["x"], line["low"], line["high"], color=colour, alpha=0.13, linewidth=0)
        ax.plot(
            line["x"], line["mean"], linestyle=evidence.dashes(label) if sweep.joined else "", markeredgewidth=0,
            linewidth=1.5 if few else 0.6, markersize=3.6 if few else 0, alpha=1 if few else 0.4, color=colour,
            marker=marker,
        )  # fmt: skip
    _axes(ax, sweep)
    for label, line in profiles.items():
        mark_chosen(ax, evidence, sweep, label, line[line["chosen"]], 8 if few else 4)
    if not any(line["mean"].notna().any() for line in profiles.values()):
        nothing(ax, why_empty(sweep))


def mark_chosen(
    ax: Axes, evidence: Evidence, sweep: Sweep, label: str, at: pd.DataFrame, size: float, fill: str | None = None
) -> None:
    """The chosen candidate; with an arrow past the edge where the arm is undertuned. ``at``: columns x and mean."""
    chosen = sweep.chosen[label]
    if chosen is None or not at["mean"].notna().all() or not len(at):
        return
    x, y, colour = float(at["x"].iloc[0]), float(at["mean"].iloc[0]), evidence.colour(label)
    ax.plot([x], [y], marker=evidence.marker(label), markersize=size, color=fill or colour, markeredgecolor="0.1",
            markeredgewidth=1.1, zorder=4, clip_on=False, linestyle="")  # fmt: skip
    if chosen.undertuned and sweep.key in steps_out(chosen):
        right = chosen.sides.get(sweep.key) == "high"
        arrow = {"arrowstyle": "<|-", "color": "0.1" if fill else colour, "linewidth": 1.6, "shrinkA": 0, "shrinkB": 4}
        ax.annotate(
            "", (x, y), (20 if right else -20, 0), textcoords="offset points", annotation_clip=False, zorder=5,
            arrowprops=arrow, in_layout=False,
        )  # fmt: skip


def lost(ax: Axes, evidence: Evidence, sweep: Sweep) -> None:
    """Below: candidates with seeds that {lost}; small: others of their seeds did not."""
    labels = losers(sweep)
    for row, label in enumerate(labels):
        for (end, whole), part in sweep.lost(label).groupby(["end", "all"]):
            ax.plot(
                part["x"], [row] * len(part), linestyle="", marker=MARKS[str(end)], markersize=4.2 if whole else 2.6,
                color=evidence.colour(label), markeredgewidth=0.9, markerfacecolor="none", clip_on=False,
            )  # fmt: skip
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ends = {end for label in labels for end in sweep.lost(label)["end"]}
    names = {"diverged": "diverged ×", "unreached": "not reached ○"}
    ax.set_yticks([(len(labels) - 1) / 2], labels=["\n".join(name for end, name in names.items() if end in ends)])
    ax.tick_params(axis="y", length=0, labelsize=7)
    ax.set_facecolor("0.965")
    ax.spines[["left", "bottom"]].set_visible(False)


def losers(sweep: Sweep) -> list[str]:
    """The arms of which a seed diverged or did not reach the target, in their order."""
    return [label for label in sweep.chosen if len(sweep.lost(label))]


def why_empty(sweep: Sweep) -> str:
    if not sweep.chosen:
        return NOT_YET
    return ALL_DIVERGED if sweep.rows["end"].eq("diverged").all() else "no candidate reached the target"


def _axes(ax: Axes, sweep: Sweep) -> None:
    set_x(ax, sweep)
    ax.set(ylabel=axis_of(sweep))
    values = sweep.rows["value"].dropna()
    if not len(values):
        ax.set_yticks([])
        return
    if METRICS[sweep.select].percent:
        error_scale(ax, values.min(), values)
        return
    ax.set_yscale("log")
    close = values.max() < 30 * values.min()
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5, 7) if close else (1,)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter("")


def set_x(ax: Axes, sweep: Sweep) -> None:
    """The axis of the setting, with room for an arrow at both ends."""
    if sweep.scale == "values":
        ax.set_xticks(range(len(sweep.names)), labels=[value_text(value) for value in sweep.names])
        ax.set_xlim(-0.5, len(sweep.names) - 0.5)
        return
    x = sweep.rows["x"]
    if sweep.scale == "log":
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_formatter("")
    if len(x):
        ends = np.log10([x.min(), x.max()]) if sweep.scale == "log" else np.array([x.min(), x.max()])
        room = 0.07 * max(float(np.ptp(ends)), 1e-9)
        low, high = ends[0] - room, ends[1] + room
        ax.set_xlim(*((10**low, 10**high) if sweep.scale == "log" else (low, high)))


def axis_of(sweep: Sweep) -> str:
    return f"{METRICS[sweep.select].title}{f' ({sweep.unit})' * bool(sweep.unit)}"
