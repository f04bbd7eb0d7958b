"""What each of many arms was chosen by, against the setting that was searched: a row of cells for each."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import FuncNorm, LogNorm, Normalize

from study.metrics import METRICS
from study.show.figures.data import Evidence
from study.show.figures.learning_curves import error_functions, error_ticks, nothing
from study.show.figures.sweep_lines import axis_of, mark_chosen, set_x, why_empty
from study.show.figures.sweeps import Sweep


def draw(ax: Axes, evidence: Evidence, sweep: Sweep) -> None:
    """{Metric} by {setting}: mean over {seeds}{best}; grey: some diverged or missed the target (a cross: all diverged).
    Marker with a dark edge: the chosen candidate{arrow}.
    """
    profiles = {label: sweep.profile(label) for label in evidence.labels if label in sweep.chosen}
    means = pd.concat([line["mean"] for line in profiles.values()]) if profiles else pd.Series(dtype=float)
    set_x(ax, sweep)
    if not means.notna().any():
        ax.set_yticks([])
        nothing(ax, why_empty(sweep))
        return
    norm, ticks = _norm(sweep, means.dropna())
    colours = colormaps["cividis_r" if METRICS[sweep.select].better == "lower" else "cividis"]
    for row, line in enumerate(profiles.values()):
        cells = colours(norm(line["mean"].to_numpy(dtype=float)))
        cells[line["mean"].isna()] = (0.86, 0.86, 0.86, 1)
        edges = _edges(line["x"].to_numpy(dtype=float), sweep.scale == "log")
        ax.pcolormesh(edges, [row - 0.44, row + 0.44], cells[None], rasterized=len(profiles) > 20)
        gone = line.loc[line["diverged"], "x"]
        ax.plot(gone, [row] * len(gone), linestyle="", marker="x", markersize=4, color="0.35")
        at = line[line["chosen"]].assign(mean=row)
        mark_chosen(ax, evidence, sweep, list(profiles)[row], at, 6, fill="white")
    ax.set_yticks(range(len(profiles)), labels=[evidence.named(label, width=40) for label in profiles])
    ax.set_ylim(len(profiles) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    bar = ax.figure.colorbar(ScalarMappable(norm, colours), ax=ax, pad=0.015, aspect=24, fraction=0.05, ticks=ticks)
    bar.set_label(axis_of(sweep))
    bar.ax.yaxis.set_major_formatter("{x:g}")
    bar.ax.minorticks_off()


def _norm(sweep: Sweep, means: pd.Series) -> tuple[Normalize, np.ndarray | None]:
    """Spaced as the axis of lines is: accuracies by the logarithm of their errors, all else by its own."""
    low, high = float(means.min()), float(means.max())
    if METRICS[sweep.select].percent:
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
