"""What all figures share: their style, dots, legends, and how they are written."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from inspect import cleandoc
from pathlib import Path
from typing import Any, Literal

import matplotlib

matplotlib.use("Agg")
import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from study.show.figures.data import COLOURS, DASHES, MARKERS, Evidence

WIDTH = 7.2  # inches: a page's text
LETTERS = "abcdefghijklmnopqrstuvwxyz"
GREY = "0.78"
STYLE: dict[Any, Any] = {
    "font.size": 8.5, "axes.labelsize": 8.5, "xtick.labelsize": 8, "ytick.labelsize": 8, "legend.fontsize": 8.5,
    "axes.edgecolor": "0.3", "axes.linewidth": 0.7, "xtick.color": "0.15", "ytick.color": "0.15",
    "xtick.major.width": 0.7, "ytick.major.width": 0.7, "xtick.major.size": 3, "ytick.major.size": 3,
    "axes.axisbelow": True, "axes.spines.top": False, "axes.spines.right": False,
    "font.family": ["sans-serif"], "font.sans-serif": ["DejaVu Sans"],
    "svg.fonttype": "none", "svg.hashsalt": "evenhand", "pdf.fonttype": 42, "savefig.dpi": 200,
}  # fmt: skip


@contextmanager
def page() -> Iterator[Figure]:
    """An empty figure in the style of all figures, to be filled within the block."""
    with sns.axes_style("ticks", STYLE), matplotlib.rc_context(STYLE):
        yield Figure(layout="constrained")


def letter(ax: Axes, i: int, panels: int) -> None:
    """Letter a panel, where there are several."""
    if panels > 1:
        ax.set_title(LETTERS[i % 26], loc="left", weight="bold", fontsize=9, x=-0.02)


def note(ax: Axes, text: str) -> None:
    """What stands behind the figure, above its first panel: n."""
    ax.set_title(text, loc="right", fontsize=8, color="0.25")


def sentence(kind: object, **words: str) -> str:
    """The docstring of a kind of panel as its caption, with ``words`` for those in braces."""
    return " ".join(cleandoc(kind.__doc__ or "").split()).format(**words)


def nothing(ax: Axes, reason: str) -> None:
    """Say on the panel why it is empty."""
    ax.text(0.5, 0.5, reason, transform=ax.transAxes, ha="center", va="center", color="0.35", style="italic")


def spread(seeds: pd.Series) -> pd.Series:
    """A place in [-0.5, 0.5) for each seed: neighbours lie apart, and nothing is random."""
    return (seeds * 0.618034 + 0.5) % 1 - 0.5  # multiples of the golden ratio


def scatter(ax: Axes, runs: pd.DataFrame, x: str, y: str, colour: str, marker: str, rasterized: bool = False) -> None:
    """A dot for each of ``runs``; those that did not learn are open."""
    for learned, part in runs.groupby("learned"):
        sns.scatterplot(
            part, x=x, y=y, ax=ax, legend=False, marker=marker, s=13, linewidth=0.6, edgecolor=colour,
            facecolor=colour if learned else "none", alpha=0.55 if learned else 1, rasterized=rasterized,
        )  # fmt: skip


class Palette:
    """How arms look that are named without their datasets.

    ``arms``: all of them, in their order; ``coloured``: those of them that are not grey.
    """

    def __init__(self, arms: Sequence[str], coloured: Sequence[str]) -> None:
        self.arms, self.coloured = tuple(arms), tuple(coloured)

    def colour(self, arm: str) -> str:
        return COLOURS[self.coloured.index(arm)] if arm in self.coloured else GREY

    def marker(self, arm: str) -> str:
        return MARKERS[self.coloured.index(arm)] if arm in self.coloured else "."

    def dashes(self, arm: str) -> tuple[float, tuple[float, ...]] | Literal["-"]:
        """A line style for matplotlib."""
        dashes = DASHES[self.coloured.index(arm)] if arm in self.coloured else ""
        return (0, tuple(map(float, dashes))) if isinstance(dashes, tuple) else "-"


def arms_above(figure: Figure, evidence: Evidence, *others: Line2D) -> None:
    """The legend of arms above the panels, with what is to be known of each; then ``others``."""
    handles = [
        Line2D([], [], color=evidence.colour(x), linestyle=evidence.dashes(x), marker=evidence.marker(x),
               markersize=4.5, label=evidence.named(x, width=28))
        for x in evidence.labels
    ]  # fmt: skip
    legend_above(figure, [*handles, *others])


def legend_above(figure: Figure, handles: Sequence[Artist]) -> None:
    """A legend over all panels, in as many columns as its texts leave room for."""
    longest = max(len(line) for handle in handles for line in str(handle.get_label()).split("\n"))
    columns = max(1, min(len(handles), int(90 * figure.get_figwidth() / WIDTH) // (longest + 8)))
    figure.legend(handles=list(handles), loc="outside upper center", ncols=columns, frameon=False, handlelength=2.6)


def save(figure: Figure, stem: Path, text: str = "") -> None:
    """Write .svg, .png and .pdf, each in one step, the same bytes each time. ``text``, the caption, travels in them."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context(STYLE):
        about = dict.fromkeys(("Date", "Creator", "Format", "Type")) | {"Description": text or None}
        formats: dict[str, dict[str, str | None]] = {
            "svg": about,
            "pdf": {"CreationDate": None, "Subject": text or None},
            "png": {"Software": None, "Description": text or None},
        }
        for ending, metadata in formats.items():
            beside = stem.with_name(f".{stem.name}.{os.getpid()}.{ending}")
            figure.savefig(beside, metadata=metadata)
            os.replace(beside, stem.with_name(f"{stem.name}.{ending}"))
