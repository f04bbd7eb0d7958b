"""Tests that paired differences are symmetric about 0: their signs are flipped, of their sizes or of their ranks."""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache
from typing import Literal

import numpy as np
from scipy import stats

from study.stats.estimates import TIE, Floats

Alternative = Literal["two-sided", "greater", "less"]
EXACT = 16  # differences up to which all 2^n sign patterns are tried
RESAMPLES = 99_999
DRAWN = 10_000  # at once


def beyond(d: Floats, m: float) -> Floats:
    """``d - m``, exactly 0 where they are equal up to rounding. [pairs]"""
    x = d - m
    return np.where(np.abs(x) < TIE, 0.0, x)


def of_tails(less: float, greater: float, alternative: Alternative) -> float:
    """p from the shares of what is as low, and as high, as what was seen."""
    tails = {"less": less, "greater": greater, "two-sided": 2 * min(less, greater)}
    return min(1.0, float(tails[alternative]))


def sign_flip(x: Floats, alternative: Alternative = "two-sided") -> float:
    """p of the sign-flip test that ``x`` [pairs] is symmetric about 0 (Fisher, 1935): exact for up to 16 pairs.

    As many sign patterns have at least the sum of ``x`` as sets of pairs have a sum of 0 or less, flipped: none, too.
    """
    if not np.isfinite(x).all():
        raise ValueError("the sign-flip test needs finite differences")  # one NaN would give p = 0
    x = x[x != 0] if len(x) <= EXACT else x  # which moves no p: flipping zeros changes no sum
    if not len(x):
        return 1.0
    sums, _ = _sets(x)
    equal = max(TIE, float(np.abs(x).max()) * 1e-12)  # sums of counts are, up to rounding
    patterns = len(sums) + 1
    less, greater = ((sums >= -equal).sum() + 1) / patterns, ((sums <= equal).sum() + 1) / patterns
    return of_tails(less, greater, alternative)


def flip_interval(d: Floats, level: float) -> tuple[float | None, float | None]:
    """The ends of what the two-sided sign-flip test of ``d - m`` does not reject as m, at 1 - ``level``. d: [pairs]

    The p that the mean is above m counts the sets of pairs whose mean is at most m, so the ends are means of two sets
    (Hartigan, 1969): interval and test always agree. None where all pairs are the same, or too few to reject anything.
    """
    if len(d) < 2 or np.ptp(d) <= TIE:
        return None, None
    sums, sizes = _sets(d)
    out = int((len(sums) + 1) * (1 - level) / 2 + 1e-9)  # as many patterns as p may count, that of ``d`` itself too
    if not out:
        return None, None
    means = np.partition(sums / sizes, (out - 1, len(sums) - out))
    return float(means[out - 1]), float(means[-out])


def _sets(x: Floats) -> tuple[Floats, Floats]:
    """Sum and size of every set of pairs but the empty one: of all, or above 16 pairs of 99,999 that are drawn. [sets]

    Those that are drawn depend on the number of pairs only. One claim asks up to three times: p, and two intervals.
    """
    return _sets_of(np.asarray(x, dtype=float).tobytes())


@lru_cache(maxsize=2)
def _sets_of(pairs: bytes) -> tuple[Floats, Floats]:
    x = np.frombuffer(pairs)
    if len(x) <= EXACT:
        sums, sizes = np.zeros(1), np.zeros(1)
        for value in x:
            sums, sizes = np.concatenate([sums, sums + value]), np.concatenate([sizes, sizes + 1])
        return sums[1:], sizes[1:]
    rng, drawn = np.random.default_rng(0), []
    for rows in [DRAWN] * (RESAMPLES // DRAWN) + [RESAMPLES % DRAWN]:
        chosen = rng.integers(0, 2, (rows, len(x)), dtype=np.int8).astype(float)
        chosen[chosen.sum(axis=1) == 0, 0] = 1
        drawn.append((chosen @ x, chosen.sum(axis=1)))
    sums, sizes = map(np.concatenate, zip(*drawn, strict=True))
    return sums, sizes


def signed_ranks(x: Floats) -> Floats:
    """The ranks of the sizes of ``x`` [pairs], with its signs (Wilcoxon, 1945); ties share theirs.

    Infinite ones have no size: each has the middle rank of the others. With the highest, runs that either arm loses by
    chance would drown all other differences (docs/statistics.md). NaN are ties of two arms and have none. Those of 0
    have one, and are left out then (Pratt, 1959): so p only grows as a margin moves on, also where it meets a pair.
    Sizes are equal where they differ by rounding only.
    """
    x = x[~np.isnan(x)]
    known = np.isfinite(x)
    ranks = np.full(len(x), (known.sum() + 1) / 2)
    ranks[known] = stats.rankdata(np.round(np.abs(x[known]), 9))
    signed: Floats = (np.sign(x) * ranks)[x != 0]
    return signed


def rank_flip(x: Floats, alternative: Alternative = "two-sided") -> float:
    """p of the sign-flip test of the signed ranks of ``x`` [pairs], some of them infinite: exact for any number."""
    ranks = signed_ranks(x)
    halves = np.rint(2 * np.abs(ranks)).astype(int)  # which are whole
    shares = np.zeros(1 + halves.sum())  # of the sign patterns, by twice the sum of the ranks above 0
    shares[0] = 1.0
    for rank in halves:
        shares[rank:] += shares[:-rank]
        shares /= 2
    above = int(halves[ranks > 0].sum())
    return of_tails(shares[: above + 1].sum(), shares[above:].sum(), alternative)


def rank_interval(d: Floats, level: float) -> tuple[float | None, float | None]:
    """The ends of what the two-sided test of the signed ranks of ``d - m`` does not reject as m, at 1 - ``level``.

    Its p changes at means of two pairs only (Walsh, 1949), so these are the ends. One is infinite where no m, however
    large, is rejected. None where so few pairs reject nothing. d: [pairs], of which NaN are ties and say nothing.
    """
    known = d[np.isfinite(d)]
    if not len(known):
        return None, None
    steps = np.unique(np.round(np.add.outer(known, known)[np.triu_indices(len(known))] / 2, 12))
    between = np.concatenate([steps[:1] - 1, (steps[:-1] + steps[1:]) / 2, steps[-1:] + 1])

    def rejected(m: float, side: Alternative) -> bool:
        return rank_flip(beyond(d, m), side) <= (1 - level) / 2 + 1e-12

    first = bisect_left(between, True, key=lambda m: not rejected(m, "greater"))
    last = bisect_left(between, True, key=lambda m: rejected(m, "less"))
    low, high = [-np.inf, *steps][first], [*steps, np.inf][last - 1]
    return (None, None) if np.isinf([low, high]).all() else (float(low), float(high))


def equivalence(d: Floats, m: float) -> tuple[float, bool]:
    """p of what ``d`` [pairs] speaks for, and whether that is being equal: within ``±m``.

    Two one-sided tests for equal (the larger p); the same test, doubled, for being beyond ``m`` on either side.
    Of signed ranks where a pair holds no number. What the mean does not lie on has a p of at least a half.
    """
    above, below = beyond(d, m), beyond(d, -m)
    if not np.isfinite(d).all():
        equal = max(rank_flip(above, "less"), rank_flip(below, "greater"))
        apart = min(1.0, 2 * min(rank_flip(above, "greater"), rank_flip(below, "less")))
        return (equal, True) if equal <= apart else (apart, False)
    if abs(d.mean()) < m:
        return max(sign_flip(above, "less"), sign_flip(below, "greater")), True
    return min(1.0, 2 * (sign_flip(above, "greater") if d.mean() > 0 else sign_flip(below, "less"))), False
