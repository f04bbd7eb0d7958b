"""Axes of accuracies and of losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator

TICKS = np.array([0, 50, 80, 90, 95, 98, 99, 99.5, 99.8, 99.9])  # percent


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
    top, ticks = error_ticks(high)
    ax.set_yscale("function", functions=error_functions(top))
    ax.set_ylim(max(0.0, min(float(np.nan_to_num(low)), 50)), top)
    ax.set_yticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    ax.set_yticks([], minor=True)


def error_ticks(high: pd.Series) -> tuple[float, np.ndarray]:
    """The end of such a scale, a little above the highest accuracy that is not 100 %; and its ticks."""
    top, below = 99.95, high[high < 100].max()
    if np.isfinite(below):
        top = min(top, 100 - (100 - below) / 2)
    return top, TICKS[top > TICKS]


def error_functions(top: float) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """From accuracies to their places on such a scale, and back."""

    def forward(accuracy: Any) -> Any:
        return -np.log10(100 - np.minimum(accuracy, top))

    def inverse(place: Any) -> Any:
        return 100 - 10 ** -np.asarray(place)

    return forward, inverse
