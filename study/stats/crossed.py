"""A difference over seeds and test rows, both of which are samples: every seed was tested on every row.

The variance of a mean over two crossed samples is that over the one, and over the other, less what both have counted
(Cameron, Gelbach and Miller, 2011, as for any two ways of clustering), with the degrees of freedom of Satterthwaite
(1946). The pigeonhole bootstrap (Owen, 2007) is wider, and does not hold its level with few seeds (docs/statistics.md).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from study.metrics import METRICS
from study.stats.estimates import Floats, t_half


class Crossed(NamedTuple):
    """A mean over seeds × rows. Errors are standard errors; ``rows_error`` is what stays with any number of seeds."""

    mean: float
    error: float
    freedom: float
    seeds_error: float
    rows_error: float
    seeds: int

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Never narrower than the t interval over seeds alone."""
        half = max(t_half(self.error, self.freedom, level), t_half(self.seeds_error, self.seeds - 1, level))
        return self.mean - half, self.mean + half


def crossed(x: Floats) -> Crossed | None:
    """Of ``x`` [seeds, rows]; None with one seed or one row, or where nothing varies."""
    seeds, rows = x.shape
    if seeds < 2 or rows < 2:
        return None
    mean, by_seed, by_row = x.mean(), x.mean(1), x.mean(0)
    rest = x - by_seed[:, None] - by_row + mean
    both = float(np.square(rest).sum()) / ((seeds - 1) * (rows - 1)) / (seeds * rows)
    over_seeds, over_rows = float(by_seed.var(ddof=1)) / seeds, float(by_row.var(ddof=1)) / rows
    variance = over_seeds + over_rows - both
    freedom = float(seeds - 1)
    if variance > over_seeds:
        parts = ((over_seeds, seeds - 1), (over_rows, rows - 1), (both, (seeds - 1) * (rows - 1)))
        freedom = variance**2 / sum(part**2 / each for part, each in parts)
    variance = max(variance, over_seeds)
    if variance < 1e-24:  # rounding
        return None
    left = max(0.0, over_rows - both)
    return Crossed(float(mean), variance**0.5, freedom, over_seeds**0.5, left**0.5, seeds)


def row_effects(metric: str, better: Floats, than: Floats) -> Floats | None:
    """What every row adds to the oriented difference of a seed: its mean over rows is that difference. [seeds, rows]

    ``better``, ``than`` [seeds, rows]: of the two arms, whether right or the loss. Of the log ratio of two mean losses
    it is the difference and the row's influence on it (the delta method). None where a mean is 0.
    """
    about = METRICS[metric]
    if not about.ratio:
        return about.orientation * (better - than)
    one, other = better.mean(1, keepdims=True), than.mean(1, keepdims=True)
    if min(one.min(), other.min()) <= 0:
        return None
    return np.asarray(about.orientation * (np.log(one / other) + better / one - than / other))


def carriers(metric: str, better: Floats, than: Floats) -> int | None:
    """How many rows, fewest first, carry half of the mean difference; None where there is none. Shapes as above.

    A log ratio of means is shared out among the rows by the logarithmic mean (Ang, 2004): they add up to it.
    """
    about = METRICS[metric]
    shares = about.orientation * (better - than)
    if about.ratio:
        one, other = better.mean(1, keepdims=True), than.mean(1, keepdims=True)
        if min(one.min(), other.min()) <= 0:
            return None
        alike = np.isclose(one, other, rtol=1e-9, atol=0)
        ratio = np.where(alike, 1.0, one / other)
        shares = shares / np.where(alike, one, (one - other) / np.where(alike, 1.0, np.log(ratio)))
    by_row = shares.mean(0)
    total = by_row.sum()
    if abs(total) < 1e-12:
        return None
    summed = np.cumsum(np.sort(by_row * np.sign(total))[::-1])
    return int(np.argmax(summed >= abs(total) / 2 - 1e-12)) + 1
