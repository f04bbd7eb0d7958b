"""What tuning with fewer trials would have found."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, isfinite, isnan, nan

from study.metrics import METRICS


def expected_best(metric: str, scores: Sequence[float]) -> list[float | None]:
    """The best score to be expected of k = 1, 2, … trials drawn from these without replacement. [k]

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
