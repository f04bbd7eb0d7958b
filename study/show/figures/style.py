"""What all figures share: their style, the legend of arms, and how they are written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from study.show.figures.data import Evidence

WIDTH = 7.2  # inches: a page's text
LETTERS = "abcdefghijklmnopqrstuvwxyz"
STYLE: dict[Any, Any] = {
    "font.size": 8.5, "axes.labelsize": 8.5, "xtick.labelsize": 8, "ytick.labelsize": 8, "legend.fontsize": 8.5,
    "axes.edgecolor": "0.3", "axes.linewidth": 0.7, "xtick.color": "0.15", "ytick.color": "0.15",
    "xtick.major.width": 0.7, "ytick.major.width": 0.7, "xtick.major.size": 3, "ytick.major.size": 3,
    "axes.axisbelow": True, "axes.spines.top": False, "axes.spines.right": False,
    "font.family": ["sans-serif"], "font.sans-serif": ["DejaVu Sans"],
    "svg.fonttype": "none", "svg.hashsalt": "evenhand", "pdf.fonttype": 42, "savefig.dpi": 200,
}  # fmt: skip


def arms_above(figure: Figure, evidence: Evidence, *others: Line2D) -> None:
    """The legend of arms above the panels, with what is to be known of each; then ``others``."""
    handles = [
        Line2D([], [], color=evidence.colour(x), linestyle=evidence.dashes(x), marker=evidence.marker(x),
               markersize=4.5, label=evidence.named(x, width=28))
        for x in evidence.labels
    ]  # fmt: skip
    legend_above(figure, [*handles, *others])


def legend_above(figure: Figure, handles: Sequence[Line2D]) -> None:
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
