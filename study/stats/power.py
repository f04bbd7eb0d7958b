"""How many seeds would decide a claim, if the true difference is as observed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

import numpy as np
from scipy import stats
from statsmodels.stats.power import TTestPower

from study.stats.exact import ALPHA, fewest_seeds

POWER = 0.8
MOST = 1_000  # seeds; more is said as "more than 1,000"
FALSE_VERDICTS = {2: 0.074, 5: 0.109}  # with so many looks that were not declared, found by simulation


def pairs_for_mean(mean: float, sd: float, m: float, claims: int, looks: int = 1, decided: float = 1.0) -> int | None:
    """Smallest n with 2^(1-n) ≤ 0.05/claims at which a paired t test of ``mean - m`` has power 0.8 at that level.

    ``decided``: the share of pairs that do not tie. Only these count for 2^(1-n), so n is such that enough of them are
    to be had with the probability 0.8. None where more than 1,000 would be needed.
    """
    return _smallest(lambda n: _t_power(abs(mean - m), sd, n, ALPHA / looks / claims / 2), claims, looks, decided)


def pairs_for_equal(mean: float, sd: float, m: float, claims: int, looks: int = 1, decided: float = 1.0) -> int | None:
    """The same for two one-sided t tests that the mean is within ``±m``, or a t test that it is beyond."""
    alpha = ALPHA / looks / claims
    if abs(mean) >= m:
        return pairs_for_mean(abs(mean), sd, m, claims, looks, decided)

    def power(n: int) -> float:
        return sum(_t_power(gap, sd, n, alpha) for gap in (m - mean, m + mean)) - 1

    return _smallest(power, claims, looks, decided)


def pairs_for_wins(wins: int, losses: int, ties: int, claims: int, looks: int = 1) -> int | None:
    """Smallest number of pairs at which an exact sign test has power 0.8, if wins and ties come as often as seen."""
    decided = wins + losses
    if not decided or wins == losses:
        return None
    share = max(wins, losses) / decided
    n = np.arange(MOST + 1)
    needed = stats.binom.isf(ALPHA / looks / claims / 2, n, 0.5) + 1  # wins that decide; more than n: none do
    power = stats.binom.sf(needed - 1, n, share)
    untied = decided / (decided + ties)

    def mixed(pairs: int) -> float:
        """The power over all numbers of pairs that do not tie."""
        return float(stats.binom.pmf(np.arange(pairs + 1), pairs, untied) @ power[: pairs + 1])

    return next((pairs for pairs in range(1, MOST + 1) if mixed(pairs) >= POWER), None)


def _t_power(gap: float, sd: float, n: int, alpha: float) -> float:
    """One-sided, at half the level for a two-sided test: the tail on the wrong side decides nothing (and is NaN)."""
    if sd == 0:
        return float(gap != 0)
    return float(TTestPower().power(gap / sd, n, alpha, alternative="larger"))


def _smallest(power: Callable[[int], float], claims: int, looks: int, decided: float) -> int | None:
    floor = max(2, fewest_seeds(claims, looks=looks))  # pairs that do not tie
    enough = range(floor, MOST + 1)
    fewest = floor + bisect_left(enough, POWER, key=lambda n: float(stats.binom.sf(floor - 1, n, decided)))
    n = fewest + bisect_left(range(fewest, MOST + 1), True, key=lambda n: power(n) >= POWER)
    return n if n <= MOST else None
