"""What tuning trials say: which candidate is best, whether the grid was too narrow, what fewer trials would have found.

``values`` are those of the metric that selects, on validation data [candidates, tuning seeds]; NaN for a run that
diverged, inf for a target that was not reached.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, isfinite, isnan

import numpy as np

from study.show.statistics.paired import TIE, Bools, Floats
from study.show.statistics.scale import orientation


def rank(
    metric: str, values: Floats, val_loss: Floats, settings: Sequence[tuple[float, ...]], diverged: Bools | None = None
) -> list[int]:
    """The candidates, best first; empty where every run of every candidate diverged.

    Those with a diverged seed come after all without; then fewest unreached, then the mean of the rest. Ties go to
    the lower mean of ``val_loss`` [candidates, tuning seeds], then to the smaller ``settings`` [candidates].
    ``diverged`` [candidates, tuning seeds]: needed for times to target only, whose runs may diverge later.
    """
    broken = np.isnan(values) if diverged is None else diverged
    if broken.all():
        return []

    def place(candidate: int) -> tuple[object, ...]:
        row, losses = values[candidate], val_loss[candidate]
        unreached = np.isinf(row)
        mean = -orientation(metric) * _mean(row[~np.isnan(row) & ~unreached])
        # Means of equal counts differ in their last bits.
        return int(broken[candidate].sum()), int(unreached.sum()), round(mean, 9), _mean(losses), settings[candidate]

    return sorted(range(len(values)), key=place)


def beats(metric: str, edge: Floats, inner: Floats) -> bool:
    """Whether the trial at the edge of a grid beats its inner neighbour: then the grid is too narrow. [tuning seeds]

    By more than two standard errors of their paired difference, or with every seed. A run that diverged (NaN) or did
    not reach the target is worse than every number.
    """
    sign = orientation(metric)
    one, other = (np.where(np.isfinite(side), sign * side, -np.inf) for side in (edge, inner))
    if (one > other + TIE).all():
        return True
    if not np.isfinite([one, other]).all() or len(one) < 2:
        return False
    d = one - other
    return bool(d.mean() > 2 * d.std(ddof=1) / np.sqrt(len(d)) + TIE)


def expected_best(metric: str, scores: Sequence[float]) -> list[float | None]:
    """The best score to be expected of k = 1, 2, … trials drawn from these without replacement. [k]

    ``scores``: one per initial point of the grid, NaN where it diverged. None where k trials may all have diverged.
    Dodge et al. (2019) draw with replacement, which is biased.
    """
    n, sign = len(scores), orientation(metric)
    best_first = sorted((s for s in scores if isfinite(s)), key=lambda s: -sign * s)
    best_first += [float("nan")] * (n - len(best_first))
    expected = (
        sum(v * comb(n - i, k - 1) for i, v in enumerate(best_first[: n - k + 1], 1)) / comb(n, k)
        for k in range(1, n + 1)
    )
    return [None if isnan(value) else value for value in expected]


def _mean(values: Floats) -> float:
    """Infinite (the worst) where there is none."""
    kept = values[~np.isnan(values)]
    return float(kept.mean()) if len(kept) else float("inf")
