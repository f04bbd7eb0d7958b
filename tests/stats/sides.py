"""Makes the two sides of a claim from plain lists."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, combinations
from typing import Any

import numpy as np

from study.stats.paired import Side, Statement

INF, NAN = float("inf"), float("nan")


def side(
    label: str, values: Sequence[float] | np.ndarray, status: str | Sequence[str] | None = None, **more: Any
) -> Side:
    """``status``: of all runs, or of each; by default NaN diverged and all else finished."""
    numbers = np.array(values, dtype=float)
    if status is None:
        status = ["diverged" if np.isnan(value) else "finished" for value in numbers]
    how = np.array([status] * len(numbers) if isinstance(status, str) else status, dtype=str)
    return Side(label, numbers, how, **more)


def inverted(d: Sequence[float] | np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """The interval of the sign-flip test: of the means of all sets of pairs, without so many at each end."""
    sets = chain.from_iterable(combinations(d, size) for size in range(1, len(d) + 1))
    means, out = sorted(float(np.mean(chosen)) for chosen in sets), int(2 ** len(d) * (1 - level) / 2)
    return means[out - 1], means[-out]


def claim(
    metric: str, better: Sequence[float] | np.ndarray, than: Sequence[float] | np.ndarray, **more: Any
) -> Statement:
    """That arm ``a`` is better than arm ``b``."""
    return Statement(metric, side("a", better), side("b", than), **more)
