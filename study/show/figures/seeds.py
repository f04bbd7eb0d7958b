"""A dot for every seed."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes


def spread(seeds: pd.Series) -> pd.Series:
    """A place in [-0.5, 0.5) for each seed: neighbours lie apart, and nothing is random."""
    return (seeds * 0.618034 + 0.5) % 1 - 0.5  # multiples of the golden ratio


def scatter(ax: Axes, runs: pd.DataFrame, x: str, y: str, colour: str, marker: str, rasterized: bool = False) -> None:
    """Draw ``runs``; those that did not learn are open."""
    for learned, part in runs.groupby("learned"):
        sns.scatterplot(
            part, x=x, y=y, ax=ax, legend=False, marker=marker, s=13, linewidth=0.6, edgecolor=colour,
            facecolor=colour if learned else "none", alpha=0.55 if learned else 1, rasterized=rasterized,
        )  # fmt: skip
