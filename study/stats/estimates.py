"""What the runs of one arm come to: an estimate with its 95 % interval, and the median; what its trials come to."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import comb, isfinite, isnan, nan

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from study.metrics import METRICS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def estimate_of(metric: str, values: Floats) -> tuple[float | None, float | None, float | None, float | None]:
    """Estimate, low, high and median of ``values`` [runs]; NaN are runs without a value.

    A mean with its t interval; for times to target, and for what the timing job measures, the median with
    its interval. None where it does not exist.
    """
    values = values[~np.isnan(values)]
    if not len(values):
        return None, None, None, None
    about = METRICS[metric]
    middle = kaplan_meier_median(values) if about.target else float(np.median(values))
    if about.target or about.per_round:
        agree = about.per_round and not np.ptp(values)
        low, high = (None, None) if agree else median_interval(values)
        return middle, low, high, middle
    return float(values.mean()), *mean_interval(values), middle


def mean_interval(values: Floats, level: float = 0.95, tie: float = 0.0) -> tuple[float | None, float | None]:
    """The t interval of the mean of ``values`` [runs, or pairs]; None with one, or where all are within ``tie``."""
    if len(values) < 2 or np.ptp(values) <= tie:
        return None, None
    interval = stats.ttest_1samp(values, 0).confidence_interval(level)
    return float(interval.low), float(interval.high)


def kaplan_meier_median(times: Floats) -> float | None:
    """The first time with survival S(t) ≤ 0.5 (Kaplan and Meier, 1958); inf in ``times`` [runs] is censored.

    That is after all times that are known, where S(t) is the share of runs that take longer. None where under half of
    the runs reach the target.
    """
    middle = float(np.sort(times)[(len(times) - 1) // 2])
    return middle if np.isfinite(middle) else None


def median_interval(times: Floats) -> tuple[float | None, float | None]:
    """The exact 95 % interval of the median of ``times`` [runs], inf where it is past the budget.

    None where there are too few runs for such an interval (under 6).
    """
    low, high = _median_ranks(len(times))
    ordered = np.sort(times)
    return None if low is None else float(ordered[low]), None if high is None else float(ordered[high])


@cache
def _median_ranks(n: int) -> tuple[int | None, int | None]:
    """Which of ``n`` values in order are the ends of the interval of their median: it depends on nothing else."""
    interval = stats.quantile_test(np.arange(float(n)), q=0, p=0.5).confidence_interval(0.95)
    low, high = (None if np.isnan(end) else int(end) for end in interval)
    return low, high


def expected_best(metric: str, scores: Sequence[float]) -> list[float | None]:
    """The best score to be expected of k = 1, 2, … trials drawn from these without replacement: of less tuning. [k]

    ``scores``: one per initial point of the grid, NaN where it diverged. None where k trials may all have diverged.
    Dodge et al. (2019) draw with replacement, which is biased.
    """
    n, sign = len(scores), METRICS[metric].orientation
    best_first = sorted((s for s in scores if isfinite(s)), key=lambda s: -sign * s)
    best_first += [nan] * (n - len(best_first))
    expected = (
        sum(v * comb(n - i, k - 1) for i, v in enumerate(best_first[: n - k + 1], 1)) / comb(n, k)
        for k in range(1, n + 1)
    )
    return [None if isnan(value) else value for value in expected]
