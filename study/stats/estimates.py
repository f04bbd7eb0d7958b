"""What the runs of one arm come to, and the differences of two: estimates with their intervals; what trials come to.

A metric has one estimator wherever it is shown or claimed: the mean, on the scale on which arms are compared, so that
of factors it is the geometric mean. Where a run has no number on that scale it is the median.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import comb, isfinite, isnan, nan
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from study.metrics import METRICS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
TIE = 5e-10  # differences this close are equal: those of counts are, up to rounding


Estimator = Literal["mean", "geometric mean", "median"]
End = float | None  # of an interval; None where there is none


def scaled(metric: str, values: Floats) -> Floats:
    """``values`` on the scale on which arms are compared, the higher the better: of factors their logarithms."""
    about = METRICS[metric]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(about.orientation * (np.log(values) if about.ratio else values))


class Estimate(NamedTuple):
    """What the runs of an arm come to, in the metric's unit; or how far two arms are apart, as a difference in it or a
    factor (above 1: better). None, or NaN of a file, where it does not exist; an end of the interval may be infinite.
    """

    estimate: End = None
    low: End = None
    high: End = None
    estimator: Estimator | None = None


def estimate_of(metric: str, values: Floats) -> Estimate:
    """What ``values`` [runs] come to; NaN are runs without a value, infinite ones are worse than every number.

    A mean with its t interval, of factors that of the logarithms; the median with its exact interval where a run is
    worse than every number, or is 0 where factors count. The interval of a share ends at 0 and at 1.
    """
    values = values[~np.isnan(values)]
    if not len(values):
        return Estimate()
    about = METRICS[metric]
    if not np.isfinite(values).all() or (about.ratio and (values <= 0).any()):
        interval = median_interval(-about.orientation * values)
        low, high = (None if end is None else -about.orientation * end for end in interval)
        ends = (low, high) if about.orientation < 0 else (high, low)
        return Estimate(median_of(metric, values), *ends, "median")
    if not np.ptp(values):
        return Estimate(float(values[0]), estimator=about.mean)
    scaled = np.log(values) if about.ratio else values
    low, high = (None if end is None else about.restored(end) for end in mean_interval(scaled))
    if about.percent == "%":
        low, high = (None if end is None else min(1.0, max(0.0, end)) for end in (low, high))
    return Estimate(about.restored(float(np.round(scaled.mean(), 12))), low, high, about.mean)


def median_of(metric: str, values: Floats) -> End:
    """The median of ``values`` [runs], as above; None where under half of the runs have a number."""
    costs = -METRICS[metric].orientation * values[~np.isnan(values)]
    middle = kaplan_meier_median(costs) if len(costs) else None
    return None if middle is None else -METRICS[metric].orientation * middle


def median_contrast(metric: str, d: Floats) -> Estimate:
    """The median of the differences of two arms, some of them infinite; without an interval."""
    if not len(d):
        return Estimate()
    with np.errstate(invalid="ignore"):  # the middle of two that are infinite
        middle = float(np.median(d))
    if not isfinite(middle):
        return Estimate(estimator="median")
    return Estimate(METRICS[metric].restored(float(np.round(middle, 12))), estimator="median")


def mean_interval(values: Floats, level: float = 0.95, tie: float = 0.0) -> tuple[End, End]:
    """The t interval of the mean of ``values`` [runs, or pairs]; None with one, or where all are within ``tie``."""
    if len(values) < 2 or np.ptp(values) <= tie:
        return None, None
    interval = stats.ttest_1samp(values, 0).confidence_interval(level)
    return float(interval.low), float(interval.high)


def t_half(error: float, freedom: float, level: float) -> float:
    """Half of the t interval of a number with this standard error."""
    return float(stats.t.ppf((1 + level) / 2, freedom)) * error


def kaplan_meier_median(times: Floats) -> End:
    """The first time with survival S(t) ≤ 0.5 (Kaplan and Meier, 1958); inf in ``times`` [runs] is censored.

    That is after all times that are known, where S(t) is the share of runs that take longer. None where under half of
    the runs reach the target.
    """
    middle = float(np.sort(times)[(len(times) - 1) // 2])
    return middle if np.isfinite(middle) else None


def median_interval(values: Floats) -> tuple[End, End]:
    """The exact 95 % interval of the median of ``values`` [runs, or pairs], of which some may be infinite.

    None where there are too few for such an interval, under 6.
    """
    low, high = _median_ranks(len(values))
    ordered = np.sort(values)
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
