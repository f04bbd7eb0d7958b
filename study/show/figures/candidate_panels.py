"""What arms were chosen by, against the setting that was searched: a line for each, or a row of cells for many."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import FuncNorm, LogNorm, Normalize

from study.metrics import METRICS
from study.show.figures.candidates import Candidates
from study.show.figures.data import Evidence
from study.show.figures.panels.panel import FEW
from study.show.figures.scales import error_functions, error_scale, error_ticks, loss_scale
from study.show.figures.style import nothing
from study.show.tables.tuning import ALL_DIVERGED, NOT_YET, steps_out, value_text

MARKS = {"diverged": "x", "unreached": "o"}


def draw_lines(ax: Axes, evidence: Evidence, candidates: Candidates) -> None:
    """{Metric} against {setting}. Line: mean over {seeds}{best}; band: from the worst to the best of them; faint dots:
    every one. Large marker with a dark edge: the chosen candidate{arrow}.
    """
    few = len(evidence.labels) <= FEW
    profiles = {label: candidates.profile(label) for label in candidates.chosen}
    for label, line in profiles.items():
        colour, marker = evidence.colour(label), evidence.marker(label)
        if few:
            rows = candidates.best(label)
            ax.scatter(rows["x"], rows["value"], s=7, alpha=0.3, linewidth=0, zorder=1.5, color=colour, marker=marker)
            ax.fill_between(line["x"], line["low"], line["high"], color=colour, alpha=0.13, linewidth=0)
        ax.plot(
            line["x"], line["mean"], linestyle=evidence.dashes(label) if candidates.joined else "", markeredgewidth=0,
            linewidth=1.5 if few else 0.6, markersize=3.6 if few else 0, alpha=1 if few else 0.4, color=colour,
            marker=marker,
        )  # fmt: skip
    _axes(ax, candidates)
    for label, line in profiles.items():
        mark_chosen(ax, evidence, candidates, label, line[line["chosen"]], 8 if few else 4)
    if not any(line["mean"].notna().any() for line in profiles.values()):
        nothing(ax, why_empty(candidates))


def mark_chosen(
    ax: Axes,
    evidence: Evidence,
    candidates: Candidates,
    label: str,
    at: pd.DataFrame,
    size: float,
    fill: str | None = None,
) -> None:
    """The chosen candidate; with an arrow past the edge where the arm is undertuned. ``at``: columns x and mean."""
    chosen = candidates.chosen[label]
    if chosen is None or not at["mean"].notna().all() or not len(at):
        return
    x, y, colour = float(at["x"].iloc[0]), float(at["mean"].iloc[0]), evidence.colour(label)
    ax.plot([x], [y], marker=evidence.marker(label), markersize=size, color=fill or colour, markeredgecolor="0.1",
            markeredgewidth=1.1, zorder=4, clip_on=False, linestyle="")  # fmt: skip
    if chosen.undertuned and candidates.key in steps_out(chosen):
        right = chosen.sides.get(candidates.key) == "high"
        arrow = {"arrowstyle": "<|-", "color": "0.1" if fill else colour, "linewidth": 1.6, "shrinkA": 0, "shrinkB": 4}
        ax.annotate(
            "", (x, y), (20 if right else -20, 0), textcoords="offset points", annotation_clip=False, zorder=5,
            arrowprops=arrow, in_layout=False,
        )  # fmt: skip


def draw_lost(ax: Axes, evidence: Evidence, candidates: Candidates) -> None:
    """Below: candidates with seeds that {lost}; small: others of their seeds did not."""
    labels = losers(candidates)
    for row, label in enumerate(labels):
        for (end, whole), part in candidates.lost(label).groupby(["end", "all"]):
            ax.plot(
                part["x"], [row] * len(part), linestyle="", marker=MARKS[str(end)], markersize=4.2 if whole else 2.6,
                color=evidence.colour(label), markeredgewidth=0.9, markerfacecolor="none", clip_on=False,
            )  # fmt: skip
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ends = {end for label in labels for end in candidates.lost(label)["end"]}
    names = {"diverged": "diverged ×", "unreached": "not reached ○"}
    ax.set_yticks([(len(labels) - 1) / 2], labels=["\n".join(name for end, name in names.items() if end in ends)])
    ax.tick_params(axis="y", length=0, labelsize=7)
    ax.set_facecolor("0.965")
    ax.spines[["left", "bottom"]].set_visible(False)


def losers(candidates: Candidates) -> list[str]:
    """The arms of which a seed diverged or did not reach the target, in their order."""
    return [label for label in candidates.chosen if len(candidates.lost(label))]


def why_empty(candidates: Candidates) -> str:
    if not candidates.chosen:
        return NOT_YET
    return ALL_DIVERGED if candidates.rows["end"].eq("diverged").all() else "no candidate reached the target"


def _axes(ax: Axes, candidates: Candidates) -> None:
    set_x(ax, candidates)
    ax.set(ylabel=axis_of(candidates))
    values = candidates.rows["value"].dropna()
    if not len(values):
        ax.set_yticks([])
        return
    if METRICS[candidates.select].percent:
        error_scale(ax, values.min(), values)
        return
    loss_scale(ax, values.min(), values.max())


def set_x(ax: Axes, candidates: Candidates) -> None:
    """The axis of the setting, with room for an arrow at both ends."""
    if candidates.scale == "values":
        ax.set_xticks(range(len(candidates.names)), labels=[value_text(value) for value in candidates.names])
        ax.set_xlim(-0.5, len(candidates.names) - 0.5)
        return
    x = candidates.rows["x"]
    if candidates.scale == "log":
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_formatter("")
    if len(x):
        ends = np.log10([x.min(), x.max()]) if candidates.scale == "log" else np.array([x.min(), x.max()])
        room = 0.07 * max(float(np.ptp(ends)), 1e-9)
        low, high = ends[0] - room, ends[1] + room
        ax.set_xlim(*((10**low, 10**high) if candidates.scale == "log" else (low, high)))


def axis_of(candidates: Candidates) -> str:
    return f"{METRICS[candidates.select].title}{f' ({candidates.unit})' * bool(candidates.unit)}"


def draw_map(ax: Axes, evidence: Evidence, candidates: Candidates) -> None:
    """{Metric} by {setting}: mean over {seeds}{best}; grey: some diverged or missed the target (a cross: all diverged).
    Marker with a dark edge: the chosen candidate{arrow}.
    """
    profiles = {label: candidates.profile(label) for label in evidence.labels if label in candidates.chosen}
    means = pd.concat([line["mean"] for line in profiles.values()]) if profiles else pd.Series(dtype=float)
    set_x(ax, candidates)
    if not means.notna().any():
        ax.set_yticks([])
        nothing(ax, why_empty(candidates))
        return
    norm, ticks = _norm(candidates, means.dropna())
    colours = colormaps["cividis_r" if METRICS[candidates.select].better == "lower" else "cividis"]
    for row, line in enumerate(profiles.values()):
        cells = colours(norm(line["mean"].to_numpy(dtype=float)))
        cells[line["mean"].isna()] = (0.86, 0.86, 0.86, 1)
        edges = _edges(line["x"].to_numpy(dtype=float), candidates.scale == "log")
        ax.pcolormesh(edges, [row - 0.44, row + 0.44], cells[None], rasterized=len(profiles) > 20)
        gone = line.loc[line["diverged"], "x"]
        ax.plot(gone, [row] * len(gone), linestyle="", marker="x", markersize=4, color="0.35")
        at = line[line["chosen"]].assign(mean=row)
        mark_chosen(ax, evidence, candidates, list(profiles)[row], at, 6, fill="white")
    ax.set_yticks(range(len(profiles)), labels=[evidence.named(label, width=40) for label in profiles])
    ax.set_ylim(len(profiles) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    bar = ax.figure.colorbar(ScalarMappable(norm, colours), ax=ax, pad=0.015, aspect=24, fraction=0.05, ticks=ticks)
    bar.set_label(axis_of(candidates))
    bar.ax.yaxis.set_major_formatter("{x:g}")
    bar.ax.minorticks_off()


def _norm(candidates: Candidates, means: pd.Series) -> tuple[Normalize, np.ndarray | None]:
    """Spaced as the axis of lines is: accuracies by the logarithm of their errors, all else by its own."""
    low, high = float(means.min()), float(means.max())
    if METRICS[candidates.select].percent:
        top, ticks = error_ticks(means)
        low = min(low, 50)
        return FuncNorm(error_functions(top), vmin=low, vmax=top), ticks[ticks >= low]
    return LogNorm(low, high if high > low else low * 1.1), None


def _edges(x: np.ndarray, log: bool) -> np.ndarray:
    """Halfway between neighbours, on the scale of the axis; the outer ones as far beyond the ends. [n] → [n + 1]"""
    at = np.log(x) if log else x
    if len(at) == 1:
        at = np.array([at[0] - 0.5, at[0] + 0.5])
    else:
        middle = (at[1:] + at[:-1]) / 2
        at = np.array([2 * at[0] - middle[0], *middle, 2 * at[-1] - middle[-1]])
    return np.exp(at) if log else at
